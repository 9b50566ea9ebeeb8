"""``mcp-tui replay ID --offline-tools``: the same conversation on another model, with recorded results, no server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.program import Program, hostile_entry
from tests.support.providers import FakeProvider


def lines(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def record(program: Program, provider: FakeProvider) -> str:
    """A conversation of two inputs: the same call twice, then another."""
    program.configure(provider.openai_base, {"good": hostile_entry("ok")})
    provider.script(
        {"calls": [("good__echo", {"x": "a"}, "one"), ("good__echo", {"x": "a"}, "two")]},
        {"text": "It says a."},
        {"calls": [("good__echo", {"x": "b"})]},
        {"text": "It says b."},
    )
    first = program.run("run", "--policy", "allow", "first")
    assert first.returncode == 0, first.stderr
    identity = first.stderr.rsplit("conversation ", 1)[1].strip()
    assert program.run("run", "--policy", "allow", "--conversation", identity, "second").returncode == 0
    return identity


def test_another_model_is_given_the_recorded_results(program: Program, provider: FakeProvider, tmp_path: Path) -> None:
    identity = record(program, provider)
    started = tmp_path / "started"
    program.configure(
        provider.openai_base,
        {"good": {"command": "/bin/sh", "args": ["-c", f"touch {started}"]}},
        trust=False,
    )
    before = len(provider.requests)
    provider.script(
        {"calls": [("good__echo", {"x": "a"}), ("good__echo", {"x": "a"})]},
        {"text": "It says a."},
        {"calls": [("good__echo", {"x": "b"})]},
        {"text": "It says B, loudly."},
    )
    same = program.run("replay", identity, "--model", "second", "--offline-tools")
    assert same.returncode == 0, same.stdout + same.stderr
    assert not started.exists()
    assert same.stdout.splitlines()[-1] == "calls: 3 as recorded; answers: 1 same, 1 differ"
    assert "    + It says B, loudly." in same.stdout
    requests = provider.requests[before:]
    assert {request.json["model"] for request in requests} == {"other"}
    results = [message["content"] for message in requests[1].json["messages"] if message["role"] == "tool"]
    assert len(results) == 2
    assert all("a" in str(result) for result in results)
    assert [tool["function"]["name"] for tool in requests[0].json["tools"]]
    created = [
        json.loads(line)
        for path in program.logs()
        for line in path.read_text().splitlines()
        if '"offline_replay"' in line
    ]
    assert [event["origin"]["conversation_id"] for event in created] == [identity]


def test_calls_that_were_never_recorded_and_calls_that_are_left_out(program: Program, provider: FakeProvider) -> None:
    identity = record(program, provider)
    provider.script(
        {"calls": [("good__echo", {"x": "a"}), ("good__echo", {"x": "a"}), ("good__echo", {"x": "a"})]},
        {"text": "It says a."},
        {"calls": [("good__echo", {"x": "b"})]},
        {"text": "It says b."},
    )
    more = program.run("replay", identity, "--offline-tools", "--json")
    assert more.returncode == 3, more.stdout + more.stderr
    first, second, summary = lines(more.stdout)
    assert [call["result"] for call in first["calls"]] == ["same", "same", "not_run"]
    assert "was given already" in first["calls"][2]["reason"]
    assert [call["result"] for call in second["calls"]] == ["same"]
    assert summary["calls"] == {"same": 3, "not_run": 1, "not_made": 0}
    provider.script({"calls": [("good__echo", {"x": 1})]}, {"text": "I know without looking."}, {"text": "b"})
    fewer = program.run("replay", identity, "--offline-tools")
    assert fewer.returncode == 1
    assert fewer.stdout.count("not made good.echo") == 3
    assert "its arguments do not fit the recorded schema: x:" in fewer.stdout


def test_a_model_that_fails_is_no_model_that_answers_with_nothing(program: Program, provider: FakeProvider) -> None:
    identity = record(program, provider)
    refusal = {"status": 400, "body": json.dumps({"error": {"message": "bad model"}})}
    provider.script(refusal, refusal)
    result = program.run("replay", identity, "--offline-tools")
    assert result.returncode == 1
    assert "bad model" in result.stderr
    answer = result.stdout.splitlines().index("differs  answer  there is none")
    assert result.stdout.splitlines()[answer + 1 :] == [
        "    answer",
        "    - It says a.",
        "calls: 0 as recorded, 2 not made; answers: 0 same, 1 differ; 1 input not asked",
    ]
    summary = lines(program.run("replay", identity, "--offline-tools", "--json").stdout)[-1]
    assert summary["not_asked"] == 1
