"""A fake model provider: an HTTP/1.1 server on loopback that plays scripted answers.

It speaks the streaming protocols of OpenAI (``/v1/chat/completions``), Anthropic (``/v1/messages``) and Ollama
(``/api/chat``), chosen by path, records every request exactly, and misbehaves on demand.

In a test::

    async with FakeProvider() as provider:
        provider.script({"text": "Hello", "usage": [5, 2]})
        ...  # a client of provider.openai_base, provider.anthropic_base or provider.ollama_base
        assert provider.requests[0].json["model"] == "m"

As a process: ``python providers.py script.json`` (a JSON list of answers) prints ``listening on http://127.0.0.1:PORT``
and ends when its stdin closes.  ``GET /__requests`` lists what it was sent, ``POST /__script`` replaces the script.

An answer is an object.  Choosing:  ``match`` (part of the latest user text), ``has_result`` (whether the latest
message is a tool's result), ``repeat`` (may be played again).  The first that fits is played, and used up unless it
repeats.  Playing:

``status``, ``headers``, ``body``    a plain response instead of a stream
``stall_headers``                    nothing is sent until the client goes away
``reasoning``, ``text``, ``calls``, ``finish``, ``usage``   a regular answer; ``calls`` are ``[name, arguments]`` or
                                     ``[name, arguments, id]``, ``usage`` is ``[prompt, completion]``
``steps``                            the same by hand, in order, each an object with one of the keys of `Player`
``size``                             characters of one text delta (all by default)
``crlf``, ``packet``                 line ends; bytes of one write, each in its own packet
``close``                            ``clean`` (terminated early), ``eof`` (cut inside the framing), ``reset``
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Answer = dict[str, Any]


@dataclass
class Recorded:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the client closed the connection before the answer was complete."""
    completed: bool = False

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class ClientGone(Exception):
    """The client closed the connection."""


class Wire:
    """The response side of one connection."""

    def __init__(self, writer: asyncio.StreamWriter, recorded: Recorded, answer: Answer) -> None:
        self._writer, self._recorded = writer, recorded
        self._packet = int(answer.get("packet", 0))
        self._newline = "\r\n" if answer.get("crlf") else "\n"

    async def head(self, status: int, headers: dict[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} Scripted", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        self._writer.write("\r\n".join(lines).encode("latin-1"))
        await self._writer.drain()

    async def send(self, text: str | bytes) -> None:
        """One piece of a chunked body, in small packets where the script says so."""
        data = text if isinstance(text, bytes) else text.replace("\n", self._newline).encode("utf-8", "surrogatepass")
        step = self._packet or len(data) or 1
        for start in range(0, len(data), step):
            part = data[start : start + step]
            self._writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
            await self._writer.drain()
            await asyncio.sleep(0.001 if self._packet else 0)
        if self._recorded.gone.is_set():
            raise ClientGone

    async def end(self) -> None:
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    def reset(self) -> None:
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


class Player:
    """Turns steps into the lines of one protocol.

    Steps: ``text``, ``reasoning``, ``signature``, ``redacted``, ``call`` (a raw tool-call delta for OpenAI, else
    ``{"name", "arguments", "id"}``), ``finish``, ``usage``, ``done``; of every protocol ``raw`` (text),
    ``bytes`` (hex), ``comment``, ``error``, ``sleep`` (seconds), ``stall`` (until the client goes away).
    """

    content_type = "text/event-stream"

    def __init__(self, wire: Wire, recorded: Recorded) -> None:
        self.wire, self.recorded = wire, recorded

    async def play(self, steps: list[dict[str, Any]]) -> None:
        await self.begin()
        for step in steps:
            ((kind, value),) = step.items()
            await getattr(self, f"on_{kind}")(value)

    async def begin(self) -> None:
        """What comes before the first step."""

    async def on_raw(self, value: str) -> None:
        await self.wire.send(value)

    async def on_bytes(self, value: str) -> None:
        await self.wire.send(bytes.fromhex(value))

    async def on_comment(self, value: str) -> None:
        await self.wire.send(f": {value}\n\n")

    async def on_sleep(self, value: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.recorded.gone.wait(), value)
        if self.recorded.gone.is_set():
            raise ClientGone

    async def on_stall(self, value: Any) -> None:
        await self.recorded.gone.wait()
        raise ClientGone

    async def event(self, data: dict[str, Any], name: str = "") -> None:
        prefix = f"event: {name}\n" if name else ""
        await self.wire.send(f"{prefix}data: {json.dumps(data)}\n\n")


class OpenAIPlayer(Player):
    """Chat completions."""

    async def chunk(self, choices: list[dict[str, Any]], **more: Any) -> None:
        base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "fake"}
        await self.event({**base, "choices": choices, **more})

    async def delta(self, delta: dict[str, Any], finish: str | None = None) -> None:
        await self.chunk([{"index": 0, "delta": delta, "finish_reason": finish}])

    async def begin(self) -> None:
        await self.delta({"role": "assistant", "content": ""})

    async def on_text(self, value: str) -> None:
        await self.delta({"content": value})

    async def on_reasoning(self, value: str) -> None:
        await self.delta({"reasoning_content": value})

    async def on_call(self, value: dict[str, Any]) -> None:
        if "name" in value:
            index, call_id = value.get("index", 0), value.get("id", "call_1")
            await self.on_call({"index": index, "id": call_id, "type": "function", "function": _fn(value["name"], "")})
            text = json.dumps(value.get("arguments", {}))
            middle = len(text) // 2
            for part in (text[:middle], text[middle:]):
                await self.on_call({"index": index, "function": {"arguments": part}})
        else:
            await self.delta({"tool_calls": [value]})

    async def on_finish(self, value: str) -> None:
        await self.delta({}, value)

    async def on_usage(self, value: list[int] | dict[str, Any]) -> None:
        if isinstance(value, list):
            value = {"prompt_tokens": value[0], "completion_tokens": value[1], "total_tokens": sum(value)}
        await self.chunk([], usage=value)

    async def on_error(self, value: Any) -> None:
        await self.event({"error": value})

    async def on_done(self, value: Any) -> None:
        await self.wire.send("data: [DONE]\n\n")


class AnthropicPlayer(Player):
    """Messages."""

    def __init__(self, wire: Wire, recorded: Recorded) -> None:
        super().__init__(wire, recorded)
        self._index, self._open = -1, ""
        self._usage = [0, 0]

    async def begin(self) -> None:
        message = {
            "id": "msg_1", "type": "message", "role": "assistant", "model": "fake", "content": [], "stop_reason": None,
            "stop_sequence": None, "usage": {"input_tokens": 7, "output_tokens": 1},
        }  # fmt: skip
        await self.event({"type": "message_start", "message": message}, "message_start")

    async def _start(self, kind: str, block: dict[str, Any]) -> None:
        await self._stop()
        self._index, self._open = self._index + 1, kind
        data = {"type": "content_block_start", "index": self._index, "content_block": block}
        await self.event(data, "content_block_start")

    async def _stop(self) -> None:
        if self._open:
            await self.event({"type": "content_block_stop", "index": self._index}, "content_block_stop")
        self._open = ""

    async def _delta(self, delta: dict[str, Any]) -> None:
        data = {"type": "content_block_delta", "index": self._index, "delta": delta}
        await self.event(data, "content_block_delta")

    async def on_text(self, value: str) -> None:
        if self._open != "text":
            await self._start("text", {"type": "text", "text": ""})
        await self._delta({"type": "text_delta", "text": value})

    async def on_reasoning(self, value: str) -> None:
        if self._open != "thinking":
            await self._start("thinking", {"type": "thinking", "thinking": "", "signature": ""})
        await self._delta({"type": "thinking_delta", "thinking": value})

    async def on_signature(self, value: str) -> None:
        await self._delta({"type": "signature_delta", "signature": value})
        await self._stop()

    async def on_redacted(self, value: str) -> None:
        await self._start("redacted", {"type": "redacted_thinking", "data": value})
        await self._stop()

    async def on_call(self, value: dict[str, Any]) -> None:
        block = {"type": "tool_use", "id": value.get("id", "toolu_1"), "name": value["name"], "input": {}}
        await self._start("call", block)
        text = json.dumps(value.get("arguments", {}))
        for part in (text[: len(text) // 2], text[len(text) // 2 :]):
            await self._delta({"type": "input_json_delta", "partial_json": part})
        await self._stop()

    async def on_usage(self, value: list[int]) -> None:
        self._usage = value

    async def on_finish(self, value: str) -> None:
        await self._stop()
        reason = {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens"}.get(value, value)
        usage = {"input_tokens": self._usage[0], "output_tokens": self._usage[1]}
        delta = {"stop_reason": reason, "stop_sequence": None}
        await self.event({"type": "message_delta", "delta": delta, "usage": usage}, "message_delta")

    async def on_error(self, value: Any) -> None:
        await self.event({"type": "error", "error": value}, "error")

    async def on_done(self, value: Any) -> None:
        await self.event({"type": "message_stop"}, "message_stop")


class OllamaPlayer(Player):
    """Ollama's chat: one JSON object a line."""

    content_type = "application/x-ndjson"

    def __init__(self, wire: Wire, recorded: Recorded) -> None:
        super().__init__(wire, recorded)
        self._usage = [0, 0]

    async def line(self, message: dict[str, Any], **more: Any) -> None:
        base = {"model": "fake", "created_at": "2026-01-01T00:00:00Z", "done": False}
        await self.wire.send(
            json.dumps({**base, "message": {"role": "assistant", "content": "", **message}, **more}) + "\n"
        )

    async def on_text(self, value: str) -> None:
        await self.line({"content": value})

    async def on_reasoning(self, value: str) -> None:
        await self.line({"thinking": value})

    async def on_call(self, value: dict[str, Any]) -> None:
        await self.line({"tool_calls": [{"function": _fn(value["name"], value.get("arguments", {}))}]})

    async def on_usage(self, value: list[int]) -> None:
        self._usage = value

    async def on_finish(self, value: str) -> None:
        reason = "stop" if value == "tool_calls" else value
        await self.line({}, done=True, done_reason=reason, prompt_eval_count=self._usage[0], eval_count=self._usage[1])

    async def on_error(self, value: Any) -> None:
        await self.wire.send(json.dumps({"error": value}) + "\n")

    async def on_done(self, value: Any) -> None:
        """Ollama's last line is its finish."""


PLAYERS: dict[str, type[Player]] = {
    "/v1/chat/completions": OpenAIPlayer,
    "/v1/messages": AnthropicPlayer,
    "/api/chat": OllamaPlayer,
}


def _fn(name: str, arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


def regular_steps(answer: Answer, usage_first: bool) -> list[dict[str, Any]]:
    """The steps of an answer that is given by its parts."""
    steps: list[dict[str, Any]] = []
    if answer.get("reasoning"):
        steps.append({"reasoning": answer["reasoning"]})
    text = answer.get("text", "")
    size = int(answer.get("size", 0)) or len(text) or 1
    steps += [{"text": text[start : start + size]} for start in range(0, len(text), size)]
    calls = answer.get("calls", [])
    for index, (name, arguments, *rest) in enumerate(calls):
        call_id = rest[0] if rest else f"call_{index + 1}"
        steps.append({"call": {"index": index, "id": call_id, "name": name, "arguments": arguments}})
    finish = {"finish": answer.get("finish", "tool_calls" if calls else "stop")}
    usage = [{"usage": answer["usage"]}] if "usage" in answer else []
    return [*steps, *usage, finish, {"done": True}] if usage_first else [*steps, finish, *usage, {"done": True}]


class FakeProvider:
    """The server.  Use as an asynchronous context manager, or `start` and `aclose`."""

    def __init__(self) -> None:
        self.requests: list[Recorded] = []
        self._script: list[Answer] = []
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self.origin = ""

    @property
    def openai_base(self) -> str:
        return f"{self.origin}/v1"

    @property
    def anthropic_base(self) -> str:
        return self.origin

    @property
    def ollama_base(self) -> str:
        return self.origin

    def script(self, *answers: Answer) -> None:
        """Replace what will be answered."""
        self._script = list(answers)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.origin = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def aclose(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def __aenter__(self) -> FakeProvider:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._serve(reader, writer)
        except (ClientGone, ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recorded = await _read_request(reader)
        if recorded.path.startswith("/__"):
            await self._control(recorded, writer)
            return
        self.requests.append(recorded)
        answer = self._choose(recorded)
        watcher = asyncio.create_task(_watch(reader, recorded))
        try:
            await self._respond(recorded, answer, Wire(writer, recorded, answer))
            recorded.completed = True
        except ConnectionError:
            recorded.gone.set()
            raise
        finally:
            watcher.cancel()

    async def _respond(self, recorded: Recorded, answer: Answer, wire: Wire) -> None:
        if answer.get("stall_headers"):
            await recorded.gone.wait()
            raise ClientGone
        status, headers = answer.get("status", 200), dict(answer.get("headers", {}))
        headers |= {"connection": "close", "transfer-encoding": "chunked"}
        player_type = PLAYERS.get(recorded.path.partition("?")[0])
        if "body" in answer or player_type is None:
            body = answer.get("body", {"error": "no such path"})
            headers.setdefault("content-type", "text/html" if isinstance(body, str) else "application/json")
            await wire.head(status if "body" in answer else 404, headers)
            await wire.send(body if isinstance(body, str) else json.dumps(body))
            await wire.end()
            return
        await wire.head(status, {"content-type": player_type.content_type, **headers})
        steps = answer.get("steps")
        await player_type(wire, recorded).play(
            regular_steps(answer, player_type is not OpenAIPlayer) if steps is None else steps
        )
        close = answer.get("close", "clean")
        if close == "clean":
            await wire.end()
        elif close == "reset":
            wire.reset()

    def _choose(self, recorded: Recorded) -> Answer:
        for position, answer in enumerate(self._script):
            if _fits(answer, recorded):
                return answer if answer.get("repeat") else self._script.pop(position)
        return {"status": 500, "body": {"error": {"message": "the script has no answer for this request"}}}

    async def _control(self, recorded: Recorded, writer: asyncio.StreamWriter) -> None:
        result: Any = None
        if recorded.path == "/__script":
            self.script(*recorded.json)
        else:
            result = [
                {
                    "path": r.path,
                    "headers": r.headers,
                    "body": r.body.decode("utf-8", "replace"),
                    "gone": r.gone.is_set(),
                }
                for r in self.requests
            ]
        body = json.dumps(result).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()


async def _read_request(reader: asyncio.StreamReader) -> Recorded:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Recorded(method, path, headers, body)


async def _watch(reader: asyncio.StreamReader, recorded: Recorded) -> None:
    """Notice that the client goes away, while nothing is expected from it."""
    with contextlib.suppress(ConnectionError):
        while await reader.read(1024):
            pass
    recorded.gone.set()


def _fits(answer: Answer, recorded: Recorded) -> bool:
    messages = recorded.json.get("messages", []) if recorded.body else []
    if "match" in answer and answer["match"] not in _latest_user_text(messages):
        return False
    return "has_result" not in answer or answer["has_result"] == _ends_with_result(messages)


def _latest_user_text(messages: list[dict[str, Any]]) -> str:
    for message in reversed(messages):
        if message["role"] != "user":
            continue
        content = message["content"]
        if isinstance(content, str):
            return content
        if text := "".join(part.get("text", "") for part in content if part.get("type") == "text"):
            return text
    return ""


def _ends_with_result(messages: list[dict[str, Any]]) -> bool:
    if not messages:
        return False
    last = messages[-1]
    parts = last["content"] if isinstance(last.get("content"), list) else []
    return last["role"] == "tool" or any(part.get("type") == "tool_result" for part in parts)


async def main(script: str) -> None:
    """Serve until stdin closes."""
    async with FakeProvider() as provider:
        provider.script(*json.loads(Path(script).read_text(encoding="utf-8")))
        sys.stdout.write(f"listening on {provider.origin}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
