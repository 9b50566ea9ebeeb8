"""The gateway to real models: owner of the worker process that runs LiteLLM."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mcp_tui.config.models import RequestConfig
from mcp_tui.config.resolved import ResolvedProvider
from mcp_tui.gateway import wire
from mcp_tui.gateway.base import Chunk, ModelInfo, ModelRequest
from mcp_tui.gateway.errors import NO_KEY, Failure, failure, from_wire
from mcp_tui.gateway.process import WorkerFailed, WorkerProcess
from mcp_tui.gateway.providers import family_of, to_litellm_messages, to_litellm_tools

logger = logging.getLogger(__name__)

INFO_LIMIT = 10.0
COUNT_LIMIT = 60.0
"""Seconds for an answer that needs no network."""

CLOSING = frozenset({"end", "error", "info", "counts"})
"""Keys of a line that ends its request."""

RESTART_AFTER = 10.0
"""Seconds a worker must have lived to be restarted at once; one that dies sooner is restarted by the next request."""

CANCEL_LIMIT = 10.0
"""Seconds after which a worker that does not confirm a cancelled request counts as hung and is killed."""

OVERDUE = 15.0
"""Seconds past the total limit after which a silent worker counts as hung and is killed."""

INLINE = 65_536
"""Characters of a request that are encoded on the event loop; more go to a thread."""

OPENAI_ROUTES = frozenset({"openai", "hosted_vllm", "lm_studio", "llamafile", "litellm_proxy"})
"""LiteLLM's routes to servers that speak OpenAI's protocol, and demand some key."""

CLOSED = Failure("worker", "The model layer was closed.")
"""What requests get at the end of the program; not worth a retry."""

Answer = asyncio.Queue[dict[str, Any]]


class LiteLLMGateway:
    """`mcp_tui.gateway.base.ModelGateway` through LiteLLM in a process of its own.

    ``environ`` is what the worker runs with; keys of the configuration are not put into it, they travel with each
    request.  ``mask`` takes secrets out of every text that leaves this class.
    """

    def __init__(
        self,
        providers: Mapping[str, ResolvedProvider],
        request: RequestConfig,
        *,
        environ: Mapping[str, str],
        mask: Callable[[str], str] = str,
    ) -> None:
        self._providers, self._request = providers, request
        self._environ, self._mask = environ, mask
        self._ids = itertools.count(1)
        self._answers: dict[int, Answer] = {}
        self._deadlines: dict[int, asyncio.TimerHandle] = {}
        self._worker: WorkerProcess | None = None
        self._closed = False

    @property
    def demo(self) -> bool:
        """False: real models answer."""
        return False

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker, for the log and ``doctor``."""
        return self._worker.pid if self._worker else None

    async def start(self) -> None:
        """Start the worker in the background; requests made before it is ready wait for it."""
        self._living()

    async def wait_ready(self) -> None:
        """Wait until the worker has LiteLLM loaded; raises `GatewayError` of kind ``worker`` when it cannot."""
        await self._ready_worker()

    async def aclose(self) -> None:
        """End running requests and the worker, within two seconds."""
        self._closed = True
        self._fail_all(CLOSED)
        if self._worker is not None:
            await self._worker.aclose()

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        """See `mcp_tui.gateway.base.ModelGateway.stream`."""
        provider = self._provider(request.provider)
        number = next(self._ids)
        line = await self._encode(number, request, provider)
        answer = await self._submit(number, line, self._request.total_timeout + OVERDUE)
        try:
            while True:
                message = await answer.get()
                for item in message.get("chunks", ()):
                    yield wire.to_chunk(item)
                if "error" in message:
                    raise from_wire(message["error"]).to_error(self._mask) from None
                if "end" in message:
                    return
        finally:
            self._cancel(number)

    async def model_info(self, provider: str) -> ModelInfo:
        """See `mcp_tui.gateway.base.ModelGateway.model_info`."""
        entry = self._entry(provider)
        number = next(self._ids)
        answer = await self._submit(number, wire.encode({"op": "info", "id": number, "model": entry.model}), INFO_LIMIT)
        message = await answer.get()
        if "error" in message:
            raise from_wire(message["error"]).to_error(self._mask) from None
        known = ModelInfo(**message["info"])
        return replace(
            known,
            context_window=entry.context_window or known.context_window,
            input_price=known.input_price if entry.input_price is None else entry.input_price,
            output_price=known.output_price if entry.output_price is None else entry.output_price,
        )

    async def count_tokens(self, vocabulary: str, texts: Sequence[str]) -> list[int] | None:
        """Tokens of each text, counted by the worker; ``None`` where it lacks the vocabulary."""
        number = next(self._ids)
        line = await asyncio.to_thread(
            wire.encode, {"op": "count", "id": number, "vocabulary": vocabulary, "texts": list(texts)}
        )
        answer = await self._submit(number, line, COUNT_LIMIT)
        try:
            message = await answer.get()
        finally:
            self._cancel(number)
        if "error" in message:
            raise from_wire(message["error"]).to_error(self._mask) from None
        counts: list[int] | None = message["counts"]
        return counts

    def _entry(self, name: str) -> ResolvedProvider:
        if name not in self._providers:
            known = ", ".join(self._providers)
            raise failure("configuration", f"There is no llm.providers.{name}.", f"Known are: {known}.").to_error()
        return self._providers[name]

    def _provider(self, name: str) -> ResolvedProvider:
        """The entry, fit for a request."""
        entry = self._entry(name)
        if entry.missing_key_variable is not None:
            variable = entry.missing_key_variable
            raise failure(
                "authentication",
                f"llm.providers.{name} needs the environment variable {variable}, which is not set.",
                f"Set it and start again: export {variable}=...",
            ).to_error()
        return entry

    async def _encode(self, number: int, request: ModelRequest, provider: ResolvedProvider) -> bytes:
        """The line of a request, made in a thread when it is long."""
        size = sum(len(m.text) + sum(len(image.data) for image in m.images) for m in request.messages)
        if size > INLINE:
            return await asyncio.to_thread(encode_request, number, request, provider, self._request)
        return encode_request(number, request, provider, self._request)

    def _living(self) -> WorkerProcess:
        """The worker; a new one when there is none or it has died."""
        if self._closed:
            raise CLOSED.to_error()
        if self._worker is None or self._worker.ended:
            models = [register_entry(provider) for provider in self._providers.values()]
            greeting = wire.encode({"op": "configure", "models": models})
            self._worker = WorkerProcess(self._environ, greeting, self._on_message, self._on_exit)
            self._worker.start()
        return self._worker

    async def _ready_worker(self) -> WorkerProcess:
        worker = self._living()
        try:
            await worker.wait_ready()
        except WorkerFailed as error:
            problem = CLOSED if self._closed else self._died(error)
            raise problem.to_error(self._mask) from None
        if self._closed:
            raise CLOSED.to_error()
        return worker

    async def _submit(self, number: int, line: bytes, limit: float) -> Answer:
        """Send a line once the worker is ready; its answer must have ended ``limit`` seconds later."""
        worker = await self._ready_worker()
        answer = self._answers[number] = Answer()
        self._set_deadline(number, limit, worker)
        worker.send(line)
        return answer

    def _set_deadline(self, number: int, limit: float, worker: WorkerProcess) -> None:
        """Kill a worker that hangs: only then can its connections be closed and its other requests end."""
        if timer := self._deadlines.pop(number, None):
            timer.cancel()
        self._deadlines[number] = asyncio.get_running_loop().call_later(limit, worker.kill)

    def _cancel(self, number: int) -> None:
        """Tell the worker that nobody waits for this answer; nothing where it has ended."""
        if self._answers.pop(number, None) is not None and self._worker is not None:
            self._set_deadline(number, CANCEL_LIMIT, self._worker)
            self._worker.send(wire.encode({"op": "cancel", "id": number}))

    def _on_message(self, message: dict[str, Any]) -> None:
        number = message["id"]
        answer = self._answers.get(number)
        if not message.keys().isdisjoint(CLOSING):
            self._answers.pop(number, None)
            if timer := self._deadlines.pop(number, None):
                timer.cancel()
        if answer is not None:
            answer.put_nowait(message)

    def _on_exit(self, worker: WorkerProcess) -> None:
        """The worker died: its requests fail, and another takes its place if it had lived well."""
        if worker is not self._worker or self._closed:
            return
        problem = self._died(worker.failed())
        self._fail_all(problem)
        logger.warning("%s", self._mask(problem.message))
        if worker.lifetime > RESTART_AFTER:
            self._living()

    def _died(self, error: WorkerFailed) -> Failure:
        return failure("worker", f"The model process ended unexpectedly ({error}).", "Try again; it is started anew.")

    def _fail_all(self, problem: Failure) -> None:
        for timer in self._deadlines.values():
            timer.cancel()
        self._deadlines.clear()
        answers, self._answers = self._answers, {}
        for answer in answers.values():
            answer.put_nowait({"error": problem.to_wire()})


def register_entry(provider: ResolvedProvider) -> dict[str, Any]:
    """What the worker tells LiteLLM of a configured model."""
    return {
        "model": provider.model,
        "max_input_tokens": provider.context_window,
        "max_output_tokens": provider.max_tokens,
    }


def encode_request(number: int, request: ModelRequest, provider: ResolvedProvider, limits: RequestConfig) -> bytes:
    """The worker's line for ``request``."""
    return wire.encode(
        {
            "op": "request",
            "id": number,
            "provider": provider.name,
            "stream": request.stream,
            "call": call_arguments(request, provider),
            "limits": {
                "connect": limits.connect_timeout,
                "idle": limits.idle_timeout,
                "total": limits.total_timeout,
            },
            "prices": {"input": provider.input_price, "output": provider.output_price},
        }
    )


def key_for(provider: ResolvedProvider) -> str | None:
    """The key to send; a placeholder to a server of one's own that needs none.

    Without it LiteLLM refuses the call, or sends the key of the environment to whatever address ``api_base`` has.
    """
    if provider.api_key is not None:
        return provider.api_key.get_secret_value()
    own_server = provider.api_base is not None and provider.model.partition("/")[0] in OPENAI_ROUTES
    return NO_KEY if own_server else None


def call_arguments(request: ModelRequest, provider: ResolvedProvider) -> dict[str, Any]:
    """Arguments of LiteLLM's ``acompletion``; what is ``None`` is left to the provider."""
    arguments = {
        "model": provider.model,
        "messages": to_litellm_messages(request.messages, provider.model),
        "tools": to_litellm_tools(request.tools),
        "api_key": key_for(provider),
        "api_base": provider.api_base,
        "temperature": provider.temperature,
        "max_tokens": provider.max_tokens,
        "top_p": provider.top_p,
        "num_ctx": provider.context_window if family_of(provider.model) == "ollama" else None,
    }
    return {name: value for name, value in arguments.items() if value is not None}
