"""The process that runs LiteLLM: the only module that imports it.

`mcp_tui.gateway.process.WorkerProcess` starts it, in a process session of its own.  It speaks the lines of ``wire``
over its first stdin and stdout; whatever LiteLLM prints goes to stderr.  It ends the moment its stdin closes, whatever
its loop is doing, so it never outlives the app, however that dies.

LiteLLM's import takes seconds, its garbage collections stall a loop for 150 ms, it prints, it changes the environment
and may block: none of that may happen in the process that owns the screen.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from mcp_tui.gateway import wire
from mcp_tui.gateway.deltas import DeltaReader, read_usage
from mcp_tui.gateway.errors import NO_KEY, Failure, Target, classify, failure
from mcp_tui.gateway.prices import Prices, cost_of
from mcp_tui.gateway.vocabulary import count_texts
from mcp_tui.gateway.worker_pipes import Burst, InputThread, Sender, open_sender, protect_protocol
from mcp_tui.safety.secrets import Redactor

CLOSE_LIMIT = 2.0
"""Seconds for closing the connection of a request."""

KEEP_ALIVE_FACTOR = 4
"""Bytes that carry no part of an answer (keep-alive comments) extend the idle limit at most this often."""

MAX_ANSWER = 4_000_000
"""Characters of one answer after which the connection is closed: no model writes that much, a broken server may."""

OURS = "mcp_tui_registered"
"""Marks entries of LiteLLM's map that are ours, and so know nothing of prices."""


class Request:
    """One request to a model, from the app's line to its ``end`` or ``error``."""

    def __init__(self, sender: Sender, message: dict[str, Any]) -> None:
        self._sender = sender
        self._id: int = message["id"]
        self._call: dict[str, Any] = message["call"]
        self._limits: dict[str, float] = message["limits"]
        self._prices = Prices(**message["prices"])
        key = self._call.get("api_key")
        self._scrub = Redactor([key] if key else []).scrub
        has_key = key not in (None, NO_KEY)
        self._target = Target(message["provider"], self._call["model"], self._call.get("api_base"), has_key)
        self._burst = Burst(sender, self._id, hold=not message["stream"])
        self._reader = DeltaReader()
        self._finished = False
        self._begun = False

    async def run(self) -> None:
        """Serve the request; every way out but the end of the process sends one closing line."""
        try:
            problem = await self._answer()
        except asyncio.CancelledError:
            problem = failure("internal", "The request was cancelled.")
        except Exception as error:  # noqa: BLE001 - the border to LiteLLM: anything may come, all of it is classified
            problem = classify(error, self._target, streaming=self._begun, scrub=self._scrub)
            logging.getLogger(__name__).debug("request failed: %s", problem.kind)
        self._burst.add(self._reader.close())
        self._burst.flush()
        closing = {"error": problem.to_wire()} if problem else {"end": True}
        self._sender.send({"id": self._id, **closing})

    async def _answer(self) -> Failure | None:
        limit = self._limits["total"]
        try:
            async with asyncio.timeout(limit) as total:
                return await self._within_idle_limit()
        except TimeoutError:
            if not total.expired():
                raise
            return self._timed_out(f"The answer of {self._target.model} took longer than {limit:g} seconds.", "total")

    async def _within_idle_limit(self) -> Failure | None:
        idle = self._limits["idle"]
        try:
            async with asyncio.timeout(self._limits["connect"] + idle + 1) as silence:
                return await self._stream(silence)
        except TimeoutError:
            if not silence.expired():
                raise
            where = self._target.api_base or f"The endpoint of {self._target.model}"
            return self._timed_out(f"{where} sent nothing of an answer for too long.", "idle")

    def _timed_out(self, sentence: str, limit: str) -> Failure:
        hint = f"The limit is llm.request.{limit}_timeout."
        if self._begun:
            return failure("stalled", sentence, f"Ask it to go on, or send the input again. {hint}")
        return failure("timeout", sentence, hint)

    async def _stream(self, silence: asyncio.Timeout) -> Failure | None:
        loop = asyncio.get_running_loop()
        stream = await open_stream(self._call, self._limits)
        usage: Any = None
        try:
            async for chunk in stream:
                self._begun = True
                silence.reschedule(loop.time() + self._limits["idle"] * KEEP_ALIVE_FACTOR)
                usage = getattr(chunk, "usage", None) or usage
                self._take(chunk, stream)
                if self._reader.size > MAX_ANSWER:
                    return failure("truncated", f"The answer passed {MAX_ANSWER:,} characters and was ended here.")
                await asyncio.sleep(0)  # bytes that are buffered never yield to other requests by themselves
                await self._sender.drain()
        finally:
            await close_stream(stream)
        if usage is not None:
            self._report_usage(usage, stream)
        return self._verdict()

    def _take(self, chunk: Any, stream: Any) -> None:
        items = self._reader.read(chunk)
        if self._reader.finish_reason and not self._finished and really_finished(stream):
            self._finished = True
            items = [*items, *self._reader.close(), [wire.FINISH, self._reader.finish_reason]]
        self._burst.add(items)

    def _report_usage(self, usage: Any, stream: Any) -> None:
        fields = read_usage(usage)
        fields["estimated"] = not reported_usage(stream)
        self._burst.add([[wire.USAGE, fields, cost_of(self._prices, fields, map_cost(self._call["model"], usage))]])

    def _verdict(self) -> Failure | None:
        """What is wrong with an answer that ended without an error."""
        reader, target = self._reader, self._target
        where = target.api_base or f"The endpoint of {target.model}"
        if not self._finished and (reader.spoke or reader.reasoned):
            hint = "Ask it to go on, or send the input again."
            return failure("truncated", f"{where} ended the answer before it was complete.", hint)
        if not self._finished:
            hint = f"Check {target.entry}.api_base: something there answers, but not as a model."
            return failure("empty", f"{where} sent no answer that can be read.", hint)
        if reader.spoke:
            return None
        if reader.finish_reason == "content_filter":
            return failure("content_filter", f"The provider's content filter stopped the answer of {target.model}.")
        if reader.finish_reason == "length":
            return failure(
                "empty", f"{target.model} used all of its tokens before it said anything.", "Raise max_tokens."
            )
        return failure("empty", f"{target.model} finished without saying anything.", "Ask again, or rephrase.")


async def open_stream(call: dict[str, Any], limits: dict[str, float]) -> AsyncIterator[Any]:
    """The stream of one LiteLLM call.  LiteLLM's own retries are off: the engine makes them."""
    import httpx
    import litellm

    idle = limits["idle"]
    stream: AsyncIterator[Any] = await litellm.acompletion(
        **call,
        stream=True,
        stream_options={"include_usage": True},
        max_retries=0,
        drop_params=True,
        timeout=httpx.Timeout(connect=limits["connect"], read=idle, write=idle, pool=limits["connect"]),
    )
    return stream


async def close_stream(stream: Any) -> None:
    """Close the connection of ``stream``, within `CLOSE_LIMIT` seconds, also while being cancelled."""
    if not hasattr(stream, "aclose"):
        return
    closing = asyncio.ensure_future(stream.aclose())
    with contextlib.suppress(TimeoutError, RuntimeError):
        await asyncio.wait_for(asyncio.shield(closing), CLOSE_LIMIT)


def really_finished(stream: Any) -> bool:
    """Whether the provider itself sent a finish reason: LiteLLM reads a cut stream as "stop" (up to 1.108)."""
    names = ("received_finish_reason", "intermittent_finish_reason")
    known = [getattr(stream, name) for name in names if hasattr(stream, name)]
    return not known or any(known)


def reported_usage(stream: Any) -> bool:
    """Whether the provider reported tokens: without a word LiteLLM inserts an estimate of its own."""
    chunks = getattr(stream, "chunks", None)
    return chunks is None or any(getattr(chunk, "usage", None) is not None for chunk in chunks)


def map_entry(model: str) -> dict[str, Any] | None:
    """What LiteLLM's map says of ``model``, without any request (its own look-up asks Ollama over HTTP)."""
    import litellm

    provider, slash, name = model.partition("/")
    for key in (model, name, model.rpartition("/")[2]):
        entry: dict[str, Any] | None = litellm.model_cost.get(key)
        if entry and not entry.get(OURS) and (not slash or _of_provider(entry, provider)):
            return entry
    return None


def _of_provider(entry: dict[str, Any], provider: str) -> bool:
    """Whether an entry is of the model's own provider: others sell a model of the same name at other prices."""
    return str(entry.get("litellm_provider", "")).partition("_")[0] == provider.partition("_")[0]


def map_cost(model: str, usage: Any) -> tuple[float, float] | None:
    """US dollars for prompt and completion by LiteLLM's map, caches counted; ``None`` where it does not know."""
    import litellm

    entry = map_entry(model)
    if entry is None or "input_cost_per_token" not in entry:
        return None
    with contextlib.suppress(Exception):
        prompt, completion = litellm.cost_per_token(model=model, usage_object=usage)
        return float(prompt), float(completion)
    return None


def model_info(model: str) -> dict[str, Any]:
    """The map's entry in the words of `mcp_tui.gateway.base.ModelInfo`; prices per million tokens."""
    entry = map_entry(model) or {}

    def price(name: str) -> float | None:
        value = entry.get(name)
        return float(value) * 1_000_000 if value is not None else None

    return {
        "context_window": entry.get("max_input_tokens") or entry.get("max_tokens"),
        "max_output_tokens": entry.get("max_output_tokens"),
        "input_price": price("input_cost_per_token"),
        "output_price": price("output_cost_per_token"),
        "supports_tools": entry.get("supports_function_calling"),
        "supports_images": entry.get("supports_vision"),
    }


def bootstrap() -> None:
    """Import LiteLLM with everything off that prints, loads or asks the network."""
    os.environ.update(LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_MODE="PRODUCTION", HF_HUB_OFFLINE="1")
    for name in ("LITELLM_LOG", "DETAILED_DEBUG", "LITELLM_PRINT_STANDARD_LOGGING_PAYLOAD"):
        os.environ.pop(name, None)
    import litellm

    litellm.suppress_debug_info = True
    litellm.disable_hf_tokenizer_download = True  # otherwise a llama model blocks for a download, at every call
    litellm.REPEATED_STREAMING_CHUNK_LIMIT = 10**9  # otherwise the ruler of a wide table is an error
    litellm.telemetry = False
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        log = logging.getLogger(name)
        log.handlers.clear()
        log.propagate = True


def register(model: dict[str, Any]) -> None:
    """Tell LiteLLM of a configured model that it does not know, so that it need not ask anyone."""
    import litellm

    name = model["model"]
    provider, _, local_name = name.partition("/")
    if map_entry(name) is not None:
        return
    entry = {"litellm_provider": provider, "mode": "chat", "supports_function_calling": True, OURS: True}
    entry |= {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0}
    entry |= {key: model[key] for key in ("max_input_tokens", "max_output_tokens") if model.get(key)}
    both = [f"{route}/{local_name}" for route in ("ollama", "ollama_chat")]
    try:
        litellm.register_model({key: dict(entry) for key in (both if provider.startswith("ollama") else [name])})
    except Exception as error:  # noqa: BLE001 - the border to LiteLLM; without its entry the model still answers
        logging.getLogger(__name__).warning("%s could not be registered: %s", name, type(error).__name__)


_MOCK_CHUNK = (
    'data: {"id": "w", "object": "chat.completion.chunk", "created": 1, "model": "w", '
    '"choices": [{"index": 0, "delta": {"content": "."}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
)


async def warm_up() -> None:
    """Make the first call's imports and tables now, through a transport that answers in memory: no socket is opened."""
    import httpx
    import openai

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=_MOCK_CHUNK.encode())

    try:
        transport = httpx.AsyncClient(transport=httpx.MockTransport(answer))
        client = openai.AsyncOpenAI(api_key="none", http_client=transport)
        call = {"model": "openai/gpt-4o", "messages": [{"role": "user", "content": "."}], "client": client}
        async for _ in await open_stream(call, {"connect": 1.0, "idle": 1.0}):
            pass
    except Exception as error:  # noqa: BLE001 - the border to LiteLLM; without it the first call is merely slower
        logging.getLogger(__name__).warning("warm-up failed: %s", type(error).__name__)
    gc.collect()
    gc.freeze()  # a collection need not walk through what was loaded
    gc.enable()


class Worker:
    """Takes the app's lines and runs requests side by side."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._requests: dict[int, asyncio.Task[None]] = {}
        self._background: set[asyncio.Task[None]] = set()

    def handle(self, line: bytes) -> None:
        """Act on one line of the app."""
        message = wire.decode(line)
        match message["op"]:
            case "configure":
                for model in message["models"]:
                    register(model)
            case "request":
                self._start(message)
            case "cancel":
                if task := self._requests.get(message["id"]):
                    task.cancel()
            case "info":
                self._sender.send({"id": message["id"], "info": model_info(message["model"])})
            case "count":
                self.spawn(self._count(message))

    async def _count(self, message: dict[str, Any]) -> None:
        counts = await asyncio.to_thread(count_texts, message["vocabulary"], message["texts"])
        self._sender.send({"id": message["id"], "counts": counts})

    def _start(self, message: dict[str, Any]) -> None:
        request_id = message["id"]
        task = self.spawn(Request(self._sender, message).run())
        self._requests[request_id] = task
        task.add_done_callback(lambda _: self._requests.pop(request_id, None))

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run ``work`` beside everything else."""
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task


async def serve(incoming: int, outgoing: int) -> None:
    """Import LiteLLM, then serve until stdin closes."""
    loop = asyncio.get_running_loop()
    sender = await open_sender(outgoing)
    worker = Worker(sender)
    InputThread(incoming, loop, worker.handle).start()
    gc.disable()  # until `warm_up` is done: nothing of an import is garbage, and looking for it takes half a second
    bootstrap()
    sender.send({"ready": True})
    worker.spawn(warm_up())
    await loop.create_future()


def main() -> None:
    """Run the worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    incoming, outgoing = protect_protocol()
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    asyncio.run(serve(incoming, outgoing))


if __name__ == "__main__":
    main()
