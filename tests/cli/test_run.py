"""``mcp-tui run`` as a process: what it writes where, its exit codes, and the conversation it leaves."""

from __future__ import annotations

import json
import signal
from typing import Any

import psutil
import pytest

from tests.support import leftovers
from tests.support.program import KEY, Program, hostile_entry
from tests.support.providers import FakeProvider
from tests.support.waiting import wait_until

TWO_TOOLS = "What time is it in Tokyo, and what is 12 * (3 + 4)?"
GOOD = {"good": hostile_entry("ok")}


def lines(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def of(events: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [event for event in events if event["type"] == kind]


# -- the demo ----------------------------------------------------------------------------------------


def test_json_events_of_two_parallel_calls(program: Program) -> None:
    """Requirement E6: real server processes, calls at the same time, results in order, usage, the end of the turn."""
    result = program.run("run", "--demo", "--policy", "allow", "--json", TWO_TOOLS)
    assert result.returncode == 0, result.stderr
    events = lines(result.stdout)
    proposed, started = of(events, "tool_call_proposed"), of(events, "tool_call_started")
    finished, answers = of(events, "tool_call_finished"), of(events, "assistant_message")
    assert [(call["server"], call["name"]) for call in proposed] == [("clock", "now"), ("clock", "calculate")]
    kinds = [event["type"] for event in events]
    assert kinds.index("tool_call_finished") > len(kinds) - 1 - kinds[::-1].index("tool_call_started")
    assert len(started) == len(finished) == 2
    assert {call["outcome"] for call in finished} == {"success"}
    assert [call["call_id"] for call in answers[0]["tool_calls"]] == [call["call_id"] for call in proposed]
    assert all(answer["usage"]["prompt_tokens"] > 0 for answer in answers)
    assert "`12 * (3 + 4)` = **84**" in answers[-1]["text"]
    assert kinds[-1] == "turn_finished"
    assert events[-1]["outcome"] == "stop"
    numbers = [event["seq"] for event in events if event.get("seq")]
    assert numbers == sorted(numbers)
    stored = [event["type"] for event in program.events()]
    assert [kind for kind in kinds if kind in stored] == [kind for kind in stored if kind in kinds]


def test_nothing_but_the_answer_on_standard_output(program: Program) -> None:
    result = program.run("run", "--demo", "--allow", "clock.calculate", "What is 6 * 7?")
    assert result.returncode == 0, result.stderr
    assert "`6 * 7` = **42**" in result.stdout
    assert "clock.calculate" in result.stderr
    for word in ("conversation", "warning", "> clock", "\x1b"):
        assert word not in result.stdout


def test_input_from_standard_input(program: Program) -> None:
    result = program.run("run", "--demo", "--policy", "allow", "-", stdin="What is\n2 + 3?\n")
    assert result.returncode == 0
    assert "`2 + 3` = **5**" in result.stdout
    assert program.run("run", "--demo", "-", stdin=" \n").returncode == 2


def test_case_117_denied_by_policy(program: Program) -> None:
    """Exit code 3, and each denied tool with the way to allow it."""
    result = program.run("run", "--demo", "--allow", "clock.now", TWO_TOOLS)
    assert result.returncode == 3
    assert "clock.calculate (allow it with --allow clock.calculate)" in result.stderr
    assert "allow it with --allow clock.now" not in result.stderr
    outcomes = {event["name"]: event for event in program.stored("tool_call_started")}
    assert list(outcomes) == ["now"]


def test_continued_by_id_and_by_last(program: Program) -> None:
    first = program.run("run", "--demo", "--policy", "allow", "What is 6 * 7?")
    identity = first.stderr.rsplit("conversation ", 1)[1].strip()
    second = program.run("run", "--demo", "--policy", "allow", "--conversation", identity, "What is 7 * 7?")
    third = program.run("run", "--demo", "--policy", "allow", "--conversation", "last", "What is 8 * 7?")
    assert (second.returncode, third.returncode) == (0, 0)
    assert len(program.stored("user_message")) == 3
    assert len(program.stored("conversation_created")) == 1


def test_the_conversation_of_a_run_goes_on_in_the_app(program: Program) -> None:
    program.run("run", "--demo", "--policy", "allow", TWO_TOOLS)
    with program.app("demo", "--continue") as terminal:
        terminal.wait_for("12 * (3 + 4) = 84")
        terminal.wait_for("4/4 servers")
        terminal.type("What is 5 * 5?")
        terminal.press("enter")
        terminal.wait_for("approval 1 of 1")
        terminal.press("tab")
        terminal.wait_for("keys are awake")
        terminal.press("y")
        terminal.wait_for("5 * 5 = 25")
        terminal.wait_for(lambda text: "Esc stops" not in text.partition("\n")[0])
        terminal.press("ctrl+q")
        assert terminal.wait_exit() == 0
    assert len(program.stored("turn_finished")) == 2
    assert [event["outcome"] for event in program.stored("turn_finished")] == ["stop", "stop"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--demo", ""), "nothing to say"),
        (("--demo", "--conversation", "last", "x"), "no conversation"),
        (("--demo", "--conversation", "nosuchid", "x"), "nosuchid"),
        (("--demo", "--model", "other", "x"), "no model 'other'"),
        (("x",), "config.yaml"),
        (("--demo", "--policy", "maybe", "x"), "invalid choice"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], words: str, program: Program) -> None:
    result = program.run("run", *arguments)
    assert result.returncode == 2
    assert words in result.stderr
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


# -- through the model layer -------------------------------------------------------------------------


def test_text_and_a_tool_call_through_the_model_layer(program: Program, provider: FakeProvider) -> None:
    provider.script(
        {"has_result": False, "text": "I look. ", "calls": [["good__echo", {"x": "marker-17"}]], "usage": [20, 5]},
        {"has_result": True, "text": "It says marker-17.", "usage": [30, 6]},
    )
    program.configure(provider.openai_base, GOOD)
    result = program.run("run", "--allow", "good.echo", "look")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "I look. \nIt says marker-17.\n"
    assert provider.requests[1].json["messages"][-1]["content"] == "marker-17"
    assert [message["usage"]["completion_tokens"] for message in program.stored("assistant_message")] == [5, 6]
    assert KEY not in result.stdout + result.stderr + program.written()
    assert provider.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_another_model(program: Program, provider: FakeProvider) -> None:
    provider.script({"text": "Hello."})
    program.configure(provider.openai_base)
    result = program.run("run", "--model", "second", "hello")
    assert result.returncode == 0, result.stderr
    assert provider.requests[0].json["model"] == "other"


def test_case_077_a_refused_key_is_explained(program: Program, provider: FakeProvider) -> None:
    """Exit code 1; the key is masked in what the provider says."""
    body = {"error": {"message": f"Incorrect API key provided: {KEY}", "code": "invalid_api_key"}}
    provider.script({"status": 401, "body": body, "repeat": True})
    program.configure(provider.openai_base)
    result = program.run("run", "hello")
    assert result.returncode == 1
    assert "401" in result.stderr or "key" in result.stderr
    assert result.stdout == ""
    assert KEY not in result.stderr + program.written()
    assert program.stored("turn_finished")[0]["outcome"] == "error"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_case_043_interrupted(number: signal.Signals, program: Program, provider: FakeProvider) -> None:
    """128 + the signal's number; the answer so far is written and stored, the HTTP connection closed."""
    provider.script({"steps": [{"text": "So far"}, {"stall": True}]})
    program.configure(provider.openai_base, {"good": hostile_entry("ignore_eof")})
    with program.start("run", "hello") as process:
        assert process.stdout is not None
        assert process.stdout.read(6) == "So far"
        children = psutil.Process(process.pid).children(recursive=True)
        assert children
        process.send_signal(number)
        assert process.wait(timeout=8) == 128 + number
        process.communicate()
    wait_until(provider.requests[0].gone.is_set, what="the connection closed")
    assert all(leftovers.gone(child.pid, seconds=6) for child in children)
    (message,) = program.stored("assistant_message")
    assert message["text"] == "So far"
    assert program.stored("turn_finished")[0]["outcome"] == "cancelled"


def test_case_019_two_runs_on_one_conversation(program: Program, provider: FakeProvider) -> None:
    """One turn at a time: the second waits a while, then says who holds the conversation; its input is not lost."""
    provider.script({"text": "One."}, {"steps": [{"text": "Two"}, {"stall": True}]}, {"text": "Never."})
    program.configure(provider.openai_base)
    assert program.run("run", "one").returncode == 0
    with program.start("run", "--conversation", "last", "two") as first:
        assert first.stdout is not None
        assert first.stdout.read(3) == "Two"
        second = program.run("run", "--conversation", "last", "three")
        assert second.returncode == 1
        assert f"pid {first.pid}" in second.stderr or str(first.pid) in second.stderr
        assert second.stdout == ""
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=10)
        assert first.returncode == 130
    assert [event["text"] for event in program.stored("user_message")] == ["one", "two"]


def test_a_reader_that_goes_away(program: Program, provider: FakeProvider) -> None:
    """``mcp-tui run ... | head``: an end without a traceback."""
    provider.script({"text": "word " * 20000, "size": 200})
    program.configure(provider.openai_base)
    with program.start("run", "hello") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(timeout=20) == 141
        assert process.stderr.read() == ""
