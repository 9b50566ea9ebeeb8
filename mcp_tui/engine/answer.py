"""One model answer: request, stream, retries, fragments, and the one event that closes it."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing
from dataclasses import dataclass

from mcp_tui.conversation.context import BuiltContext
from mcp_tui.conversation.messages import ToolSpec
from mcp_tui.engine.services import Services
from mcp_tui.engine.shielded import shielded
from mcp_tui.errors import GatewayError, HistoryError
from mcp_tui.events import turns
from mcp_tui.events.base import ErrorInfo, new_id
from mcp_tui.gateway.assembler import Assembler, CallProgress, Draft
from mcp_tui.gateway.base import Chunk, ModelRequest, ReasoningChunk, TextChunk, ToolCallChunk
from mcp_tui.gateway.retry import next_delay
from mcp_tui.safety.secrets import StreamMask

log = logging.getLogger(__name__)

CLOSING_LIMIT = 5.0
"""Seconds that writing the closing event may take when the turn is being cancelled."""


@dataclass(frozen=True, slots=True)
class AnswerPlan:
    """What is asked, decided before the request goes out."""

    turn_id: str
    hop: int
    provider: str
    model: str
    context: BuiltContext
    tools: tuple[ToolSpec, ...]
    tools_tokens: int
    context_window: int | None


class Answer:
    """Streams one answer into the log.  ``message`` is its closing event once `run` has returned."""

    def __init__(self, services: Services, plan: AnswerPlan) -> None:
        self._services = services
        self._bus = services.bus
        self._plan = plan
        self._message_id = new_id()
        self._started = time.monotonic()
        self._first_token: float | None = None
        self._assembler = self._new_assembler()
        self._announced = (-1, "", 0)
        self._writer: asyncio.Task[None] | None = None
        self._masks = StreamMask(services.redactor), StreamMask(services.redactor)
        self.message: turns.AssistantMessage | None = None

    async def run(self) -> turns.AssistantMessage:
        """Ask, stream and close.

        Raises `GatewayError` after the closing event when the request failed for good, and re-raises a
        cancellation after what arrived was kept.
        """
        try:
            await self._bus.record(self._request_event())
            self._writer = asyncio.create_task(self._write_fragments(), name="fragments")
            await self._stream_with_retries()
        except GatewayError as error:
            info = ErrorInfo(kind=error.kind, message=error.message, hint=error.hint)
            await shielded(self._close(complete=False, problem=info), CLOSING_LIMIT)
            raise
        except BaseException:
            await shielded(self._close(complete=False, problem=None), CLOSING_LIMIT)
            raise
        return await self._closed()

    async def _closed(self) -> turns.AssistantMessage:
        await shielded(self._close(complete=True, problem=None), CLOSING_LIMIT)
        assert self.message is not None
        return self.message

    async def _stream_with_retries(self) -> None:
        attempt = 0
        while True:
            try:
                await self._stream()
            except GatewayError as error:
                attempt += 1
                delay = None if self._first_token is not None else self._delay(attempt, error)
                if delay is None:
                    raise
                await self._wait_to_retry(attempt, delay, error)
                self._assembler = self._new_assembler()
            else:
                return

    def _delay(self, attempt: int, error: GatewayError) -> float | None:
        return next_delay(self._services.settings.request, attempt, error)

    async def _wait_to_retry(self, attempt: int, delay: float, error: GatewayError) -> None:
        log.warning("model request failed, trying again", extra={"operation": "retry", "error": error.kind})
        self._publish(
            turns.RetryScheduled(
                message_id=self._message_id,
                attempt=attempt,
                attempts=self._services.settings.request.max_retries,
                delay_seconds=delay,
                reason=ErrorInfo(kind=error.kind, message=error.message, hint=error.hint),
            )
        )
        await asyncio.sleep(delay)

    async def _stream(self) -> None:
        request = ModelRequest(
            request_id=new_id(),
            provider=self._plan.provider,
            messages=self._plan.context.messages,
            tools=self._plan.tools,
            stream=self._services.settings.service.streaming.enabled,
        )
        async with aclosing(self._services.gateway.stream(request)) as chunks:
            async for chunk in chunks:
                self._take(chunk)
                if self._assembler.full:
                    raise GatewayError("The answer was cut: it passed the size limit.", kind="truncated")

    def _take(self, chunk: Chunk) -> None:
        progress = self._assembler.feed(chunk)
        match chunk:
            case TextChunk() if chunk.text:
                self._seen()
                self._publish_text(turns.TextDelta, self._masks[0].feed(chunk.text))
            case ReasoningChunk() if chunk.text:
                self._seen()
                self._publish_text(turns.ReasoningDelta, self._masks[1].feed(chunk.text))
            case ToolCallChunk():
                self._seen()
                if progress is not None:
                    self._publish_call(progress)
            case _:
                pass

    def _publish_held(self) -> None:
        """The end of the text, which might have been the beginning of a secret."""
        self._publish_text(turns.ReasoningDelta, self._masks[1].close())
        self._publish_text(turns.TextDelta, self._masks[0].close())

    def _publish_text(self, kind: type[turns.TextDelta | turns.ReasoningDelta], text: str) -> None:
        if text:
            self._publish(kind(message_id=self._message_id, text=text))

    def _publish_call(self, progress: CallProgress) -> None:
        """Tell that a call is being written: when it begins, and then for each further kilobyte."""
        mark = (progress.index, progress.wire_name, progress.arguments_length // 1024)
        if mark == self._announced:
            return
        self._announced = mark
        self._publish(
            turns.ToolCallDelta(
                message_id=self._message_id,
                index=progress.index,
                wire_name=progress.wire_name,
                arguments_length=progress.arguments_length,
            )
        )

    def _seen(self) -> None:
        if self._first_token is None:
            self._first_token = time.monotonic() - self._started

    def _publish(
        self, event: turns.TextDelta | turns.ReasoningDelta | turns.ToolCallDelta | turns.RetryScheduled
    ) -> None:
        ids = {"conversation_id": self._bus.conversation_id, "turn_id": self._plan.turn_id}
        self._bus.publish(event.model_copy(update=ids))

    async def _write_fragments(self) -> None:
        failing = False
        while True:
            await asyncio.sleep(self._services.settings.fragment_interval)
            try:
                await self._bus.write_fragments()
                failing = False
            except HistoryError as error:
                if not failing:
                    self._bus.publish(turns.Notice(severity="error", message=error.message, hint=error.hint))
                failing = True

    async def _close(self, *, complete: bool, problem: ErrorInfo | None) -> None:
        """Write the one end of the request, unless the request itself could not be written."""
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        self._publish_held()
        if self._bus.folds.transcript.find(self._message_id) is None:
            return
        draft = self._assembler.close()
        self.message = self._closing_event(draft, complete, problem)
        extra = {
            "operation": "model_request",
            "duration": self.message.duration_seconds,
            "provider": self._plan.provider,
            "model": self._plan.model,
            "request_id": self._message_id,
            "outcome": "success" if complete else "error" if problem else "cancelled",
        }
        if problem is not None:
            extra["error"] = problem.kind
        log.info("model answered" if complete else "model request ended", extra=extra)
        await self._bus.record(self.message)

    def _closing_event(self, draft: Draft, complete: bool, problem: ErrorInfo | None) -> turns.AssistantMessage:
        return turns.AssistantMessage(
            conversation_id=self._bus.conversation_id,
            turn_id=self._plan.turn_id,
            message_id=self._message_id,
            hop=self._plan.hop,
            provider=self._plan.provider,
            model=self._plan.model,
            text=draft.text,
            reasoning=draft.reasoning,
            thinking_blocks=draft.thinking_blocks,
            tool_calls=draft.tool_calls if complete else (),
            finish_reason=draft.finish_reason,
            complete=complete and draft.finish_reason != "length",
            problem=problem,
            usage=draft.usage or self._estimated_usage(draft),
            cost=draft.cost,
            first_token_seconds=self._first_token,
            duration_seconds=time.monotonic() - self._started,
        )

    def _estimated_usage(self, draft: Draft) -> turns.Usage:
        if self._first_token is None:
            return turns.Usage()
        return turns.Usage(
            prompt_tokens=self._plan.context.tokens + self._plan.tools_tokens,
            completion_tokens=self._services.counter.count(draft.text + draft.reasoning),
            estimated=True,
        )

    def _request_event(self) -> turns.ModelRequestStarted:
        return turns.ModelRequestStarted(
            conversation_id=self._bus.conversation_id,
            turn_id=self._plan.turn_id,
            message_id=self._message_id,
            hop=self._plan.hop,
            provider=self._plan.provider,
            model=self._plan.model,
            messages=len(self._plan.context.messages),
            prompt_tokens=self._plan.context.tokens + self._plan.tools_tokens,
            tools_tokens=self._plan.tools_tokens,
            context_window=self._plan.context_window,
        )

    def _new_assembler(self) -> Assembler:
        transcript = self._bus.folds.transcript
        return Assembler(used_ids={item.key for item in transcript.items})
