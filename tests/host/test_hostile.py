"""Every mode of the hostile server beside a good one: what becomes of it, of a call, and of the good server."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

import pytest

from mcp_tui.events.servers import ServerState
from mcp_tui.host.base import CallResult
from tests.support import leftovers
from tests.support.catalogue import name_of
from tests.support.hosts import PATIENCE, HostFactory, hostile
from tests.support.waiting import wait_until_async


@dataclass(frozen=True)
class Start:
    """A mode whose fault shows at the start."""

    mode: str
    state: ServerState
    step: str = ""
    words: str = ""
    argument: str = ""
    connection: dict[str, Any] = field(default_factory=dict)
    warning: str = ""


STARTS = [
    Start("exit0", "failed", "handshake", "exit code is 0"),
    Start("exit1", "failed", "handshake", "exit code is 1"),
    Start("slow_start", "running", argument="3"),
    Start("hang_init", "failed", "handshake", "did not answer", connection={"connection_timeout": 2.0}),
    Start("hang_noread", "failed", "handshake", "did not answer", connection={"connection_timeout": 2.0}),
    Start("hang_after_discover", "failed", "handshake", "did not answer", connection={"connection_timeout": 2.0}),
    Start("exit_after_init", "failed", "", "exit code is 3"),
    Start("wrong_version", "failed", "handshake", "1999-01-01"),
    Start("bad_init_shape", "failed", "handshake", "wrong shape"),
    Start("banner", "running", warning="no protocol message"),
    Start("flood_garbage_start", "failed", "handshake", "floods"),
    Start("invalid_utf8_start", "running", warning="no protocol message"),
    Start("flood_stderr", "running"),
    Start("stderr_secret", "running"),
    Start("many_tools", "failed", "list", "larger than 16 MB"),
    Start("many_tools", "running", argument="3000", warning="more than 1000 tools"),
    Start("endless_pages", "running", warning="more than 100 pages"),
    Start("same_cursor", "running", warning="repeats a page"),
    Start("unsolicited", "running", warning="sampling"),
    Start("sampling_flood", "running", warning="sampling"),
    Start("tty", "running"),
    Start("eat_memory", "running", argument="8"),
]


@pytest.mark.parametrize("case", STARTS, ids=lambda case: name_of(case.mode, case.argument))
async def test_start(case: Start, make_host: HostFactory) -> None:
    kit = await make_host(
        {"bad": hostile(case.mode, case.argument), "good": hostile("ok")},
        connection={"max_reconnect_attempts": 0, **case.connection},
    )
    if case.state == "failed":
        status = await kit.given_up("bad")
        assert status.failure is not None
        assert case.words in status.failure.message
        assert case.step in status.failure.step
        assert status.failure.suggestion
        assert status.pid is None
    else:
        status = await kit.state("bad", "running")
        assert kit.host.tools()
    if case.warning:
        await wait_until_async(
            lambda: any(case.warning in text for text in kit.status("bad").warnings),
            seconds=PATIENCE,
            what=f"a warning with {case.warning!r}",
        )
    assert (await kit.call("good")).outcome == "success"


@dataclass(frozen=True)
class Call:
    """A mode whose fault shows in a call."""

    mode: str
    outcome: str
    words: str = ""
    argument: str = ""
    tool: str = "echo"
    arguments: dict[str, Any] = field(default_factory=lambda: {"x": "hello"})
    tools: dict[str, Any] = field(default_factory=dict)
    alive: bool = True
    """Whether the same connection goes on."""


SHORT = {"idle_timeout": 1.0, "total_timeout": 5.0}
CALLS = [
    Call("ok", "success", "hello"),
    Call("flood_progress", "success", "done"),
    Call("flood_logs", "success", "hello"),
    Call("flood_list_changed", "success", "hello"),
    Call("flood_ping", "success", "hello"),
    Call("huge_result", "error", "larger than 16 MB", argument="40"),
    Call("die_mid_call", "unknown", "may have run", alive=False),
    Call("die_mid_line", "unknown", "may have run", alive=False),
    Call("close_stdout", "unknown", "may have run", alive=False),
    Call("close_stdin", "unknown", "may have run", alive=False),
    Call("never_answer", "timeout", "idle timeout", tools=SHORT),
    Call("stop_self", "timeout", "idle timeout", tools=SHORT),
    Call("slow_drip", "success", "zzz", argument="0.001"),
    Call("slow_drip", "timeout", "idle timeout", tools=SHORT),
    Call("dup_ids", "success", "first"),
    Call("null_id_error", "error", "Parse error"),
    Call("bad_result_shape", "invalid_result", "42"),
    Call("result_not_object", "error", "no object"),
    Call("batch", "success", "x"),
    Call("schema_mismatch", "invalid_result", "not a number"),
    Call("schema_missing", "invalid_result", "structured content"),
    Call("redos_schema", "invalid_result", "a+"),
    Call("recursive_schema", "success", "x"),
    Call("invalid_utf8", "success", "\ufffd"),
    Call("surrogate", "success", "a?b"),
    Call("surrogate_bytes", "success", "\ufffd"),
    Call("nul", "success", "a\\x00b"),
    Call("line_separators", "success", "a\\u2028b\\x85c"),
    Call("deep_json", "error", "nested"),
    Call("big_int", "error", "number"),
    Call("unknown_content", "success", "hologram"),
    Call("binary", "success", "!!!not base64!!!"),
    Call("error_secret", "error", "boom"),
    Call("one_bad_tool", "success", "hello", tool="good"),
    Call("poison", "success", "approved", tool="add"),
    Call("shadow", "success", "hello"),
    Call("rug_pull_silent", "success", "hello"),
    Call("rug_pull_restart", "success", "hello"),
    Call("input_required", "error", "elicitation"),
    Call("long_cache", "success", "ok"),
]


def _text(result: CallResult) -> str:
    return repr(result)


@pytest.mark.parametrize("case", CALLS, ids=lambda case: name_of(case.mode, case.argument, case.outcome))
async def test_call(case: Call, make_host: HostFactory) -> None:
    kit = await make_host({"bad": hostile(case.mode, case.argument), "good": hostile("ok")}, tools=case.tools)
    pid = (await kit.state("bad", "running")).pid
    result = await kit.call("bad", case.tool, case.arguments)
    assert result.outcome == case.outcome, result
    assert case.words in _text(result)
    assert (await kit.call("good")).outcome == "success"
    if case.alive:
        assert kit.status("bad").pid == pid
    else:
        await wait_until_async(lambda: kit.status("bad").restarts == 1, what="a restart")
        await kit.state("bad", "running")
        assert pid is not None
        assert await asyncio.to_thread(leftovers.group_gone, pid)


FLOODS = ["flood_garbage", "flood_bytes"]


@pytest.mark.parametrize("mode", FLOODS, ids=name_of)
async def test_output_without_end_is_cut_off(mode: str, make_host: HostFactory) -> None:
    """Nothing is answered any more; the connection ends with a cause and the breaker opens."""
    kit = await make_host({"bad": hostile(mode), "good": hostile("ok")}, connection={"max_reconnect_attempts": 0})
    status = await kit.given_up("bad")
    assert status.failure is not None
    assert "its standard output" in status.failure.message or "without an end" in status.failure.message
    assert (await kit.call("good")).outcome == "success"


STUBBORN = [
    "ignore_eof", "ignore_sigterm", "grandchild", "grandchild_quiet", "grandchild_ignore_eof", "fork_wrapper",
]  # fmt: skip


async def test_case_039_040_stubborn_servers_end_in_parallel(make_host: HostFactory) -> None:
    """Requirement C6: whole groups are gone, within the time for one."""
    kit = await make_host({mode: hostile(mode) for mode in STUBBORN})
    pids = [(await kit.state(mode, "running")).pid for mode in STUBBORN]
    started = time.monotonic()
    await kit.host.aclose()
    assert time.monotonic() - started < 6
    assert all(pid is not None and leftovers.group_gone(pid, seconds=0) for pid in pids)
    assert {status.state for status in kit.host.servers()} == {"stopped"}


async def test_case_046_a_server_that_stops_reading_breaks_its_connection(make_host: HostFactory) -> None:
    """A call whose request could not even be sent ends in time and says so; the server is started again."""
    kit = await make_host({"bad": hostile("stop_reading")}, tools={"idle_timeout": 1.0})
    pid = kit.status("bad").pid
    result = await kit.call("bad", arguments={"x": "y" * 2_000_000})
    assert result.outcome == "timeout"
    assert "no longer reads" in _text(result)
    await wait_until_async(lambda: kit.status("bad").pid not in (pid, None), what="a new process")


async def test_case_046_068_cancelling_a_call_returns_at_once_when_the_server_reads_nothing(
    make_host: HostFactory,
) -> None:
    kit = await make_host({"bad": hostile("stop_reading")})
    call = asyncio.create_task(kit.call("bad", arguments={"x": "y" * 2_000_000}))
    await asyncio.sleep(0.2)
    started = time.monotonic()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert time.monotonic() - started < 1


async def test_case_037_secrets_on_standard_error_are_masked(make_host: HostFactory) -> None:
    kit = await make_host({"bad": hostile("stderr_secret")})
    await wait_until_async(lambda: kit.host.stderr("bad"), what="a line of standard error")
    text = "\n".join(kit.host.stderr("bad"))
    assert "ghp_" not in text
    assert "token=***" in text


async def test_case_029_037_failure_shows_masked_standard_error(make_host: HostFactory) -> None:
    kit = await make_host({"bad": hostile("exit1")}, connection={"max_reconnect_attempts": 0})
    failure = (await kit.given_up("bad")).failure
    assert failure is not None
    assert failure.exit_code == 1
    assert any("ImportError" in line for line in failure.stderr)
    assert "sk-secret" not in repr(failure)


async def test_case_059_062_malformed_names_and_schemas_are_set_aside_or_noted(make_host: HostFactory) -> None:
    kit = await make_host(
        {"names": hostile("bad_names"), "schemas": hostile("bad_schema"), "one": hostile("one_bad_tool")}
    )
    names = kit.status("names")
    assert sorted((tool.name, tool.reason) for tool in names.set_aside) == [
        ("", "its name is empty"),
        ("echo", "the server lists this name twice"),
    ]
    wire = [tool.wire_name for tool in kit.host.tools()]
    assert len(set(wire)) == len(wire)
    noted = {tool.name: tool.notes for tool in kit.host.tools() if tool.server == "schemas"}
    assert any("not valid JSON Schema" in note for note in noted["t1"])
    assert any("regular expressions" in note for note in noted["t4"])
    assert [(tool.name, tool.reason) for tool in kit.status("one").set_aside] == [("bad", "it has no input schema")]


async def test_a_changed_definition_is_listed_again(make_host: HostFactory) -> None:
    kit = await make_host({"bad": hostile("rug_pull")})

    def changed() -> bool:
        return {tool.name for tool in kit.host.tools()} == {"echo", "exfil"}

    await wait_until_async(changed, what="the new list")
    assert "credentials" in kit.tool("bad", "echo").description


async def test_case_053_068_late_answers_are_dropped(make_host: HostFactory, caplog: pytest.LogCaptureFixture) -> None:
    kit = await make_host({"bad": hostile("late_answer", "1")}, tools={"idle_timeout": 0.3})
    with caplog.at_level("INFO", logger="mcp_tui.host"):
        assert (await kit.call("bad")).outcome == "timeout"
        await wait_until_async(lambda: "late result" in caplog.text, what="the late answer")
    assert kit.status("bad").state == "running"


async def test_silent_dying_flooding_and_stubborn_at_once(make_host: HostFactory) -> None:
    kit = await make_host(
        {
            "silent": hostile("hang_init"),
            "dying": hostile("exit_after_init"),
            "flooding": hostile("flood_garbage"),
            "stubborn": hostile("ignore_sigterm"),
            "good": hostile("ok"),
        },
        wait=False,
    )
    await kit.state("good", "running")
    for _ in range(5):
        assert (await kit.call("good")).outcome == "success"
    await kit.state("stubborn", "running")


def test_every_mode_is_covered(hostile_modes: list[str]) -> None:
    """A mode that is added must be put into one of the tables, or here with its test elsewhere."""
    tables = {case.mode for case in STARTS} | {case.mode for case in CALLS} | set(FLOODS) | set(STUBBORN)
    elsewhere = {
        "stop_reading", "late_answer", "rug_pull", "bad_names", "bad_schema",
        "swap_ids",  # cannot be told from right answers
        "grandchild_setsid",  # leaves its group: no portable way reaches it
    }  # fmt: skip
    assert set(hostile_modes) == tables | elsewhere


@pytest.fixture
def hostile_modes() -> list[str]:
    import subprocess

    config = hostile("--list")
    assert config.command is not None
    output = subprocess.run([config.command, *config.args], capture_output=True, text=True, check=True).stdout
    return [line.split()[0] for line in output.splitlines() if line.strip()]
