"""Recorded results instead of servers."""

from __future__ import annotations

from typing import Any

from mcp_tui.events.content import TextContent
from mcp_tui.events.tools import ToolDefinition
from mcp_tui.host.base import CallResult, ToolHost
from mcp_tui.host.recorded import NO_RECORDING, RecordedHost, call_key

ECHO = ToolDefinition(
    wire_name="fs__echo",
    server="fs",
    name="echo",
    digest="1",
    input_schema={"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]},
    argument_names={"x_": "x"},
)


def result(text: str) -> CallResult:
    return CallResult("success", (TextContent(text=text),))


async def ask(host: ToolHost, arguments: dict[str, Any]) -> CallResult:
    tool = host.tool("fs__echo")
    assert tool is not None
    return await host.call(tool, arguments, call_id="new")


async def test_the_k_th_identical_call_is_given_the_k_th_result() -> None:
    a, b = call_key("fs", "echo", {"x": "a", "y": 1}), call_key("fs", "echo", {"x": "b"})
    host = RecordedHost([ECHO], [(a, result("one")), (b, result("other")), (a, result("two"))])
    assert await ask(host, {"y": 1, "x": "a"}) == result("one")
    assert await ask(host, {"x": "a", "y": 1}) == result("two")
    assert await ask(host, {"x": "b"}) == result("other")
    for arguments in ({"x": "b"}, {"x": "a", "y": 1}, {"x": "a", "y": True}, {}):
        missing = await ask(host, arguments)
        assert missing.outcome == "error"
        assert missing.error is not None
        assert missing.error.kind == NO_RECORDING


async def test_it_offers_what_was_offered_and_checks_as_the_server_did() -> None:
    newer = ECHO.model_copy(update={"digest": "2", "description": "newer"})
    host: ToolHost = RecordedHost([ECHO, newer], [])
    await host.start()
    assert await host.settled(0.0)
    assert host.tools() == (newer,)
    assert host.tool("fs__other") is None
    assert [problem.type for problem in host.check(newer, {"x": 1})] == ["type"]
    assert host.prepare(newer, {"x_": "a", "more": None}) == {"x": "a"}
    (status,) = host.servers()
    assert (status.name, status.state, status.pid) == ("fs", "running", None)
    assert host.held("fs") == ()
    assert host.stderr("fs") == ()
    await host.aclose()
