"""One turn of the demo model against the bundled servers, by the bare SDK client: no host, no engine."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jsonschema_rs
from mcp import Client, MCPError, StdioServerParameters, stdio_client

from mcp_tui.config.servers import ServerConfig
from mcp_tui.conversation.messages import MessageToolCall, ModelMessage, ToolSpec
from mcp_tui.gateway.base import (
    Chunk,
    FinishChunk,
    ModelGateway,
    ModelRequest,
    ReasoningChunk,
    TextChunk,
    ToolCallChunk,
    UsageChunk,
)


@dataclass(slots=True)
class Collected:
    """One answer of a model, its chunks put together."""

    text: str = ""
    reasoning: str = ""
    calls: tuple[MessageToolCall, ...] = ()
    finish: str = ""
    usage: UsageChunk | None = None
    chunks: list[Chunk] = field(default_factory=list)


async def collect(gateway: ModelGateway, request: ModelRequest) -> Collected:
    """Read an answer to its end."""
    answer = Collected()
    calls: dict[int, list[str]] = {}
    async for chunk in gateway.stream(request):
        answer.chunks.append(chunk)
        match chunk:
            case TextChunk(text):
                answer.text += text
            case ReasoningChunk(text):
                answer.reasoning += text
            case ToolCallChunk():
                entry = calls.setdefault(chunk.index or 0, ["", "", ""])
                entry[0] += chunk.id or ""
                entry[1] += chunk.name or ""
                entry[2] += str(chunk.arguments or "")
            case FinishChunk(reason):
                answer.finish = reason
            case UsageChunk():
                answer.usage = chunk
    answer.calls = tuple(MessageToolCall(one, name, json.loads(text)) for one, name, text in calls.values())
    return answer


class Servers:
    """The bundled servers, running."""

    def __init__(self) -> None:
        self.clients: dict[str, Client] = {}
        self.specs: dict[str, ToolSpec] = {}

    async def run(self, call: MessageToolCall) -> str:
        """The text that a model is given for a call: the result, an error, or what is wrong with the arguments."""
        spec = self.specs[call.wire_name]
        problems = [
            {
                "field": ".".join(str(part) for part in problem.instance_path),
                "message": problem.message,
                "type": problem.kind.name,
            }
            for problem in jsonschema_rs.validator_for(spec.parameters).iter_errors(call.arguments)
        ]
        if problems:
            return json.dumps({"validation_errors": problems})
        server, _, tool = call.wire_name.partition("__")
        try:
            result = await self.clients[server].call_tool(tool, call.arguments)
        except (MCPError, RuntimeError) as error:
            return f"Error: {error}"
        text = "".join(getattr(block, "text", "") for block in result.content)
        return f"Error: {text}" if result.is_error else text


@asynccontextmanager
async def running(servers: Mapping[str, ServerConfig]) -> AsyncIterator[Servers]:
    """Start the servers, list their tools, stop them at the end."""
    found = Servers()
    async with AsyncExitStack() as stack:
        for name, entry in servers.items():
            assert entry.command is not None
            transport = stdio_client(StdioServerParameters(command=entry.command, args=entry.args))
            client = await stack.enter_async_context(Client(transport, mode=entry.protocol))
            found.clients[name] = client
            for tool in (await client.list_tools()).tools:
                wire = f"{name}__{tool.name}"
                found.specs[wire] = ToolSpec(wire, tool.description or "", tool.input_schema)
        yield found


async def turn(
    gateway: ModelGateway, text: str, servers: Servers, *, answers: Mapping[str, str] | None = None
) -> tuple[list[Collected], list[tuple[MessageToolCall, str]]]:
    """Run a turn; ``answers`` replaces results by wire name, as a person's refusal does."""
    messages = [ModelMessage("user", text)]
    hops: list[Collected] = []
    ran: list[tuple[MessageToolCall, str]] = []
    specs = tuple(servers.specs.values())
    while len(hops) < 8:
        answer = await collect(gateway, ModelRequest(f"r{len(hops)}", "demo", tuple(messages), specs))
        hops.append(answer)
        messages.append(ModelMessage("assistant", answer.text, tool_calls=answer.calls))
        if not answer.calls:
            break
        for call in answer.calls:
            result = (answers or {}).get(call.wire_name) or await servers.run(call)
            ran.append((call, result))
            messages.append(ModelMessage("tool", result, call_id=call.call_id))
    return hops, ran


def arguments_of(ran: list[tuple[MessageToolCall, str]]) -> list[tuple[str, dict[str, Any]]]:
    """What was called with what."""
    return [(call.wire_name, call.arguments) for call, _ in ran]
