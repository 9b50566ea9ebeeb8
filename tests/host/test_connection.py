"""States, back-off, breaker, restart, enable and disable at any moment (requirements C1-C5)."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from mcp_tui.config.servers import ServerConfig
from mcp_tui.events.servers import ServerFailure, ServerStateChanged
from tests.support import leftovers
from tests.support.hosts import SERVERS, HostFactory, HostKit, hostile
from tests.support.waiting import wait_until_async


def _states(kit: HostKit, server: str) -> list[str]:
    states: list[str] = []
    for event in kit.events:
        if not isinstance(event, ServerStateChanged) or event.status.name != server:
            continue
        if states[-1:] != [event.status.state]:
            states.append(event.status.state)
    return states


async def test_life_of_a_good_server(make_host: HostFactory) -> None:
    kit = await make_host({"s": hostile("ok")})
    status = kit.status("s")
    assert status.state == "running"
    assert status.pid is not None
    assert status.started_at is not None
    assert status.tools == 3
    assert status.protocol_version == "2025-11-25"
    await kit.host.aclose()
    assert _states(kit, "s") == ["starting", "running", "stopping", "stopped"]
    assert kit.status("s").pid is None
    assert not kit.host.tools()


async def test_case_031_a_silent_server_delays_nobody(make_host: HostFactory) -> None:
    """Requirement C1, even with one place for starts and more silent servers than that."""
    silent = {f"silent{n}": hostile("hang_init") for n in range(3)}
    started = time.monotonic()
    kit = await make_host({**silent, "good": hostile("ok")}, connection={"max_concurrent_starts": 1}, wait=False)
    assert not await kit.host.settled(0.1)
    await kit.state("good", "running")
    assert time.monotonic() - started < 15


async def test_case_029_a_dead_server_is_noticed_and_started_again(make_host: HostFactory) -> None:
    kit = await make_host({"s": hostile("ok")})
    pid = kit.status("s").pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await wait_until_async(lambda: kit.status("s").restarts == 1, what="a restart")
    status = await kit.state("s", "running")
    assert status.pid not in (pid, None)
    failures = [
        e.status.failure for e in kit.events if isinstance(e, ServerStateChanged) and e.status.state == "failed"
    ]
    assert failures[0] is not None
    assert failures[0].signal == "SIGKILL"
    assert failures[0].step in ("running", "health")


async def test_case_045_the_breaker_opens_after_a_crash_loop_and_a_person_closes_it(
    make_host: HostFactory, tmp_path: Path
) -> None:
    """A server that starts well and dies at once counts too."""
    log = tmp_path / "log"
    config = hostile("exit_after_init", env={"HOSTILE_LOG": str(log)})
    kit = await make_host({"s": config}, connection={"max_reconnect_attempts": 2})
    status = await kit.given_up("s")
    assert status.failure is not None
    assert "3 times in a row" in status.failure.suggestion
    starts = log.read_text().count(" start")
    assert starts == 3
    kit.host.restart("s")
    await wait_until_async(lambda: log.read_text().count(" start") > starts, what="another start")
    await kit.given_up("s")


async def test_case_045_the_next_attempt_is_announced(make_host: HostFactory) -> None:
    kit = await make_host(
        {"s": hostile("exit1")}, connection={"initial_reconnect_delay": 30.0, "max_reconnect_delay": 60.0}
    )
    status = kit.status("s")
    await wait_until_async(lambda: kit.status("s").retry_at, what="the time of the next attempt")
    status = kit.status("s")
    assert status.retry_at is not None
    assert 20 < (status.retry_at - kit.events[-1].at).total_seconds() < 40
    kit.host.restart("s")
    await wait_until_async(lambda: kit.status("s").restarts == 1, what="a restart without waiting")


async def test_disable_during_connect_sticks(make_host: HostFactory) -> None:
    kit = await make_host({"s": hostile("hang_init")}, wait=False)
    await wait_until_async(lambda: kit.status("s").pid, what="a process")
    pid = kit.status("s").pid
    kit.host.set_enabled("s", False)
    status = await kit.state("s", "stopped")
    assert not status.enabled
    assert pid is not None
    assert leftovers.group_gone(pid, seconds=0)
    kit.host.restart("s")
    await asyncio.sleep(0.2)
    assert kit.status("s").state == "stopped"
    assert await kit.host.settled(0.1)


async def test_disable_while_waiting_for_a_place(make_host: HostFactory) -> None:
    servers = {"first": hostile("hang_init"), "second": hostile("ok")}
    kit = await make_host(servers, connection={"max_concurrent_starts": 1}, wait=False)
    await wait_until_async(lambda: kit.status("first").pid, what="a process")
    kit.host.set_enabled("second", False)
    started = time.monotonic()
    await kit.state("second", "stopped")
    assert time.monotonic() - started < 1
    assert _states(kit, "second").count("running") == 0


async def test_enable_and_disable_while_running(make_host: HostFactory) -> None:
    kit = await make_host({"s": hostile("ok", enabled=False)})
    assert kit.status("s").state == "stopped"
    for _ in range(3):
        kit.host.set_enabled("s", True)
        await kit.state("s", "running")
        kit.host.set_enabled("s", False)
        await kit.state("s", "stopped")
        assert not kit.host.tools()


async def test_restart_during_connect(make_host: HostFactory) -> None:
    kit = await make_host({"s": hostile("slow_start", "1")}, wait=False)
    await wait_until_async(lambda: kit.status("s").pid, what="a process")
    first = kit.status("s").pid
    kit.host.restart("s")
    await wait_until_async(lambda: kit.status("s").pid not in (first, None), what="another process")
    await kit.state("s", "running")


async def test_the_last_wish_counts(make_host: HostFactory) -> None:
    kit = await make_host({"s": hostile("ok")})
    for enabled in (False, True, False, True, False, True):
        kit.host.set_enabled("s", enabled)
    await kit.state("s", "running")
    assert (await kit.call("s")).outcome == "success"


async def test_closing_during_connect(make_host: HostFactory) -> None:
    kit = await make_host({f"s{n}": hostile("hang_init") for n in range(3)}, wait=False)
    await wait_until_async(lambda: any(status.pid for status in kit.host.servers()), what="a process")
    started = time.monotonic()
    await kit.host.aclose()
    assert time.monotonic() - started < 6
    assert {status.state for status in kit.host.servers()} == {"stopped"}


async def test_case_039_closing_is_immune_to_cancellation(make_host: HostFactory) -> None:
    kit = await make_host({"s": hostile("ignore_sigterm")})
    pid = kit.status("s").pid
    closing = asyncio.create_task(kit.host.aclose())
    for _ in range(5):
        await asyncio.sleep(0.1)
        closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    assert pid is not None
    assert leftovers.group_gone(pid, seconds=0)


ERA_SERVER = ServerConfig(command=sys.executable, args=[str(SERVERS / "era_server.py"), "modern"])


@pytest.mark.parametrize(("config", "version"), [(hostile("ok"), "2025-11-25"), (ERA_SERVER, "2026-07-28")])
async def test_case_047_a_stopped_process_fails_its_health_check(
    config: ServerConfig, version: str, make_host: HostFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    kit = await make_host({"s": config}, connection={"health_check_interval": 0.2})
    await wait_until_async(lambda: kit.status("s").latency_seconds, what="a health check")
    assert kit.status("s").protocol_version == version
    pid = kit.status("s").pid
    assert pid is not None
    with monkeypatch.context() as impatient:
        impatient.setattr("mcp_tui.host.upkeep.HEALTH_TIMEOUT", 0.5)
        os.kill(pid, signal.SIGSTOP)
        await wait_until_async(lambda: _failures(kit), what="a failed health check")
    await wait_until_async(lambda: kit.status("s").restarts == 1, what="a restart")
    await kit.state("s", "running")
    assert {failure.step for failure in _failures(kit)} == {"health"}


def _failures(kit: HostKit) -> list[ServerFailure]:
    changes = [event.status for event in kit.events if isinstance(event, ServerStateChanged)]
    return [status.failure for status in changes if status.state == "failed" and status.failure is not None]


async def test_no_health_check_while_a_call_runs(make_host: HostFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does one thing at a time must not be taken for dead."""
    monkeypatch.setattr("mcp_tui.host.upkeep.HEALTH_TIMEOUT", 0.2)
    kit = await make_host({"s": hostile("slow_drip", "0.005")}, connection={"health_check_interval": 0.05})
    assert (await kit.call("s")).outcome == "success"
    assert kit.status("s").restarts == 0


@pytest.mark.parametrize(
    ("config", "step", "message", "suggestion"),
    [
        (ServerConfig(command="no-such-program-here"), "spawn", "was not found", "full path"),
        (ServerConfig(command="npx", args=["x"]), "spawn", "npx was not found", "Install Node.js"),
        (
            ServerConfig(command=str(SERVERS.parent.parent / "pyproject.toml")),
            "spawn",
            "may not be executed",
            "permissions",
        ),
        (ServerConfig(command=sys.executable, cwd="/no/such/folder"), "spawn", "/no/such/folder", "cwd"),
        (ServerConfig(command=sys.executable, args=["a\0b"]), "spawn", "could not be started", "Check"),
        (ServerConfig(url="https://example.com/mcp"), "configuration", "not supported yet", "program"),
    ],
    ids=["missing", "npx", "not-executable", "cwd", "nul", "url"],
)
async def test_case_030_what_cannot_be_started(
    config: ServerConfig, step: str, message: str, suggestion: str, make_host: HostFactory
) -> None:
    """The cause is named with what to do; nothing is tried again; the others are unaffected."""
    environ = {"PATH": "/nonexistent", "HOME": "/"}
    kit = await make_host({"bad": config, "good": hostile("ok")}, environ=environ)
    status = kit.status("bad")
    assert status.state == "failed"
    assert status.retry_at is None
    assert status.failure is not None
    assert status.failure.step == step
    assert message in status.failure.message
    assert suggestion in status.failure.suggestion
    assert (await kit.call("good")).outcome == "success"


async def test_case_064_log_messages_are_passed_on_and_limited(make_host: HostFactory) -> None:
    kit = await make_host({"s": hostile("flood_logs")})
    await wait_until_async(lambda: any("logs so much" in text for text in kit.status("s").warnings), what="the limit")
    messages = [event for event in kit.events if event.type == "server_logged"]
    assert 1 <= len(messages) < 200
    assert "spam" in messages[0].text  # type: ignore[attr-defined]


async def test_case_101_secrets_do_not_show_in_the_command_line(make_host: HostFactory) -> None:
    config = hostile("ok", env={"TOKEN": "value-of-the-token"})
    config = config.model_copy(
        update={"args": [*config.args, "--key", "value-of-the-token", "sk-abcdefghijklmnopqrstuv"]}
    )
    kit = await make_host({"s": config})
    assert "value-of-the-token" not in kit.status("s").command
    assert "sk-abc" not in kit.status("s").command
