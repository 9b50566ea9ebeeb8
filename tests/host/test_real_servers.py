"""Servers that people use, as real processes: both eras, two languages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_tui.config.servers import ServerConfig
from tests.support.hosts import HostFactory
from tests.support.waiting import wait_until_async

ROOT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent
NODE_MODULES = Path(os.environ.get("MCP_TUI_TEST_NODE_MODULES", ROOT / "node_modules"))
"""Read at import: tests run without the person's own variables."""


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        pytest.skip(name)
    return found


def _node_server(package: str, script: str = "dist/index.js") -> list[str]:
    """Arguments for Node; skips by name when Node or the package is missing."""
    _program("node")
    path = NODE_MODULES / package / script
    if not path.exists():
        pytest.skip(f"npm package {package}")
    return [str(path)]


async def test_time(make_host: HostFactory) -> None:
    kit = await make_host({"time": ServerConfig(command=_program("mcp-server-time"))})
    assert (await kit.state("time", "running")).protocol_version == "2026-07-28"
    tool = kit.tool("time", "get_current_time")
    problems = kit.host.check(tool, {"timezone": 5})
    assert [(problem.field, problem.type) for problem in problems] == [("timezone", "type")]
    result = await kit.call(
        "time", "convert_time", {"time": "12:00", "source_timezone": "UTC", "target_timezone": "Asia/Tokyo"}
    )
    assert result.outcome == "success"
    assert "21:00" in repr(result.content)
    failed = await kit.call("time", "get_current_time", {"timezone": "Nowhere/None"})
    assert failed.outcome == "error"


async def test_git(make_host: HostFactory, tmp_path: Path) -> None:
    git = _program("git")
    for command in (
        ["init", "-q"],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "--allow-empty", "-m", "first"],
    ):
        subprocess.run([git, *command], cwd=tmp_path, check=True)
    kit = await make_host(
        {"git": ServerConfig(command=_program("mcp-server-git"), args=["--repository", str(tmp_path)])}
    )
    assert (await kit.state("git", "running")).protocol_version == "2026-07-28"
    result = await kit.call("git", "git_log", {"repo_path": str(tmp_path)})
    assert result.outcome == "success"
    assert "first" in repr(result.content)


async def test_everything_of_node(make_host: HostFactory) -> None:
    """A handshake-era server: every kind of content, progress, log messages."""
    args = _node_server("@modelcontextprotocol/server-everything")
    kit = await make_host({"everything": ServerConfig(command=_program("node"), args=[*args, "stdio"])})
    status = await kit.state("everything", "running")
    assert status.protocol_version == "2025-11-25"
    await wait_until_async(lambda: kit.status("everything").latency_seconds, what="a health check")
    names = {tool.name for tool in kit.host.tools()}
    assert {"echo", "get-sum"} <= names
    result = await kit.call("everything", "echo", {"message": "grüße"})
    assert "grüße" in repr(result.content)
    tool = kit.tool("everything", "get-sum")
    assert [problem.field for problem in kit.host.check(tool, {"a": "x"})]
    reports: list[float] = []
    long = next(name for name in sorted(names) if "long-running" in name)
    result = await kit.call(
        "everything", long, {"duration": 1, "steps": 4}, on_progress=lambda done, total, text: reports.append(done)
    )
    assert result.outcome == "success"
    assert reports[-1] == 4
    image = next(name for name in sorted(names) if "image" in name)
    kinds = [block.type for block in (await kit.call("everything", image, {})).content]
    assert "image" in kinds


async def test_filesystem_of_node(make_host: HostFactory, tmp_path: Path) -> None:
    args = _node_server("@modelcontextprotocol/server-filesystem")
    (tmp_path / "a.txt").write_text("content of a")
    kit = await make_host({"files": ServerConfig(command=_program("node"), args=[*args, str(tmp_path)])})
    await kit.state("files", "running")
    result = await kit.call("files", "read_text_file", {"path": str(tmp_path / "a.txt")})
    assert result.outcome == "success", result
    assert "content of a" in repr(result.content)
