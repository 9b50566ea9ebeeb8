from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mcp_tui import resources
from mcp_tui.config.loader import load
from mcp_tui.config.problems import InvalidConfiguration, Problem
from mcp_tui.config.resolved import Loaded

ENVIRON = {"OPENAI_API_KEY": "sk-openai-1234567890", "ANTHROPIC_API_KEY": "sk-ant-1234567890", "PATH": "/usr/bin:/bin"}


class Files:
    """A valid pair of configuration files, to be changed by a test."""

    def __init__(self, folder: Path) -> None:
        self.config_path = folder / "config.yaml"
        self.servers_path = folder / "servers_config.json"
        sample = (resources.sample_config_dir() / "config.yaml").read_text(encoding="utf-8")
        self.config: dict[str, Any] = yaml.safe_load(sample)
        self.servers: dict[str, Any] = {"time": {"command": "sh"}}
        self.environ = dict(ENVIRON)
        self.write()

    def write(self) -> None:
        self.config_path.write_text(yaml.safe_dump(self.config, sort_keys=False), encoding="utf-8")
        self.servers_path.write_text(json.dumps({"mcpServers": self.servers}, indent=2), encoding="utf-8")
        for path in (self.config_path, self.servers_path):
            path.chmod(0o600)

    def set(self, path: str, value: Any) -> None:
        """Change one field of config.yaml, given in dotted form."""
        *parents, last = path.split(".")
        current = self.config
        for name in parents:
            current = current[name]
        current[last] = value

    def load(self, **options: Any) -> Loaded:
        """Load the files as they are on disk."""
        return load(self.config_path, self.servers_path, self.environ, **options)

    def problems(self, *, write: bool = True, **options: Any) -> dict[str, Problem]:
        """The problems of both files by field; fails when there are none, or two of one field."""
        if write:
            self.write()
        with pytest.raises(InvalidConfiguration) as caught:
            self.load(**options)
        found = {problem.field: problem for problem in caught.value.details}
        assert len(found) == len(caught.value.details), caught.value
        return found

    def loaded(self, **options: Any) -> Loaded:
        """Write and load."""
        self.write()
        return self.load(**options)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    def make(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make
