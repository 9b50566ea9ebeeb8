"""What a server lists against what was accepted: at every listing, fresh, announced or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_tui.config.servers import ServerConfig
from mcp_tui.host import upkeep
from mcp_tui.safety.secrets import Redactor
from mcp_tui.trust.keeper import TrustKeeper
from tests.support.hosts import PATIENCE, HostFactory, HostKit, hostile
from tests.support.waiting import wait_until_async


def trusting(config: ServerConfig, folder: Path | None = None) -> TrustKeeper:
    """A keeper that has accepted the server, not yet its tools."""
    keeper = TrustKeeper({"s": config}, {"PATH": "/usr/bin:/bin", "HOME": "/"}, Redactor(), "0", folder=folder)
    if not keeper.known("s"):
        keeper.accept("s")
    return keeper


async def held(kit: HostKit) -> dict[str, str]:
    """Name and reason of each held tool, once there is one."""
    await wait_until_async(lambda: kit.host.held("s"), seconds=PATIENCE, what="a held tool")
    return {tool.definition.name: tool.reason for tool in kit.host.held("s")}


@pytest.mark.parametrize("mode", ["rug_pull_silent", "long_cache"])
async def test_case_067_105_a_change_without_notice_is_found_in_a_fresh_listing(
    mode: str, make_host: HostFactory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the server said that its first listing may be kept for years."""
    monkeypatch.setattr(upkeep, "UNANNOUNCED_INTERVAL", 0.2)
    monkeypatch.setattr(upkeep, "USAGE_INTERVAL", 0.1)
    config = hostile(mode, env={"HOSTILE_STATE": str(tmp_path / "state")})
    keeper = trusting(config)
    kit = await make_host({"s": config}, gatekeeper=keeper)
    accepted = kit.tool("s", "echo")
    assert (await held(kit))["echo"] == "changed"
    assert kit.host.tools() == ()
    assert kit.host.tool(accepted.wire_name) is None
    result = await kit.host.call(accepted, {"x": "y"}, call_id="1")
    assert result.outcome == "error"
    assert kit.status("s").held == len(kit.host.held("s"))


async def test_case_105_107_what_changes_or_is_added_is_held_and_no_call_reaches_it(
    make_host: HostFactory, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    config = hostile("rug_pull", env={"HOSTILE_LOG": str(log)})
    keeper = trusting(config)
    kit = await make_host({"s": config}, gatekeeper=keeper)
    await wait_until_async(lambda: len(kit.host.held("s")) == 2, seconds=PATIENCE, what="two held tools")
    waiting = {tool.definition.name: tool for tool in kit.host.held("s")}
    assert {name: tool.reason for name, tool in waiting.items()} == {"echo": "changed", "exfil": "new"}
    assert waiting["echo"].accepted is not None
    assert waiting["echo"].accepted.description == "Return x"
    assert kit.host.tools() == ()
    for tool in waiting.values():
        assert (await kit.host.call(tool.definition, {"x": "y"}, call_id="1")).outcome == "error"
    assert "tools/call" not in log.read_text()
    keeper.accept_tools("s", [waiting["echo"].definition])
    kit.host.review("s")
    assert [tool.name for tool in kit.host.tools()] == ["echo"]
    assert (await kit.call("s")).outcome == "success"
    assert [tool.definition.name for tool in kit.host.held("s")] == ["exfil"]


async def test_case_105_a_change_over_a_restart_of_the_program_is_held(make_host: HostFactory, tmp_path: Path) -> None:
    config = hostile("rug_pull_restart", env={"HOSTILE_STATE": str(tmp_path / "state")})
    for attempt in range(3):
        keeper = trusting(config, tmp_path / "data")
        kit = await make_host({"s": config}, gatekeeper=keeper)
        if attempt == 0:
            assert [tool.name for tool in kit.host.tools()] == ["echo"]
        else:
            assert await held(kit) == {"echo": "changed"}
            assert kit.host.tools() == ()
        await kit.host.aclose()
        keeper.flush()
        assert keeper.problems == []
