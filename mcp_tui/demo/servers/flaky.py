"""MCP server of the demo: fails on demand, to see what a failure looks like and that nothing else suffers."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any, Literal

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field, WithJsonSchema

server = MCPServer(
    "flaky",
    title="Failures on demand",
    instructions="Fails in the way that is asked for.",
    log_level="WARNING",
)

Way = Literal["none", "tool_error", "slow", "crash", "bad_output"]
CRASH_EXIT_CODE = 70
SLOW_SECONDS = 8.0


class Report(BaseModel):
    """The structured result that a good call has.

    The declared schema says that ``attempts`` is an integer, this side does not check it:
    otherwise the SDK would not let a wrong result out.
    """

    way: str
    attempts: Annotated[Any, WithJsonSchema({"type": "integer", "minimum": 1})]


@server.tool(
    title="Fail on demand",
    annotations=ToolAnnotations(
        read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    ),
)
async def fail(
    way: Annotated[
        Way,
        Field(
            description="none: succeed; tool_error: report an error; slow: answer after eight seconds; "
            "crash: end the server's process in the middle of the call; bad_output: answer with a result "
            "that contradicts the declared schema."
        ),
    ],
) -> Annotated[CallToolResult, Report]:
    """Fail in one of several ways, or not at all."""
    match way:
        case "tool_error":
            raise ToolError("This failure was asked for: the tool reports an error.")
        case "crash":
            sys.stderr.write("flaky: ending in the middle of a call, as asked\n")
            sys.stderr.flush()
            os._exit(CRASH_EXIT_CODE)
        case "slow":
            await anyio.sleep(SLOW_SECONDS)
    return _result(way)


def _result(way: Way) -> CallToolResult:
    report = Report(way=way, attempts="many" if way == "bad_output" else 1)
    text = TextContent(type="text", text=report.model_dump_json())
    return CallToolResult(content=[text], structured_content=report.model_dump())


if __name__ == "__main__":
    server.run("stdio")
