"""A real worker process and a scripted provider, shared by the tests of a module: a worker takes seconds to start."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from pydantic import SecretStr

from mcp_tui.config.models import RequestConfig
from mcp_tui.config.resolved import ResolvedProvider
from mcp_tui.conversation.messages import ModelMessage, ToolSpec
from mcp_tui.errors import GatewayError
from mcp_tui.events.turns import RequestedToolCall
from mcp_tui.gateway.assembler import Assembler, Draft
from mcp_tui.gateway.base import Chunk, ModelRequest
from mcp_tui.gateway.litellm_gateway import LiteLLMGateway
from mcp_tui.safety.secrets import Redactor
from tests.support.providers import FakeProvider

KEY = "sk-unique-marker-0123456789abcdef"

WEATHER = ToolSpec("weather", "Weather of a city", {"type": "object", "properties": {"city": {"type": "string"}}})


def limits(**changes: float) -> RequestConfig:
    values = {"connect_timeout": 5.0, "idle_timeout": 2.0, "total_timeout": 60.0}
    values |= {"initial_retry_delay": 0.1, "max_retry_delay": 5.0} | changes
    return RequestConfig(max_retries=2, **values)


def entry(name: str, model: str, base: str | None, **changes: object) -> ResolvedProvider:
    fields: dict[str, object] = dict.fromkeys(
        ("temperature", "max_tokens", "top_p", "context_window", "input_price", "output_price")
    )
    fields |= {"name": name, "model": model, "api_key": SecretStr(KEY), "api_base": base} | changes
    return ResolvedProvider(**fields)  # type: ignore[arg-type]


def entries(provider: FakeProvider) -> dict[str, ResolvedProvider]:
    listed = [
        entry("openai", "openai/gpt-4o", provider.openai_base),
        entry("vllm", "hosted_vllm/some-model", provider.openai_base),
        entry("anthropic", "anthropic/claude-sonnet-4-5", provider.anthropic_base, max_tokens=1000),
        entry("ollama", "ollama_chat/qwen3", provider.ollama_base, api_key=None, context_window=8192),
        entry("priced", "openai/unheard-of", provider.openai_base, input_price=1.0, output_price=10.0),
        entry("own-server", "openai/local", provider.openai_base, api_key=None),
        entry("keyless", "openai/gpt-4o", provider.openai_base, api_key=None, missing_key_variable="SOME_API_KEY"),
        entry("unknown", "no-such-provider-model", None),
        entry("refused", "openai/gpt-4o", "http://127.0.0.1:9/v1"),
        entry("ollama-off", "ollama_chat/qwen3", "http://127.0.0.1:9", api_key=None),
    ]
    return {one.name: one for one in listed}


def worker_environ(audit_log: Path | None = None) -> dict[str, str]:
    """This process's environment; with ``audit_log``, the worker records every address it reaches for there."""
    environ = dict(os.environ) | {"OPENAI_API_KEY": "sk-of-the-environment-0123456789"}
    if audit_log is not None:
        audit = str(Path(__file__).parent / "audit")
        environ["PYTHONPATH"] = os.pathsep.join(filter(None, (audit, environ.get("PYTHONPATH"))))
        environ["AUDIT_LOG"] = str(audit_log)
    return environ


@dataclass
class Outcome:
    """What came of one request."""

    draft: Draft
    error: GatewayError | None
    chunks: list[Chunk] = field(default_factory=list)

    @property
    def calls(self) -> list[tuple[str, dict[str, object]]]:
        return [(call.wire_name, call.arguments) for call in self.draft.tool_calls]

    @property
    def call(self) -> RequestedToolCall:
        (only,) = self.draft.tool_calls
        return only

    @property
    def failure(self) -> GatewayError:
        assert self.error is not None, f"no error, but {self.draft}"
        return self.error


@dataclass
class Bench:
    """A gateway and the provider it talks to."""

    gateway: LiteLLMGateway
    provider: FakeProvider
    audit_log: Path | None = None

    def request(
        self, name: str, messages: Sequence[ModelMessage] = (), tools: tuple[ToolSpec, ...] = (), stream: bool = True
    ) -> ModelRequest:
        return ModelRequest("r", name, tuple(messages) or (ModelMessage("user", "hello"),), tools, stream)

    async def ask(self, name: str, *answers: dict[str, object], **options: object) -> Outcome:
        """Script the answers, make one request, and put together what came."""
        self.provider.script(*answers)
        assembler, chunks, error = Assembler(), [], None
        try:
            async for chunk in self.gateway.stream(self.request(name, **options)):  # type: ignore[arg-type]
                chunks.append(chunk)
                assembler.feed(chunk)
        except GatewayError as caught:
            error = caught
        return Outcome(assembler.close(), error, chunks)


async def make_bench(audit_log: Path | None = None, **changes: float) -> AsyncIterator[Bench]:
    async with FakeProvider() as provider:
        gateway = LiteLLMGateway(
            entries(provider), limits(**changes), environ=worker_environ(audit_log), mask=Redactor([KEY]).scrub
        )
        await gateway.start()
        try:
            yield Bench(gateway, provider, audit_log)
        finally:
            await gateway.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """Shared by a module, whose tests must run in its event loop: ``pytest.mark.asyncio(loop_scope="module")``."""
    async for one in make_bench(tmp_path_factory.mktemp("audit") / "sockets.txt"):
        yield one


@pytest.fixture
async def own_bench() -> AsyncIterator[Bench]:
    """For tests that end the worker."""
    async for one in make_bench():
        yield one
