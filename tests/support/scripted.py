"""A model and a host whose behaviour a test writes down: the engine's neighbours, not the engine."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from mcp_tui.config.models import (
    ContextConfig,
    CostLimitsConfig,
    RequestConfig,
    ServiceConfig,
    StreamingConfig,
    ToolsConfig,
)
from mcp_tui.engine.engine import Engine, EngineParts, EngineSettings, ProviderChoice
from mcp_tui.events.base import EventBase
from mcp_tui.events.content import TextContent
from mcp_tui.events.servers import ServerStatus
from mcp_tui.events.tools import ArgumentProblem, HeldTool, ToolDefinition
from mcp_tui.events.turns import Usage
from mcp_tui.gateway.base import Chunk, FinishChunk, ModelInfo, ModelRequest, TextChunk, ToolCallChunk, UsageChunk
from mcp_tui.gateway.tokens import TokenCounter
from mcp_tui.history.memory import MemoryStore
from mcp_tui.host.base import CallResult, EventSink, ProgressCallback
from mcp_tui.safety.secrets import Redactor

Step = Chunk | Exception | asyncio.Event
"""A chunk to yield, an error to raise, or an event to wait for."""


def says(text: str, *, finish: str = "stop", usage: Usage | None = None, cost: float | None = None) -> list[Step]:
    """An answer in words."""
    steps: list[Step] = [TextChunk(part) for part in text.split("|")]
    steps.append(FinishChunk(finish))
    if usage is not None:
        steps.append(UsageChunk(usage, cost))
    return steps


def calls(*wanted: tuple[str, str], text: str = "") -> list[Step]:
    """An answer that asks for tools: (wire name, JSON arguments)."""
    steps: list[Step] = [TextChunk(text)] if text else []
    for index, (name, arguments) in enumerate(wanted):
        steps.append(ToolCallChunk(index=index, id=f"id{index}", name=name, arguments=arguments))
    return [*steps, FinishChunk("tool_calls")]


class ScriptedGateway:
    """Answers with one script after the other; keeps the requests."""

    demo = False

    def __init__(self, *scripts: Sequence[Step], info: ModelInfo | None = None) -> None:
        self.scripts = list(scripts)
        self.requests: list[ModelRequest] = []
        self.closed_streams = 0
        self.info = info or ModelInfo()

    async def start(self) -> None:
        pass

    async def aclose(self) -> None:
        pass

    async def model_info(self, provider: str) -> ModelInfo:
        return self.info

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        self.requests.append(request)
        script = self.scripts.pop(0) if self.scripts else says("done")
        try:
            for step in script:
                await asyncio.sleep(0)
                if isinstance(step, asyncio.Event):
                    await step.wait()
                elif isinstance(step, Exception):
                    raise step
                else:
                    yield step
        finally:
            self.closed_streams += 1


class KeptStore(MemoryStore):
    """Outlives the engine that closes it, as a disk does."""

    async def aclose(self) -> None:
        pass


ToolFunction = Callable[..., Any]


class FunctionHost:
    """Tools made of coroutine functions; server ``local``."""

    def __init__(self, **functions: ToolFunction) -> None:
        self.functions = functions
        self.ran: list[tuple[str, dict[str, Any]]] = []
        self.required: dict[str, tuple[str, ...]] = {}
        self.emit: EventSink | None = None
        self.version = 1
        self.closed = False

    def connect(self, emit: EventSink) -> FunctionHost:
        self.emit = emit
        return self

    async def start(self) -> None:
        pass

    async def settled(self, timeout: float) -> bool:
        return True

    async def aclose(self) -> None:
        self.closed = True

    def servers(self) -> tuple[ServerStatus, ...]:
        return (ServerStatus(name="local", state="running", tools=len(self.functions)),)

    def tools(self) -> tuple[ToolDefinition, ...]:
        return tuple(self._definition(name) for name in sorted(self.functions))

    def tool(self, wire_name: str) -> ToolDefinition | None:
        return next((tool for tool in self.tools() if tool.wire_name == wire_name), None)

    def check(self, tool: ToolDefinition, arguments: dict[str, Any]) -> tuple[ArgumentProblem, ...]:
        missing = [name for name in self.required.get(tool.name, ()) if name not in arguments]
        return tuple(ArgumentProblem(field=name, message="is required", type="required") for name in missing)

    def prepare(self, tool: ToolDefinition, arguments: dict[str, Any]) -> dict[str, Any]:
        return dict(arguments)

    async def call(
        self,
        tool: ToolDefinition,
        arguments: dict[str, Any],
        *,
        call_id: str,
        on_progress: ProgressCallback | None = None,
    ) -> CallResult:
        self.ran.append((tool.name, arguments))
        result = await self.functions[tool.name](**arguments)
        return result if isinstance(result, CallResult) else CallResult("success", (TextContent(text=str(result)),))

    def restart(self, server: str) -> None:
        pass

    def set_enabled(self, server: str, enabled: bool) -> None:
        pass

    def held(self, server: str) -> tuple[HeldTool, ...]:
        return ()

    def review(self, server: str) -> None:
        pass

    def stderr(self, server: str) -> tuple[str, ...]:
        return ()

    def _definition(self, name: str) -> ToolDefinition:
        digest = hashlib.sha256(f"{name}{self.version}".encode()).hexdigest()
        return ToolDefinition(
            wire_name=f"local__{name}", server="local", name=name, digest=digest, parameters={"type": "object"}
        )


def settings(**changes: Any) -> EngineSettings:
    """Settings with small limits; keyword arguments replace fields of the service section."""
    service = ServiceConfig(
        streaming=StreamingConfig(enabled=True),
        context=ContextConfig(max_tokens=None, reserve_tokens=0, preserve_recent=2),
        max_tool_hops=3,
        cost_limits=CostLimitsConfig(per_turn=None, per_conversation=None),
        tools=ToolsConfig(max_concurrent=4, idle_timeout=10.0, total_timeout=20.0, max_result_tokens=1000),
        system_prompt=None,
    ).model_copy(update=changes)
    request = RequestConfig(
        connect_timeout=5.0,
        idle_timeout=5.0,
        total_timeout=30.0,
        max_retries=2,
        initial_retry_delay=0.001,
        max_retry_delay=5.0,
    )
    return EngineSettings(service, request, app_version="0", server_wait=0.1, fragment_interval=0.01)


@asynccontextmanager
async def running(  # type: ignore[no-untyped-def]
    gateway: ScriptedGateway, host: FunctionHost | None = None, *, store=None, redactor=None, **parts: Any
):
    """An engine over a scripted model; stopped at the end."""
    options: dict[str, Any] = {"settings": settings(), **parts}
    engine = Engine(
        EngineParts(
            store=store or KeptStore(),
            gateway=gateway,
            make_host=(host or FunctionHost()).connect,
            counter=TokenCounter(),
            providers=(ProviderChoice("one", "test/one"), ProviderChoice("two", "test/two")),
            provider="one",
            redactor=redactor or Redactor(),
            **options,
        )
    )
    await engine.start()
    try:
        yield engine
    finally:
        await engine.aclose()


class Recording:
    """Everything that a subscriber of the engine sees."""

    def __init__(self, engine: Engine) -> None:
        self.events: list[EventBase] = []
        self.live: list[EventBase] = []
        self._subscription = engine.subscribe()
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for batch in self._subscription:
            self.events.extend(batch.events)
            if batch.live:
                self.live.extend(batch.events)

    async def aclose(self) -> None:
        self._subscription.close()
        await self._task

    def kinds(self) -> list[str]:
        return [event.type for event in self.live]

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]
