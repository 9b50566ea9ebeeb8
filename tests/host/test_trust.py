"""A host with a gatekeeper over real servers: nothing starts unasked, what changes or appears later is held."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mcp_tui.config.servers import ServerConfig
from mcp_tui.events.servers import ServerStateChanged
from mcp_tui.safety.secrets import Redactor
from mcp_tui.trust.keeper import TrustKeeper
from tests.support.hosts import PATIENCE, HostFactory, HostKit, hostile
from tests.support.waiting import wait_until_async


def keeper_of(servers: dict[str, ServerConfig], folder: Path | None = None, *, trusted: bool = True) -> TrustKeeper:
    made = TrustKeeper(servers, dict(os.environ), Redactor(), "0", folder=folder)
    for name in servers if trusted else ():
        if not made.admits(name):
            made.accept(name)
    return made


async def held(kit: HostKit, server: str, *names: str) -> None:
    await wait_until_async(
        lambda: [tool.definition.name for tool in kit.host.held(server)] == list(names),
        seconds=PATIENCE,
        what="held tools",
    )


def offered(kit: HostKit, server: str) -> list[str]:
    return [tool.name for tool in kit.host.tools() if tool.server == server]


async def test_case_111_an_untrusted_server_is_not_started(make_host: HostFactory, tmp_path: Path) -> None:
    log = tmp_path / "life"
    servers = {"bad": hostile("ok", env={"HOSTILE_LOG": str(log)}), "good": hostile("ok")}
    keeper = keeper_of(servers, trusted=False)
    keeper.accept("good")
    kit = await make_host(servers, gatekeeper=keeper)
    status = kit.status("bad")
    assert (status.state, status.pid, status.tools) == ("untrusted", None, 0)
    assert (await kit.call("good")).outcome == "success"
    kit.host.restart("bad")
    kit.host.set_enabled("bad", False)
    kit.host.set_enabled("bad", True)
    await kit.state("bad", "untrusted")
    assert not log.exists()
    states = {
        event.status.state
        for event in kit.events
        if isinstance(event, ServerStateChanged) and event.status.name == "bad"
    }
    assert "starting" not in states


async def test_accepted_it_starts_with_the_tools_that_it_lists_then(make_host: HostFactory) -> None:
    servers = {"s": hostile("ok")}
    keeper = keeper_of(servers, trusted=False)
    kit = await make_host(servers, gatekeeper=keeper)
    keeper.accept("s")
    kit.host.review("s")
    await kit.state("s", "running")
    assert offered(kit, "s") == ["echo", "sleep", "env"]
    assert kit.host.held("s") == ()
    assert kit.status("s").held == 0
    assert all(tool.pin for tool in kit.host.tools())
    assert (await kit.call("s")).outcome == "success"


async def test_case_105_107_what_changes_while_it_runs_is_held(make_host: HostFactory) -> None:
    """HS:rug_pull announces another definition of ``echo``, and a second tool, right after its first listing."""
    servers = {"s": hostile("rug_pull")}
    keeper = keeper_of(servers)
    kit = await make_host(servers, gatekeeper=keeper, wait=False)
    await held(kit, "s", "echo", "exfil")
    first, second = kit.host.held("s")
    assert (first.reason, second.reason) == ("changed", "new")
    assert first.accepted is not None
    assert first.accepted.description == "Return x"
    assert "credentials" in first.definition.description
    assert kit.host.tools() == ()
    assert kit.host.tool("s__echo") is None
    assert (kit.status("s").held, kit.status("s").tools) == (2, 0)
    for definition in (first.accepted, first.definition, second.definition):
        result = await kit.host.call(definition, {"x": "y"}, call_id="c")
        assert result.outcome == "error"
        assert result.error is not None
        assert result.error.kind == "tool_held"
        assert result.wire == (), "nothing was sent"

    keeper.accept_tools("s", [first.definition])
    kit.host.review("s")
    assert offered(kit, "s") == ["echo"]
    assert kit.status("s").held == 1
    assert (await kit.call("s")).outcome == "success"


@pytest.mark.parametrize(("mode", "fields"), [("rug_pull_silent", {}), ("long_cache", {"protocol": "2026-07-28"})])
async def test_case_067_105_a_silent_change_is_seen_at_the_next_listing(
    mode: str, fields: dict[str, Any], make_host: HostFactory
) -> None:
    """Whatever the server says about how long its list may be kept: a listing is never taken from a cache."""
    servers = {"s": hostile(mode, **fields)}
    kit = await make_host(servers, gatekeeper=keeper_of(servers))
    assert offered(kit, "s") == ["echo"]
    session = kit.host._connections["s"].session
    assert session is not None
    kit.host._connections["s"]._tools_changed()
    await wait_until_async(lambda: kit.status("s").held, seconds=PATIENCE, what="a held tool")
    assert offered(kit, "s") == []
    assert kit.host.held("s")[0].reason == "changed"


async def test_case_105_a_change_between_two_starts_is_held(make_host: HostFactory, tmp_path: Path) -> None:
    servers = {"s": hostile("rug_pull_restart", env={"HOSTILE_STATE": str(tmp_path / "starts")})}
    kit = await make_host(servers, gatekeeper=keeper_of(servers))
    assert offered(kit, "s") == ["echo"]
    pid = kit.status("s").pid
    kit.host.restart("s")
    await wait_until_async(lambda: kit.status("s").pid not in (pid, None), seconds=PATIENCE, what="a restart")
    await held(kit, "s", "echo")
    assert offered(kit, "s") == []


async def test_case_105_a_change_between_two_runs_is_held(make_host: HostFactory, tmp_path: Path) -> None:
    servers = {"s": hostile("rug_pull_restart", env={"HOSTILE_STATE": str(tmp_path / "starts")})}
    keeper = keeper_of(servers, tmp_path / "data")
    first = await make_host(servers, gatekeeper=keeper)
    assert offered(first, "s") == ["echo"]
    await first.host.aclose()
    keeper.flush()
    second = await make_host(servers, gatekeeper=keeper_of(servers, tmp_path / "data", trusted=False))
    assert second.status("s").state == "running"
    assert offered(second, "s") == []
    assert second.status("s").held == 1


async def test_case_067_hidden_characters_are_held_from_the_first_listing_on(make_host: HostFactory) -> None:
    servers = {"s": hostile("poison")}
    kit = await make_host(servers, gatekeeper=keeper_of(servers))
    names = {tool.definition.name for tool in kit.host.held("s")}
    assert names
    assert not names & set(offered(kit, "s"))
    assert {tool.reason for tool in kit.host.held("s")} == {"new"}


async def test_a_server_that_is_not_trusted_any_more_is_stopped(make_host: HostFactory, tmp_path: Path) -> None:
    servers = {"s": hostile("ok")}
    keeper = keeper_of(servers, tmp_path)
    kit = await make_host(servers, gatekeeper=keeper)
    keeper.flush()
    (tmp_path / "trust.json").unlink()
    assert keeper.stale
    keeper.reload()
    kit.host.review("s")
    assert (await kit.state("s", "untrusted")).pid is None
    assert kit.host.tools() == ()
