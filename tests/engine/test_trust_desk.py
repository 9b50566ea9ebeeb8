"""``engine.trust`` over real servers: what waits, what is told, what an acceptance lets through and what it voids."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mcp_tui.config.servers import ServerConfig
from mcp_tui.engine.engine import Decision, Engine
from mcp_tui.errors import TrustError, UsageError
from mcp_tui.events import tools, turns
from mcp_tui.host.host import McpHost
from mcp_tui.safety.secrets import Redactor
from mcp_tui.trust.keeper import TrustKeeper
from tests.support.hosts import PATIENCE, connection_config, hostile, tools_config
from tests.support.scripted import Recording, ScriptedGateway, calls, running, says
from tests.support.waiting import wait_until_async


def keeper_of(servers: dict[str, ServerConfig], folder: Path | None = None) -> TrustKeeper:
    return TrustKeeper(servers, dict(os.environ), Redactor(), "0", folder=folder)


@asynccontextmanager
async def engine_of(
    servers: dict[str, ServerConfig], keeper: TrustKeeper, gateway: ScriptedGateway | None = None
) -> AsyncIterator[Engine]:
    def connect(emit: Any) -> McpHost:
        return McpHost(
            servers,
            connection_config(),
            tools_config(),
            emit=emit,
            environ=os.environ,
            mask=str,
            client_version="0",
            gatekeeper=keeper,
        )

    host: Any = SimpleNamespace(connect=connect)
    async with running(gateway or ScriptedGateway(), host, trust=keeper) as engine:
        yield engine


def state(engine: Engine, name: str = "s") -> str:
    return next(status.state for status in engine.servers if status.name == name)


async def until(engine: Engine, wanted: str, name: str = "s") -> None:
    await wait_until_async(lambda: state(engine, name) == wanted, seconds=PATIENCE, what=f"{name} {wanted}")


async def told(recording: Recording, words: str) -> turns.Notice:
    def those() -> list[turns.Notice]:
        return [event for event in recording.of(turns.Notice) if words in event.message]

    return (await wait_until_async(those, seconds=PATIENCE, what=f"a notice with {words!r}"))[0]


async def card(engine: Engine) -> Any:
    return (await wait_until_async(engine.transcript.waiting, seconds=PATIENCE, what="a card"))[0]


async def test_servers_wait_and_start_when_they_are_accepted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    servers = {"s": hostile("ok", env={"TOKEN": "planted-value"}), "t": hostile("ok")}
    keeper = keeper_of(servers, tmp_path)
    with caplog.at_level(logging.INFO, "mcp_tui"):
        async with engine_of(servers, keeper) as engine:
            recording = Recording(engine)
            await until(engine, "untrusted", "t")
            request, other = engine.trust.requests()
            assert request.server == "s"
            assert request.command[-1] == "ok"
            assert request.variables == ("TOKEN",)
            assert request.before is None
            notice = await told(recording, "to be trusted")
            assert "s, t wait" in notice.message
            assert "/trust s" in notice.hint
            engine.trust.accept("s", request)
            await until(engine, "running")
            assert [tool.name for tool in engine.tools()] == ["echo", "sleep", "env"]
            assert engine.trust.requests() == (other,)
            with pytest.raises(UsageError):
                engine.trust.accept("s")
            with pytest.raises(TrustError):
                engine.trust.accept("t", request)
            assert state(engine, "t") == "untrusted"
            await recording.aclose()
            assert len([event for event in recording.of(turns.Notice) if "trusted" in event.message]) == 1
    audit = [record for record in caplog.records if getattr(record, "operation", "") == "trust"]
    assert [(record.getMessage(), getattr(record, "server", "")) for record in audit] == [
        ("server waits to be trusted", "s"),
        ("server waits to be trusted", "t"),
        ("server trusted", "s"),
        ("tools accepted with the server", "s"),
    ]
    again = keeper_of(servers, tmp_path)
    assert again.admits("s")
    assert not again.admits("t")
    assert "planted-value" not in "".join(path.read_text() for path in tmp_path.iterdir())


async def test_a_turn_does_not_wait_for_untrusted_servers() -> None:
    servers = {"s": hostile("ok")}
    gateway = ScriptedGateway(says("hello"))
    async with engine_of(servers, keeper_of(servers), gateway) as engine:
        engine.submit("hi")
        async with asyncio.timeout(PATIENCE):
            finished = await engine.idle()
    assert finished is not None
    assert finished.outcome == "stop"
    assert gateway.requests[0].tools == ()


async def test_case_105_112_a_tool_that_changes_in_mid_conversation(tmp_path: Path) -> None:
    """Held: not offered, not run, although it was allowed for the conversation; accepted, it is asked about again."""
    servers = {"s": hostile("rug_pull_restart", env={"HOSTILE_STATE": str(tmp_path / "starts")})}
    keeper = keeper_of(servers)
    keeper.accept("s")
    one = calls(("s__echo", '{"x": "a"}'))
    gateway = ScriptedGateway(one, one, says("done"), one, says("not there"), one, says("done"))
    async with engine_of(servers, keeper, gateway) as engine:
        recording = Recording(engine)
        await until(engine, "running")
        engine.submit("go")
        engine.decide((await card(engine)).approval_id, Decision("allow", "conversation"))
        await engine.idle()
        assert [event.scope for event in recording.of(tools.ApprovalDecided)] == ["conversation", "once"]
        assert len(recording.of(tools.ToolCallStarted)) == 2

        pid = engine.servers[0].pid
        engine.restart_server("s")
        await wait_until_async(lambda: engine.servers[0].pid not in (pid, None), seconds=PATIENCE, what="a restart")
        notice = await told(recording, "for a review")
        assert "echo waits for a review: 1 changed" in notice.message
        assert engine.tools() == ()
        engine.submit("again")
        await engine.idle()
        assert gateway.requests[3].tools == ()
        assert len(recording.of(tools.ToolCallStarted)) == 2, "nothing ran"
        ends = recording.of(tools.ToolCallFinished)
        assert [event.outcome for event in ends] == ["success", "success", "error"]

        (held,) = engine.trust.held("s")
        (field,) = engine.trust.diff(held)
        assert field.field == "description"
        assert "".join(piece.text for piece in field.pieces if piece.kind == "added") == ", changed 1"
        with pytest.raises(UsageError):
            engine.trust.accept_tools("s", ["another digest"])
        assert engine.tools() == ()
        engine.trust.accept_tools("s", [held.definition.digest])
        assert [tool.description for tool in engine.tools()] == ["Return x, changed 1"]
        engine.submit("and again")
        engine.decide((await card(engine)).approval_id, Decision("deny"))
        await engine.idle()
        await recording.aclose()
    assert len(recording.of(tools.ToolCallStarted)) == 2


async def test_case_105_a_call_that_was_allowed_for_the_old_definition_does_not_run(tmp_path: Path) -> None:
    """The definition changes while the card is open: the answer was about something else."""
    servers = {"s": hostile("rug_pull_restart", env={"HOSTILE_STATE": str(tmp_path / "starts")})}
    keeper = keeper_of(servers)
    keeper.accept("s")
    gateway = ScriptedGateway(calls(("s__echo", '{"x": "a"}')), says("done"))
    async with engine_of(servers, keeper, gateway) as engine:
        recording = Recording(engine)
        await until(engine, "running")
        engine.submit("go")
        waiting = await card(engine)
        engine.restart_server("s")
        up_with_a_change = lambda: engine.servers[0].held and engine.servers[0].state == "running"  # noqa: E731
        await wait_until_async(up_with_a_change, seconds=PATIENCE, what="a held tool")
        engine.decide(waiting.approval_id, Decision("allow"))
        await engine.idle()
        await recording.aclose()
        (end,) = recording.of(tools.ToolCallFinished)
    assert end.outcome == "error"
    assert end.error is not None
    assert end.error.kind == "tool_held"
    assert recording.of(tools.ToolCallStarted) == []


async def test_case_112_an_acceptance_in_between_voids_the_grant(tmp_path: Path) -> None:
    """Changed, accepted, changed back, accepted: the digest is the old one, the allow for it is not valid any more."""
    servers = {"s": hostile("ok")}
    keeper = keeper_of(servers)
    keeper.accept("s")
    one = calls(("s__echo", '{"x": "a"}'))
    async with engine_of(servers, keeper, ScriptedGateway(one, says("done"), one, says("done"))) as engine:
        recording = Recording(engine)
        await until(engine, "running")
        engine.submit("go")
        engine.decide((await card(engine)).approval_id, Decision("allow", "conversation"))
        await engine.idle()
        keeper.accept_tools("s", [tool for tool in engine.tools() if tool.name == "echo"])
        engine._services.host.review("s")
        engine.submit("again")
        engine.decide((await card(engine)).approval_id, Decision("deny"))
        await engine.idle()
        await recording.aclose()
    assert len(recording.of(tools.ToolCallStarted)) == 1


async def test_what_another_program_trusts_is_told_and_applied_when_the_person_says_so(tmp_path: Path) -> None:
    servers = {"s": hostile("ok"), "t": hostile("ok")}
    async with engine_of(servers, keeper_of(servers, tmp_path)) as engine:
        recording = Recording(engine)
        await until(engine, "untrusted", "t")
        other = keeper_of(servers, tmp_path)
        other.accept("s")
        other.flush()
        assert engine.trust.stale
        await told(recording, "Another program changed what is trusted")
        assert state(engine) == "untrusted"
        engine.trust.reload()
        assert not engine.trust.stale
        await until(engine, "running")
        assert state(engine, "t") == "untrusted"
        await recording.aclose()


async def test_case_118_a_spoilt_store_is_told(tmp_path: Path) -> None:
    servers = {"s": hostile("ok")}
    keeper = keeper_of(servers, tmp_path)
    keeper.accept("s")
    keeper.flush()
    (tmp_path / "trust.json").write_text(json.dumps({"schema": 99}))
    async with engine_of(servers, keeper_of(servers, tmp_path)) as engine:
        recording = Recording(engine)
        await until(engine, "untrusted")
        await told(recording, "every server is asked about again")
        engine.trust.accept("s")
        await until(engine, "running")
        notice = await told(recording, "trust.json.unusable1")
        assert "kept" in notice.message
        await recording.aclose()
