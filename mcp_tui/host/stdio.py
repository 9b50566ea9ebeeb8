"""Our stdio transport, put into the SDK's transport slot.

The SDK's own cannot report pid, exit code or idle death, keeps no standard error, is wedged by one bad byte, and
leaves grandchildren behind.  This one owns a `ServerProcess`, reads lines at linear cost with a cap, answers
waiting requests for messages that cannot be delivered, and takes notifications and the results of tool calls
out of the stream before the SDK sees them: the SDK starts a task for every notification and drops a whole
result for one content block it does not know.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from types import TracebackType
from typing import Any, Protocol

import anyio
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter
from pydantic import ValidationError

from mcp_tui.host.adapters import NEEDS
from mcp_tui.host.exchange import CURRENT, Exchange
from mcp_tui.host.lines import Line, LineAssembler, TooLong, TooLongEnd
from mcp_tui.host.listing import TOOLS_LIST, acknowledgement
from mcp_tui.host.process import ServerProcess
from mcp_tui.host.rates import TokenBucket
from mcp_tui.host.repair import Refused, as_id, find_id, find_id_at_end, parse
from mcp_tui.host.streams import Reading, Writing

_log = logging.getLogger(__name__)

WRITE_TIMEOUT = 10.0
"""Seconds that a server may leave its input unread before the connection counts as broken."""

EXIT_GRACE = 0.3
"""Seconds to read what a dead server left in the pipe; a grandchild may hold it open for ever."""

INPUT_CLOSED, OUTPUT_CLOSED = "it closed its input", "it closed its output"
PIPE_CLOSED = frozenset({"", INPUT_CLOSED, OUTPUT_CLOSED})
"""Reasons that an exit of the program explains better."""

MAX_JUNK_LINES, MAX_JUNK_BYTES = 500, 256 << 10
"""Output that is no protocol message: within `JUNK_WINDOW` seconds, more than this ends the connection."""

JUNK_WINDOW = 10.0
MAX_SKIPPED = 256 << 20
_CHUNK = 1 << 16
_FLOOD = 50
_UNDELIVERABLE = -32603


class Listener(Protocol):
    """Who hears what the transport takes out of the stream.  Every method returns at once."""

    def on_notification(self, method: str, params: dict[str, Any]) -> None:
        """A notification that is no progress of a running call."""
        ...

    def on_request(self, method: str) -> None:
        """The server asks this program for something; the SDK answers."""
        ...

    def on_junk(self, text: str) -> None:
        """The first line that is no protocol message."""
        ...

    def on_dropped(self, what: str) -> None:
        """Something of the server was thrown away."""
        ...


class StdioTransport:
    """One connection to one server process."""

    def __init__(self, process: ServerProcess, listener: Listener, *, write_timeout: float = WRITE_TIMEOUT) -> None:
        self.process = process
        self._listener = listener
        self._write_timeout = write_timeout
        self._reading = Reading()
        self._writing = Writing(self.write)
        self.closed = asyncio.Event()
        """Set when the connection ended, for whatever reason."""
        self.reason = ""
        """Why it ended, in words; empty when we ended it."""
        self.received = 0
        """Protocol messages so far."""
        self.exchanges: dict[int | str, Exchange] = {}
        """Tool calls in flight by request id."""
        self._pending: dict[int | str, str] = {}
        self._late: dict[int | str, str] = {}
        self._junk = 0
        self._junk_bytes = 0
        self._junk_since = 0.0
        self._requests = TokenBucket(rate=100, burst=250)
        self._messages_in_chunk = 0
        self._last_result: dict[str, Any] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> tuple[Reading, Writing]:
        self._tasks = [
            asyncio.create_task(self._read(), name=f"stdout of {self.process.pid}"),
            asyncio.create_task(self._watch(), name=f"watch of {self.process.pid}"),
        ]
        return self._reading, self._writing

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        self.end("")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._reading.aclose()

    def end(self, reason: str) -> None:
        """The connection is over; every waiting request is answered "connection closed" by the SDK."""
        if not self.closed.is_set():
            self.reason = reason
            self.closed.set()
            self._reading.close()

    def take_result(self) -> dict[str, Any]:
        """The result of the last ``tools/list``, as the server wrote it."""
        result, self._last_result = self._last_result, {}
        return result

    def forget(self, exchange: Exchange, late: bool) -> None:
        """A call ended on our side; with ``late`` its answer may still come and is dropped then."""
        if exchange.request_id is None:
            return
        self.exchanges.pop(exchange.request_id, None)
        if late:
            self._late[exchange.request_id] = exchange.call_id
            while len(self._late) > 100:
                del self._late[next(iter(self._late))]

    # -- towards the server ---------------------------------------------------

    async def write(self, item: SessionMessage) -> None:
        """Write one message.

        A ``notifications/cancelled`` is handed to the pipe without waiting: a server that no longer reads must
        not keep the person waiting who just stopped it.
        """
        if self.process.input_lost.is_set():
            self.end(INPUT_CLOSED)
        if self.closed.is_set():
            raise anyio.BrokenResourceError
        message: dict[str, Any] = item.message.model_dump(by_alias=True, exclude_unset=True, mode="json")
        line = item.message.model_dump_json(by_alias=True, exclude_unset=True).encode() + b"\n"
        method = message.get("method")
        exchange = self._note(message, method, len(line))
        try:
            self.process.stdin.write(line)
            if method == "notifications/cancelled":
                return
            if exchange is not None:
                exchange.state = "writing"
            async with asyncio.timeout(self._write_timeout):
                await self.process.stdin.drain()
            if exchange is not None:
                exchange.state = "sent"
        except TimeoutError:
            self.end(f"it did not read its input for {self._write_timeout:g} s")
            raise anyio.BrokenResourceError from None
        except (OSError, RuntimeError):
            self.end(INPUT_CLOSED)
            raise anyio.BrokenResourceError from None

    def _note(self, message: dict[str, Any], method: str | None, size: int) -> Exchange | None:
        """Remember a request, and tie it to the call that this task runs."""
        if method is None:
            return None
        if (request_id := as_id(message.get("id"))) is not None:
            self._pending[request_id] = method
            exchange = CURRENT.get() if method == "tools/call" else None
            if exchange is not None:
                exchange.request_id = request_id
                self.exchanges[request_id] = exchange
                exchange.sent(message, size)
            return exchange
        if method == "notifications/cancelled":
            cancelled = as_id(message.get("params", {}).get("requestId"))
            if cancelled is not None:
                self._pending.pop(cancelled, None)
                if (exchange := self.exchanges.get(cancelled)) is not None:
                    exchange.sent(message, size)
        return None

    # -- from the server ------------------------------------------------------

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        lines = LineAssembler()
        try:
            while chunk := await self.process.stdout.read(_CHUNK):
                started = loop.time()
                self._messages_in_chunk = 0
                for line in lines.feed(chunk):
                    await self._take(line)
                if lines.skipped > MAX_SKIPPED:
                    self.end("it wrote a line without an end")
                if self.closed.is_set():
                    return
                if self._messages_in_chunk > _FLOOD or self._junk > _FLOOD:
                    # A flood gets at most half of the time of the event loop; its pipe slows it down.
                    await asyncio.sleep(max(0.001, loop.time() - started))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.process.exited.wait(), EXIT_GRACE)
            self.end("it exited" if self.process.exited.is_set() else OUTPUT_CLOSED)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            self.end("")
        except OSError as error:
            self.end(f"its output could not be read: {error.strerror}")

    async def _watch(self) -> None:
        """End the connection soon after the process died, or when it no longer takes input."""
        exited = asyncio.ensure_future(self.process.exited.wait())
        lost = asyncio.ensure_future(self.process.input_lost.wait())
        try:
            await asyncio.wait({exited, lost}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(EXIT_GRACE)
            self.end("it exited" if self.process.exited.is_set() else INPUT_CLOSED)
        finally:
            exited.cancel()
            lost.cancel()

    async def _take(self, line: Line | TooLong | TooLongEnd) -> None:
        if isinstance(line, (TooLong, TooLongEnd)):
            # Some servers write the id first, some last.
            request_id = find_id(line.head) if isinstance(line, TooLong) else find_id_at_end(line.tail)
            if isinstance(line, TooLongEnd) and request_id not in self._pending:
                return
            await self._refuse(Refused(f"it is larger than {line.limit >> 20} MB", True, request_id))
            return
        messages = parse(line.data)
        if isinstance(messages, Refused):
            await self._refuse(messages, line.data)
            return
        for message in messages:
            self.received += 1
            self._messages_in_chunk += 1
            await self._route(message, len(line.data))

    async def _refuse(self, refused: Refused, raw: bytes = b"") -> None:
        """A line that cannot be delivered: answer who waits for it, count it otherwise."""
        request_id = refused.message_id
        if request_id is not None and request_id in self._pending:
            await self._answer_with_error(request_id, f"The server's answer cannot be used: {refused.reason}.")
            return
        if refused.looks_like_message:
            self._listener.on_dropped(f"a message that cannot be used ({refused.reason})")
        else:
            self._count_junk(raw)

    async def _answer_with_error(self, request_id: int | str, text: str) -> None:
        error = {"code": _UNDELIVERABLE, "message": text}
        if (exchange := self.exchanges.get(request_id)) is not None:
            exchange.fail(error)
        self._pending.pop(request_id, None)
        await self._deliver({"jsonrpc": "2.0", "id": request_id, "error": error})

    def _count_junk(self, raw: bytes) -> None:
        now = asyncio.get_running_loop().time()
        if self._junk == 0:
            self._listener.on_junk(raw[:200].decode("utf-8", "replace"))
        if now - self._junk_since > JUNK_WINDOW:
            self._junk, self._junk_bytes, self._junk_since = 0, 0, now
        self._junk += 1
        self._junk_bytes += len(raw)
        if self._junk > MAX_JUNK_LINES or self._junk_bytes > MAX_JUNK_BYTES:
            self.end("it floods its standard output with text that is no protocol message")

    async def _route(self, message: dict[str, Any], size: int) -> None:
        method = message.get("method")
        if isinstance(method, str):
            if "id" in message:
                await self._inbound_request(message, method)
            else:
                await self._notification(message, method, size)
            return
        request_id = as_id(message.get("id"))
        if request_id is None and "error" in message and (request_id := self._only_request()) is not None:
            message = message | {"id": request_id}
        if request_id is None or request_id not in self._pending:
            self._drop_answer(request_id)
            return
        requested = self._pending[request_id]
        if not isinstance(message.get("result", {}), dict):
            await self._answer_with_error(request_id, "The server's answer cannot be used: its result is no object.")
            return
        del self._pending[request_id]
        exchange = self.exchanges.get(request_id)
        if exchange is not None:
            exchange.answer(message, size)
        await self._deliver(self._for_sdk(message, requested, exchange))

    def _only_request(self) -> int | str | None:
        """Whom an error without an id concerns: JSON-RPC sends it when a request could not be read.

        The one call in flight, or else the one request; ``None`` where that cannot be told.
        """
        waiting = [key for key in self.exchanges if key in self._pending] or list(self._pending)
        return waiting[0] if len(waiting) == 1 else None

    def _for_sdk(self, message: dict[str, Any], method: str, exchange: Exchange | None) -> dict[str, Any]:
        """The message as the SDK gets it: tool results were taken already and are only acknowledged."""
        result = message.get("result")
        if not isinstance(result, dict):
            return message
        if exchange is not None:
            return message | {"result": {"content": [], "resultType": "complete"}}
        if method == TOOLS_LIST:
            self._last_result = result
            return message | {"result": acknowledgement(result)}
        return message

    def _drop_answer(self, request_id: int | str | None) -> None:
        call_id = self._late.pop(request_id, None) if request_id is not None else None
        if call_id is not None:
            _log.info("late result dropped", extra={"call_id": call_id})
        else:
            _log.debug("answer without a request dropped", extra={"request_id": str(request_id)[:80]})

    async def _inbound_request(self, message: dict[str, Any], method: str) -> None:
        if not self._requests.take():
            self._listener.on_dropped("requests that came too fast")
            return
        self._listener.on_request(method)
        if method in NEEDS:
            for exchange in self.exchanges.values():
                exchange.refused.add(method)
        await self._deliver(message)

    async def _notification(self, message: dict[str, Any], method: str, size: int) -> None:
        params = message.get("params")
        params = params if isinstance(params, dict) else {}
        if method == "notifications/progress":
            token = as_id(params.get("progressToken"))
            exchange = self.exchanges.get(token) if token is not None else None
            if exchange is not None:
                exchange.progress(message, size)
            return
        if method.startswith("notifications/subscriptions/") or method == "notifications/cancelled":
            await self._deliver(message)
            return
        self._listener.on_notification(method, params)

    async def _deliver(self, message: dict[str, Any]) -> None:
        try:
            parsed = jsonrpc_message_adapter.validate_python(message, by_name=False)
        except ValidationError:
            request_id = as_id(message.get("id"))
            self._listener.on_dropped("a message of the wrong shape")
            if "method" in message or request_id is None:
                return
            text = "The server's answer cannot be used: it has the wrong shape."
            error = {"jsonrpc": "2.0", "id": request_id, "error": {"code": _UNDELIVERABLE, "message": text}}
            parsed = jsonrpc_message_adapter.validate_python(error, by_name=False)
        await self._reading.deliver(SessionMessage(parsed))
