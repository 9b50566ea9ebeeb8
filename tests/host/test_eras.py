"""Both protocol eras: which one is opened, how a wrong guess is survived, what is remembered (requirement D5)."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from mcp_tui.config.servers import ServerConfig
from mcp_tui.host.eras import FILE_NAME, EraStore
from tests.support.hosts import SERVERS, HostFactory
from tests.support.waiting import wait_until_async


def era(mode: str, log: Path | None = None, **fields: Any) -> ServerConfig:
    args = [str(SERVERS / "era_server.py"), mode, *([str(log)] if log is not None else [])]
    return ServerConfig(command=sys.executable, args=args, **fields)


@pytest.mark.parametrize(
    ("mode", "version"),
    [
        ("modern", "2026-07-28"),
        ("modern_slow", "2026-07-28"),
        ("legacy", "2025-11-25"),
        ("legacy_refuses", "2025-11-25"),
        ("legacy_dies", "2025-11-25"),
        ("legacy_silent", "2025-11-25"),
        ("legacy_wedges", "2025-11-25"),
    ],
)
async def test_auto_finds_the_era(mode: str, version: str, make_host: HostFactory) -> None:
    kit = await make_host({"era": era(mode)}, connection={"connection_timeout": 8.0})
    status = await kit.state("era", "running")
    assert status.protocol_version == version
    assert (await kit.call("era")).outcome == "success"
    await wait_until_async(lambda: kit.status("era").latency_seconds, what="a health check")


async def test_a_slow_server_is_not_started_twice(make_host: HostFactory, tmp_path: Path) -> None:
    log = tmp_path / "log"
    await make_host({"era": era("modern_slow", log)})
    assert log.read_text().split().count("start") == 1


async def test_the_era_that_worked_is_remembered(make_host: HostFactory, tmp_path: Path) -> None:
    """A server that dies on the question is not asked it again in the next run."""
    log, state = tmp_path / "log", tmp_path / "state"
    for _ in range(2):
        kit = await make_host({"era": era("legacy_dies", log)}, state_dir=state)
        await kit.state("era", "running")
        await kit.host.aclose()
        await wait_until_async(lambda: (state / FILE_NAME).exists(), what="the file")
    seen = log.read_text().split()
    assert seen.count("start") == 3
    assert seen.count("server/discover") == 1
    assert stat.S_IMODE((state / FILE_NAME).stat().st_mode) == 0o600


async def test_a_wrong_memory_is_corrected(make_host: HostFactory, tmp_path: Path) -> None:
    config = era("modern")
    kit = await make_host({"era": config}, state_dir=tmp_path)
    await kit.host.aclose()
    await wait_until_async(lambda: (tmp_path / FILE_NAME).exists(), what="the file")
    stored = json.loads((tmp_path / FILE_NAME).read_text())
    (tmp_path / FILE_NAME).write_text(json.dumps({key: value | {"era": "legacy"} for key, value in stored.items()}))
    kit = await make_host({"era": config}, state_dir=tmp_path)
    assert (await kit.state("era", "running")).protocol_version == "2026-07-28"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 1}', '{"a": {"era": "x", "at": 0}}', "\x00"])
def test_a_damaged_memory_counts_as_empty(content: str, tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text(content)
    store = EraStore(tmp_path)
    store.load()
    assert store.get("a") is None
    assert store.put("a", "legacy")
    store.save()
    again = EraStore(tmp_path)
    again.load()
    assert again.get("a") == "legacy"


async def test_forced_eras(make_host: HostFactory) -> None:
    kit = await make_host(
        {
            "right": era("modern", protocol="2026-07-28"),
            "legacy": era("legacy_dies", protocol="legacy"),
            "wrong": era("legacy", protocol="2026-07-28"),
        },
        connection={"max_reconnect_attempts": 0},
    )
    assert kit.status("right").protocol_version == "2026-07-28"
    assert kit.status("legacy").protocol_version == "2025-11-25"
    failure = (await kit.given_up("wrong")).failure
    assert failure is not None
    assert "does not speak protocol 2026-07-28" in failure.message


@pytest.mark.parametrize("mode", ["modern", "legacy"])
async def test_changed_tools_are_listed_again(mode: str, make_host: HostFactory) -> None:
    kit = await make_host({"era": era(mode)})
    await kit.call("era", "add_tool", {})
    await wait_until_async(lambda: "era__extra_0" in [tool.wire_name for tool in kit.host.tools()], what="the new tool")
    changes = [event for event in kit.events if event.type == "server_catalog_changed"]
    assert "era__extra_0" in changes[-1].tools  # type: ignore[attr-defined]


async def test_case_060_every_page_is_read(make_host: HostFactory) -> None:
    """The empty string is a cursor like any other."""
    kit = await make_host({"era": era("legacy_pages")})
    assert [tool.name for tool in kit.host.tools()] == list("abcdefg")


async def test_what_is_not_offered_is_said(make_host: HostFactory) -> None:
    kit = await make_host({"asks": era("legacy_asks"), "tasks": era("legacy_tasks")})
    result = await kit.call("asks")
    assert result.outcome == "error"
    assert result.error is not None
    assert "elicitation, which mcp-tui does not offer yet" in result.error.message
    assert [tool.name for tool in kit.host.tools() if tool.server == "tasks"] == ["plain"]
    reasons = {tool.name: tool.reason for tool in kit.status("tasks").set_aside}
    assert "task" in reasons["task_only"]
    assert "graphical" in reasons["app_only"]


async def test_a_server_slower_than_the_sdk_waits_is_opened(
    make_host: HostFactory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The first answer comes too late for the SDK; the server is asked again, not started again."""
    monkeypatch.setattr("mcp.client.session.DISCOVER_TIMEOUT_SECONDS", 2.2)
    log = tmp_path / "log"
    kit = await make_host({"era": era("modern_slow", log)})
    assert (await kit.state("era", "running")).protocol_version == "2026-07-28"
    seen = log.read_text().split()
    assert seen.count("start") == 1
    assert seen.count("server/discover") >= 2
