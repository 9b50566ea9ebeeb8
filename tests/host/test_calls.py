"""Deadlines, progress, cancellation and what is kept of a call (requirements A8, D2)."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from mcp_tui.config.servers import ServerConfig
from mcp_tui.events.content import TextContent
from mcp_tui.host.base import CallResult
from tests.support.hosts import SERVERS, HostFactory, hostile
from tests.support.waiting import wait_until_async


def _progress_server(**fields: float) -> ServerConfig:
    return ServerConfig.model_validate(
        {"command": sys.executable, "args": [str(SERVERS / "era_server.py"), "progress"], **fields}
    )


def _text(result: CallResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


async def test_progress_extends_the_idle_deadline(make_host: HostFactory) -> None:
    kit = await make_host({"s": _progress_server(idle_timeout=1.0)})
    reports: list[tuple[float, float | None, str]] = []
    result = await kit.call("s", "work", {"seconds": 2.0}, on_progress=lambda *report: reports.append(report))
    assert result.outcome == "success"
    assert reports[-1][2] == f"step {int(reports[-1][0])}"
    assert [report[0] for report in reports] == sorted(report[0] for report in reports)
    methods = [message.message.get("method", "answer") for message in result.wire]
    assert methods[0] == "tools/call"
    assert methods[-1] == "answer"
    assert methods.count("notifications/progress") == int(reports[-1][0])


async def test_progress_does_not_extend_the_total_deadline(make_host: HostFactory) -> None:
    kit = await make_host({"s": _progress_server(idle_timeout=1.0, total_timeout=1.5)})
    result = await kit.call("s", "work", {"seconds": 30})
    assert result.outcome == "timeout"
    assert result.error is not None
    assert "total timeout" in result.error.message
    assert result.wire[-1].message["method"] == "notifications/cancelled"


async def test_the_idle_deadline_is_named(make_host: HostFactory) -> None:
    kit = await make_host({"s": _progress_server(idle_timeout=0.5)})
    result = await kit.call("s", "quiet", {})
    assert result.outcome == "timeout"
    assert result.error is not None
    assert "idle timeout" in result.error.message
    assert kit.status("s").errors == 1


async def test_case_064_a_flood_of_progress_is_merged_and_its_last_report_delivered(make_host: HostFactory) -> None:
    kit = await make_host({"s": hostile("flood_progress")})
    reports: list[float] = []
    result = await kit.call("s", on_progress=lambda done, total, text: reports.append(done))
    assert result.outcome == "success"
    assert 1 <= len(reports) <= 400
    assert len(result.wire) <= 102


async def test_cancelling_tells_the_server(make_host: HostFactory, tmp_path: Path) -> None:
    log = tmp_path / "log"
    kit = await make_host({"s": hostile("ok", env={"HOSTILE_LOG": str(log)})})
    call = asyncio.create_task(kit.call("s", "sleep", {"s": 20}))
    await wait_until_async(lambda: '"sleep"' in log.read_text(), what="the call")
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await wait_until_async(lambda: "notifications/cancelled" in log.read_text(), what="the cancellation")
    assert (await kit.call("s")).outcome == "success"


async def test_calls_run_concurrently_and_keep_their_own_frames(make_host: HostFactory) -> None:
    kit = await make_host({"s": hostile("ok")})
    results = await asyncio.gather(*(kit.call("s", arguments={"x": f"text {n}"}) for n in range(20)))
    for number, result in enumerate(results):
        assert _text(result) == f"text {number}"
        assert result.wire[0].message["params"]["arguments"] == {"x": f"text {number}"}
        assert result.wire[1].message["id"] == result.wire[0].message["id"]
        assert result.wire_seconds > 0


async def test_a_call_on_a_server_that_is_gone_does_not_run(make_host: HostFactory) -> None:
    kit = await make_host({"s": hostile("ok")})
    tool = kit.tool("s", "echo")
    kit.host.set_enabled("s", False)
    await kit.state("s", "stopped")
    result = await kit.host.call(tool, {}, call_id="1")
    assert result.outcome == "error"
    assert result.error is not None
    assert result.error.kind == "server_unavailable"
    assert "did not run" in result.error.message


async def test_case_038_a_call_that_is_running_when_its_server_is_stopped_may_have_run(make_host: HostFactory) -> None:
    kit = await make_host({"s": hostile("ok")})
    call = asyncio.create_task(kit.call("s", "sleep", {"s": 20}))
    await asyncio.sleep(0.1)
    kit.host.restart("s")
    result = await call
    assert result.outcome == "unknown"
    await kit.state("s", "running")


async def test_a_large_frame_is_noted_by_size_and_its_content_kept(make_host: HostFactory) -> None:
    kit = await make_host({"s": hostile("ok")})
    result = await kit.call("s", arguments={"x": "y" * 1_000_000})
    assert len(_text(result)) == 1_000_000
    assert all("bytes" in message.message["omitted"] for message in result.wire)


async def test_case_103_environment_of_a_server_is_minimal(make_host: HostFactory) -> None:
    """Requirement C7: what the entry names, a few harmless names, nothing else."""
    environ = {"PATH": "/usr/bin:/bin", "HOME": "/", "OPENAI_API_KEY": "sk-none", "LANG": "C.UTF-8", "X": "() { :;}"}
    kit = await make_host({"s": hostile("ok", env={"TOKEN_OF_SERVER": "mine"})}, environ=environ)
    result = await kit.call("s", "env", {})
    text = _text(result)
    assert "TOKEN_OF_SERVER" in text
    assert "C.UTF-8" in text
    assert "OPENAI_API_KEY" not in text


async def test_case_036_an_answer_over_the_cap_is_told_from_its_end_too(make_host: HostFactory) -> None:
    """Some servers write the result before the id."""
    config = ServerConfig(command=sys.executable, args=[str(SERVERS / "era_server.py"), "result_first"])
    kit = await make_host({"s": config})
    result = await kit.call("s", arguments={"size": 20})
    assert result.outcome == "error"
    assert result.error is not None
    assert "larger than 16 MB" in result.error.message
    assert (await kit.call("s", arguments={"size": 1})).outcome == "success"


async def test_case_105_a_tool_that_changed_since_it_was_offered_does_not_run(
    make_host: HostFactory, tmp_path: Path
) -> None:
    """The definition differs with each start of the server."""
    log, state = tmp_path / "log", tmp_path / "state"
    kit = await make_host(
        {"s": hostile("rug_pull_restart", env={"HOSTILE_LOG": str(log), "HOSTILE_STATE": str(state)})}
    )
    offered = kit.tool("s", "echo")
    kit.host.restart("s")
    await wait_until_async(lambda: kit.status("s").restarts == 1, what="a restart")
    await kit.state("s", "running")
    result = await kit.host.call(offered, {"x": "y"}, call_id="1")
    assert result.error is not None
    assert result.error.kind == "tool_changed"
    assert "tools/call" not in log.read_text()
    assert (await kit.call("s")).outcome == "success"
