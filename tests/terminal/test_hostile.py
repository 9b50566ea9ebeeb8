"""Servers that misbehave beside a good one, driven by the whole program: it stays usable, and ends clean."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support import leftovers
from tests.support.program import KEY, LARGE, Program, hostile_entry
from tests.support.providers import FakeProvider
from tests.terminal import steps

pytestmark = pytest.mark.terminal

SILENT = ("hang_init", "hang_noread", "hang_after_discover")
DYING = ("exit0", "exit1", "exit_after_init", "wrong_version", "bad_init_shape")
FLOODING = ("flood_garbage", "flood_bytes", "flood_garbage_start")
NOISY = ("flood_logs", "flood_list_changed", "flood_ping", "flood_stderr", "flood_progress", "sampling_flood")
CATALOGUE = ("endless_pages", "same_cursor", "bad_names", "bad_schema", "one_bad_tool", "banner", "invalid_utf8_start")
FRAMES = ("invalid_utf8", "surrogate", "surrogate_bytes", "nul", "line_separators", "batch", "dup_ids", "unsolicited")
RESULTS = ("deep_json", "big_int", "unknown_content", "binary", "bad_result_shape", "result_not_object", "error_secret")
SCHEMAS = ("schema_mismatch", "schema_missing", "redos_schema", "recursive_schema", "null_id_error", "rug_pull_silent")
LOST = ("die_mid_call", "die_mid_line", "close_stdout", "close_stdin")
LATE = ("never_answer", "stop_self", "slow_drip", "late_answer", "stop_reading")
CHANGING = ("rug_pull", "rug_pull_restart", "slow_start", "swap_ids")
SCREEN = ("poison", "tty", "stderr_secret", "flood_stderr", "shadow")
STUBBORN = ("ignore_eof", "ignore_sigterm", "grandchild", "grandchild_quiet", "grandchild_ignore_eof", "fork_wrapper")

GROUPS: dict[str, tuple[str, ...]] = {
    "silent": SILENT,
    "dying": DYING,
    "flooding": FLOODING,
    "noisy": NOISY,
    "catalogue": CATALOGUE,
    "frames": FRAMES,
    "results": RESULTS,
    "schemas": SCHEMAS,
    "lost": LOST,
    "late": LATE,
    "changing": CHANGING,
    "huge": ("huge_result", "many_tools", "eat_memory", "long_cache", "input_required"),
}
ENDLESS = ("flooding", "noisy")
"""Groups whose servers never stop sending: keys are answered, the good server works, quitting is not held up."""
NEVER_UP = {*SILENT, *DYING, *FLOODING, "many_tools"}
OUTCOMES = {
    **dict.fromkeys(LOST, "unknown"),
    "never_answer": "timeout",
    "stop_self": "timeout",
    "slow_drip": "timeout",
    "late_answer": "timeout",
    "stop_reading": "timeout",
    "huge_result": "error",
    "input_required": "error",
    "deep_json": "error",
    "big_int": "error",
    "result_not_object": "error",
    "bad_result_shape": "invalid_result",
    "schema_mismatch": "invalid_result",
    "schema_missing": "invalid_result",
    "redos_schema": "invalid_result",
    "null_id_error": "error",
    "recursive_schema": "invalid_arguments",
    "error_secret": "error",
    "rug_pull": "error",
}
"""What becomes of a call of ``echo``; success where nothing is said."""
TOOL = {"one_bad_tool": "good", "bad_schema": "t4", "endless_pages": "t100", "same_cursor": "t"}
"""What is called where it is not ``echo``."""
ARGUMENTS = {"stop_reading": {"x": "y" * 200_000}}
"""Where the fault needs more than a word."""


def servers(modes: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    arguments = {"huge_result": ["30"], "eat_memory": ["16"], "late_answer": ["3"], "slow_start": ["2"]}
    return {mode: hostile_entry(mode, *arguments.get(mode, [])) for mode in modes} | {"good": hostile_entry("ok")}


if os.environ.get("MCP_TUI_TEST_EACH_MODE"):
    GROUPS |= {mode: (mode,) for modes in list(GROUPS.values()) for mode in modes}
"""With ``MCP_TUI_TEST_EACH_MODE`` set, each mode is also tried alone: too long for every day."""


def prepare(modes: tuple[str, ...], program: Program, provider: FakeProvider) -> list[str]:
    """Configure these servers and a good one, and a model that calls a tool of each; gives the modes it calls."""
    called = [mode for mode in modes if mode not in NEVER_UP]
    calls = [
        [f"{mode}__{TOOL.get(mode, 'echo')}", ARGUMENTS.get(mode, {"x": f"to {mode}"})] for mode in [*called, "good"]
    ]
    calls += [call for call in calls if call[0] == "swap_ids__echo"]
    provider.script(
        {"has_result": False, "calls": calls},
        {"has_result": True, "text": "All were asked.", "repeat": True},
    )
    program.configure(
        provider.openai_base,
        servers(modes),
        connection={"connection_timeout": 5 if NEVER_UP.intersection(modes) else 20, "max_reconnect_attempts": 0},
        tools={"idle_timeout": 2, "max_concurrent": 8},
    )
    return called


@pytest.mark.parametrize("name", GROUPS, ids=lambda name: f"case_035_064_{name}" if name in ENDLESS else name)
def test_in_the_app_beside_them(name: str, program: Program, provider: FakeProvider) -> None:
    """Each call is allowed on its card, the good server answers, failed ones say why, quitting leaves nothing."""
    modes = GROUPS[name]
    called = prepare(modes, program, provider)
    with program.app(size=LARGE) as terminal:
        terminal.wait_for(re.compile("good +3 tools"))
        for mode in called:
            terminal.wait_for(re.compile(rf"[*!] {mode[:12]}"))
        steps.ask(terminal, "go")
        while True:
            terminal.wait_for(re.compile(r"approval 1 of|All were asked\."))
            if not terminal.shows("approval 1 of"):
                break
            steps.card(terminal)
            waiting = re.search(r"approval 1 of \d+", terminal.text)
            terminal.press("y")
            terminal.wait_gone(waiting[0] if waiting else "approval 1 of")
        for mode in set(modes) & {*DYING, *FLOODING}:
            terminal.wait_for(re.compile(rf"x {mode[:12]}"))
        terminal.press("ctrl+o", "p")
        terminal.type("typed meanwhile")
        terminal.wait_for("typed meanwhile", seconds=5)
        steps.idle(terminal)
        terminal.press("ctrl+q")
        steps.ended_well(terminal, seconds=8)
    server_of = {event["call_id"]: event["server"] for event in program.stored("tool_call_proposed")}
    ends = [(server_of[event["call_id"]], event["outcome"]) for event in program.stored("tool_call_finished")]
    assert ("good", "success") in ends
    assert len(ends) == len(server_of)


@pytest.mark.parametrize("name", GROUPS)
def test_a_turn_beside_them(name: str, program: Program, provider: FakeProvider) -> None:
    """A call of each, and of the good server: each ends in its own way, the good one answers, nothing is left."""
    modes = GROUPS[name]
    called = prepare(modes, program, provider)
    before = leftovers.descendants()
    result = program.run("run", "--policy", "allow", "--json", "go")
    assert leftovers.remaining_processes(before, seconds=0) == []
    assert result.returncode == 0, result.stderr
    events = [json.loads(line) for line in result.stdout.splitlines()]
    # By the name that the model used: a tool that is held belongs to no server as far as a call is concerned.
    proposed = [event for event in events if event["type"] == "tool_call_proposed"]
    server_of = {event["call_id"]: event["wire_name"].partition("__")[0] for event in proposed}
    outcomes = {
        server_of[event["call_id"]]: event["outcome"] for event in events if event["type"] == "tool_call_finished"
    }
    assert outcomes.pop("good") == "success"
    assert outcomes == {mode: OUTCOMES.get(mode, "success") for mode in called}
    assert [event["type"] for event in events].count("turn_finished") == 1
    failed = {
        event["status"]["name"]: event["status"]["failure"]
        for event in events
        if event["type"] == "server_state_changed" and event["status"]["failure"]
    }
    for mode in set(modes) & {*DYING, *SILENT, "flood_garbage_start"}:
        assert failed[mode]["message"]
        assert failed[mode]["suggestion"]
    assert KEY not in result.stdout + result.stderr + program.written()
    assert "ghp_" not in result.stdout + result.stderr + program.written()


def test_case_037_050_081_082_the_screen_is_not_reached(program: Program, provider: FakeProvider) -> None:
    """No byte of an attack gets to the terminal: not from names, descriptions, results, standard error or /dev/tty."""
    provider.script(
        {"has_result": False, "text": "I ask.", "calls": [["poison__add", {}], ["good__echo", {"x": "fine"}]]},
        {"has_result": True, "text": "Done with it."},
    )
    program.configure(provider.openai_base, servers(SCREEN))
    with program.app(size=LARGE) as terminal:
        terminal.wait_for("6/6 servers")
        steps.ask(terminal, "attack")
        steps.answer(terminal, "y", "approval 1 of 2")
        steps.answer(terminal, "y", "approval 1 of 1")
        terminal.wait_for("Done with it.")
        steps.idle(terminal)
        terminal.press("f3", "f3")
        for tab in "12345":
            terminal.press(tab)
            terminal.settle(quiet=0.1, seconds=1)
        terminal.press("f2", "f2")
        for _ in SCREEN:
            terminal.press("enter")
            terminal.settle(quiet=0.1, seconds=1)
            terminal.press("esc", "down")
        terminal.press("ctrl+o", "c", "g", "enter")
        terminal.settle(quiet=0.2, seconds=2)
        terminal.press("ctrl+q")
        steps.ended_well(terminal)
        raw = bytes(terminal.raw)
    text = raw.decode("utf-8")
    assert b"\x1b]52" not in raw
    assert b"\x1b]8;" not in raw
    assert b"evil.example\x1b\\" not in raw
    assert b"\x1bP1$r" not in raw
    assert b"\x1b]0;" not in raw
    assert b"J\x07" not in raw, "the bell rings for a question only"
    assert not re.search("[\u200b\u202e\u2066-\u2069\ufeff\u0080-\u009f\U000e0000-\U000e007f]", text)
    assert "ghp_" not in text + program.written()


def test_one_of_each_at_once(program: Program, provider: FakeProvider) -> None:
    """Silent, dying, flooding, stubborn: shown with their causes; the good one answers; all gone in time."""
    modes = ("hang_init", "exit1", "flood_garbage", "ignore_sigterm", "grandchild_ignore_eof")
    provider.script(
        {"has_result": False, "calls": [["good__echo", {"x": "hello"}]]},
        {"has_result": True, "text": "One was good."},
    )
    program.configure(provider.openai_base, servers(modes), connection={"max_reconnect_attempts": 0})
    with program.app(size=LARGE) as terminal:
        terminal.wait_for(re.compile("good +3 tools"))
        terminal.wait_for(re.compile(r"x exit1 +failed"))
        steps.ask(terminal, "go")
        steps.answer(terminal, "y")
        terminal.wait_for("One was good.")
        terminal.wait_for(re.compile(r"x flood_garbage +failed"))
        terminal.press("ctrl+o", "s", "down")
        terminal.press("enter")
        terminal.wait_for("exit code")
        terminal.wait_for("ImportError")
        terminal.press("esc")
        steps.idle(terminal)
        terminal.press("ctrl+q")
        steps.ended_well(terminal, seconds=6)


def test_case_039_040_stubborn_servers_in_the_app(program: Program, provider: FakeProvider) -> None:
    """Requirement C6: all kinds of servers that do not want to go, gone within the time for one."""
    program.configure(provider.openai_base, servers(STUBBORN))
    with program.app(size=LARGE) as terminal:
        terminal.wait_for("7/7 servers")
        terminal.press("ctrl+q")
        steps.ended_well(terminal, seconds=6)


def test_case_041_a_daemon_of_a_server_is_out_of_reach(program: Program, tmp_path: Path) -> None:
    """What left the server's process group cannot be ended with it (documented); the server itself is gone."""
    log = tmp_path / "life"
    entry = hostile_entry("grandchild_setsid") | {"env": {"HOSTILE_LOG": str(log)}}
    program.configure("http://127.0.0.1:9", {"daemon": entry})
    with program.app(size=LARGE) as terminal:
        terminal.wait_for("1/1 servers")
        life = [line.split() for line in log.read_text(encoding="utf-8").splitlines()]
        server = next(int(line[1]) for line in life if line[3] == "start")
        strayed = psutil.Process(next(int(line[4]) for line in life if line[3] == "grandchild"))
        terminal.press("ctrl+q")
        assert terminal.wait_exit(seconds=8) == 0
        assert terminal.unrestored() == []
        assert leftovers.gone(server)
        assert strayed.is_running()
        strayed.kill()
