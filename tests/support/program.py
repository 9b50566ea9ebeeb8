"""The whole program as a person starts it: its files in a folder of the test's own, in a terminal or without one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from mcp_tui.config.loader import load
from mcp_tui.errors import ConfigError
from mcp_tui.safety.secrets import Redactor
from mcp_tui.trust.keeper import TrustKeeper
from tests.support import warm_workers
from tests.support.hosts import SERVERS
from tests.support.providers import FakeProvider
from tests.support.terminal import Terminal
from tests.support.watched import FOLDER

ROOT = Path(__file__).parent.parent.parent

SMALL, LARGE = (80, 24), (120, 40)
"""Sizes of a terminal at which the screen must work: columns, rows."""

EACH_SIZE = [SMALL, LARGE] if os.environ.get("MCP_TUI_TEST_EACH_SIZE") else [SMALL]
"""Sizes for tests whose screens also have pictures at both: the smaller one unless the variable is set."""

KEY = "sk-marker-of-the-tests-0123456789abcdef"
"""The key that `Program.configure` gives the model provider: must not be seen anywhere."""


def hostile_entry(mode: str, *arguments: str) -> dict[str, Any]:
    """An entry of ``servers_config.json``: the hostile server in one of its modes."""
    return {"command": sys.executable, "args": [str(SERVERS / "hostile_server.py"), mode, *arguments]}


class WatchedTerminal(Terminal):
    """A terminal whose program is held against a replay of what it stores."""

    def __init__(self, command: Sequence[str], replays: Path, **options: Any) -> None:
        super().__init__(command, **options)
        self._replays = replays

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        if error is None:
            for found in sorted(self._replays.glob("different-*")):
                raise AssertionError(f"the replay shows something else:\n{found.read_text(encoding='utf-8')}")


class Program:
    """One installation: configuration, data directory, ways to start it."""

    def __init__(self, folder: Path, workers: str = "") -> None:
        """``workers``: the socket of a template (`tests.support.warm_workers`); without it they start by themselves."""
        self.folder = folder
        self.data_dir = folder / "data"
        self.replays = folder / "replays"
        """What `tests.support.watched` found."""
        self.config_file = folder / "config.yaml"
        self.servers_file = folder / "servers_config.json"
        self.environ = {
            "MCP_TUI_DATA_DIR": str(self.data_dir),
            "MCP_CONFIG_PATH": str(self.config_file),
            "MCP_SERVERS_CONFIG_PATH": str(self.servers_file),
            "HOSTILE_STATE": str(folder / "hostile-state"),
            **warm_workers.environment(workers),
        }

    def command(self, *arguments: str) -> list[str]:
        """The program's command line."""
        return [sys.executable, "-m", "mcp_tui", *arguments]

    def app(self, *arguments: str, size: tuple[int, int] = LARGE, env: Mapping[str, str] | None = None) -> Terminal:
        """The app in a pseudo-terminal, held against a replay whenever it rests; enter the context to start it."""
        self.replays.mkdir(exist_ok=True)
        watched = {"PYTHONPATH": str(ROOT), **self.environ, FOLDER: str(self.replays)}
        command = [sys.executable, "-m", "tests.support.watched", *arguments]
        return WatchedTerminal(command, self.replays, size=size, env={**watched, **(env or {})})

    def run(
        self, *arguments: str, stdin: str = "", seconds: float = 60, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """A command without a terminal, to its end."""
        return subprocess.run(
            self.command(*arguments),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=seconds,
            env={**os.environ, **self.environ, **(env or {})},
            start_new_session=True,
            check=False,
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A command without a terminal, running; use as a context."""
        return subprocess.Popen(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **self.environ},
            start_new_session=True,
        )

    # -- configuration -------------------------------------------------------------------------

    def configure(
        self,
        api_base: str,
        servers: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        connection: Mapping[str, Any] | None = None,
        tools: Mapping[str, Any] | None = None,
        trust: bool = True,
    ) -> None:
        """Write both files: OpenAI's protocol at ``api_base``, and these servers, trusted unless told otherwise."""
        config = _config(api_base)
        config["mcp"]["connection"] |= connection or {}
        config["chat"]["service"]["tools"] |= tools or {}
        self.config_file.write_text(yaml.safe_dump(config), encoding="utf-8")
        self.config_file.chmod(0o600)
        self.servers_file.write_text(json.dumps({"mcpServers": dict(servers or {})}), encoding="utf-8")
        if trust and servers:
            self.trust()

    def trust(self, *names: str, env: Mapping[str, str] | None = None) -> None:
        """Accept these servers, or all, as a person does: their first listings are accepted with them."""
        environ = {**os.environ, **self.environ, **(env or {})}
        with contextlib.suppress(ConfigError):
            loaded = load(self.config_file, self.servers_file, environ)
            redactor = Redactor(loaded.secrets)
            keeper = TrustKeeper(loaded.servers, environ, redactor, "0.0-test", folder=self.data_dir)
            for name in names or loaded.servers:
                keeper.accept(name)
            keeper.flush()
            assert not keeper.problems

    # -- what is stored ------------------------------------------------------------------------

    def logs(self) -> list[Path]:
        """The conversations' files."""
        return sorted((self.data_dir / "conversations").glob("**/*.jsonl"))

    def events(self) -> list[dict[str, Any]]:
        """The lines of the only conversation's log; a torn last line is left out."""
        (path,) = self.logs()
        lines = path.read_text(encoding="utf-8").split("\n")
        return [json.loads(line) for line in lines[:-1]]

    def stored(self, kind: str) -> list[dict[str, Any]]:
        """The events of one kind in the only conversation."""
        return [event for event in self.events() if event["type"] == kind]

    def written(self) -> str:
        """Everything that the program wrote into its data directory, as one text."""
        files = (path for path in self.data_dir.rglob("*") if path.is_file())
        return "\n".join(path.read_text(encoding="utf-8", errors="replace") for path in files)


def _config(api_base: str) -> dict[str, Any]:
    provider = dict.fromkeys(("temperature", "max_tokens", "top_p", "input_price", "output_price"))
    provider |= {"model": "openai/scripted", "api_key": KEY, "api_base": api_base, "context_window": 32000}
    request = {"connect_timeout": 10, "idle_timeout": 30, "total_timeout": 120}
    request |= {"max_retries": 1, "initial_retry_delay": 0.2, "max_retry_delay": 1}
    tools = {"max_concurrent": 4, "idle_timeout": 20, "total_timeout": 60, "max_result_tokens": 2000}
    service = {
        "streaming": {"enabled": True},
        "context": {"max_tokens": None, "reserve_tokens": 2000, "preserve_recent": 6},
        "max_tool_hops": 8,
        "cost_limits": {"per_turn": None, "per_conversation": None},
        "tools": tools,
        "system_prompt": None,
    }
    connection = {
        "max_reconnect_attempts": 1,
        "connection_timeout": 20,
        "initial_reconnect_delay": 0.1,
        "max_reconnect_delay": 0.5,
        "max_concurrent_starts": 16,
        "health_check_interval": 30,
    }
    return {
        "llm": {
            "active": "first",
            "providers": {"first": provider, "second": provider | {"model": "openai/other"}},
            "request": request,
        },
        "chat": {"service": service},
        "mcp": {"connection": connection},
        "logging": {"level": "debug", "format": "json"},
        "ui": {"theme": "mcp-dark", "keys": {}},
    }


@contextlib.contextmanager
def provider_in_thread() -> Iterator[FakeProvider]:
    """The scripted provider with an event loop of its own, for tests that wait without one."""
    provider = FakeProvider()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(provider.start())
    thread = threading.Thread(target=loop.run_forever, name="provider")
    thread.start()
    try:
        yield provider
    finally:
        asyncio.run_coroutine_threadsafe(provider.aclose(), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        loop.close()
