"""What the log file says of a conversation: enough to follow it, nothing of what was said (requirement H1)."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from mcp_tui.engine.engine import Decision
from mcp_tui.errors import GatewayError, StoreFailed
from mcp_tui.safety.secrets import Redactor
from mcp_tui.telemetry.logging import LogFile
from tests.support.scripted import FunctionHost, KeptStore, ScriptedGateway, calls, running, says
from tests.support.waiting import wait_until_async

MARKER = "words-of-the-person"


@pytest.fixture
def lines(tmp_path):
    root = logging.getLogger()
    before = root.handlers[:], root.level
    log = LogFile(tmp_path / "log", Redactor())

    def close():
        log.close()
        return [json.loads(line) for line in log.path.read_text().splitlines()]

    yield close
    log.close()
    root.handlers[:], root.level = before


def of(lines, operation):
    return [line for line in lines if line.get("operation") == operation]


async def test_case_104_a_turn_is_told_with_ids_durations_and_outcomes_and_without_its_words(lines):
    async def echo(x):
        return f"{MARKER} {x}"

    gateway = ScriptedGateway(calls(("local__echo", f'{{"x": "{MARKER}"}}')), says(MARKER))
    async with running(gateway, FunctionHost(echo=echo)) as engine:
        engine.submit(MARKER, request_id="r1")
        await wait_until_async(lambda: engine.transcript.waiting())
        engine.decide(engine.transcript.waiting()[0].approval_id, Decision("allow"))
        await asyncio.wait_for(engine.idle(), 20)
        conversation = engine.conversation_id
    found = lines()
    begin, end = of(found, "turn")
    assert begin["request_id"] == "r1"
    assert end["outcome"] == "stop"
    assert [line["outcome"] for line in of(found, "model_request")] == ["success", "success"]
    (approval,) = of(found, "approval")
    assert (approval["outcome"], approval["server"]) == ("allow by user", "local")
    (call,) = of(found, "tool_call")
    assert (call["tool"], call["outcome"]) == ("local__echo", "success")
    assert approval["call_id"] == call["call_id"]
    for line in found:
        assert line["conversation_id"] == conversation
        assert line["turn_id"] == begin["turn_id"]
    assert all("duration" in line for line in [end, approval, call, *of(found, "model_request")])
    assert MARKER not in json.dumps(found)


async def test_what_failed_is_told_by_its_class(lines):
    async with running(ScriptedGateway([GatewayError("No key.", kind="authentication")])) as engine:
        engine.submit("go")
        await asyncio.wait_for(engine.idle(), 20)
    found = lines()
    assert of(found, "model_request")[0]["error"] == "authentication"
    assert of(found, "turn")[-1]["error"] == "authentication"


async def test_a_history_that_fails_is_an_error_in_the_log(lines):
    class Full(KeptStore):
        async def append(self, conversation_id, events):
            raise StoreFailed("The disk is full.")

    async with running(ScriptedGateway(), store=Full()) as engine:
        engine.submit("go", request_id="r1")
        await asyncio.wait_for(engine.idle(), 20)
    (line,) = of(lines(), "history")
    assert (line["level"], line["error"], line["request_id"]) == ("error", "StoreFailed", "r1")
