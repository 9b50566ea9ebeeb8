"""A history of any size, the same on every machine: ``python -m benchmarks.generate DIRECTORY [--conversations N]``.

Each conversation has about a hundred events in nine turns with a tool call each, 50 kB together: 10,000 of them are
a million events and 500 MB.  Words are spread as in a language: few are everywhere, most are rare.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

TURNS = 9
_BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"
_LATEST = datetime(2026, 6, 30, 12, tzinfo=UTC)
_SPREAD = timedelta(days=900)
_COMMON = (
    "the of and to in is that it for on with as was at by this be are from or have an not we can which you if all "
    "when there use more no out so what up into its only new about some could time these two may then do first any "
    "file error server request tool result value test code line function data list name user call message timeout "
    "connection proxy login session token index query table column return class object string number check build"
)
_RARE_CODE = ("retry_count", "src/net/proxy.py", "getUserName", "max_idle_seconds", "#812", "HTTPServer", "lib/io.rs")
_CJK = ("接続がタイムアウトしました", "数据库连接失败，请重试", "로그인 세션이 만료되었습니다")
_TOOLS = (
    ("time", "now"), ("git", "log"), ("git", "diff"), ("fs", "read_file"), ("fs", "search_files"), ("web", "fetch"),
    ("db", "query"), ("jira", "search_issues"),
)  # fmt: skip
_MODELS = ("anthropic/claude-sonnet-4-5", "openai/gpt-5", "ollama/llama3", "gemini/gemini-3-pro")
_OUTCOMES = ("success",) * 18 + ("error", "timeout")
RARE_WORD = "zyxophant"
"""Stands once in every thousandth conversation."""


@dataclass(frozen=True, slots=True)
class Made:
    """What was written."""

    conversations: int
    events: int
    size: int
    """Bytes."""


class Text:
    """Sentences from a vocabulary of 30,000 words; the n-th most frequent one comes 1/n as often as the first."""

    def __init__(self, seed: int = 4) -> None:
        self._random = random.Random(seed)
        common = _COMMON.split()
        syllables = [a + b for a in "bcdfglmnprstv" for b in ("a", "e", "i", "o", "u", "er", "in", "on")]
        made = ("".join(self._random.choices(syllables, k=self._random.randint(2, 4))) for _ in itertools.count())
        self.words = [*common, *itertools.islice((word for word in made if word not in common), 30_000)]
        weights = list(itertools.accumulate(1 / (n + 3) for n in range(len(self.words))))
        drawn = self._random.choices(self.words, cum_weights=weights, k=400_000)
        for place in range(0, len(drawn), 90):
            drawn[place] = self._random.choice(_RARE_CODE)
        for place in range(45, len(drawn), 700):
            drawn[place] = self._random.choice(_CJK)
        self._json = json.dumps(" ".join(drawn))[1:-1]
        """As it stands in a line."""

    def piece(self, size: int) -> str:
        """About ``size`` characters, as JSON without quotes."""
        start = self._json.index(" ", self._random.randrange(len(self._json) - size - 100)) + 1
        return self._json[start : self._json.index(" ", start + size)]

    def size(self, typical: int) -> int:
        """Most near ``typical``, some much longer."""
        return min(int(typical * self._random.lognormvariate(0, 0.6)), typical * 8)


def generate(directory: Path, conversations: int = 10_000, *, seed: int = 4) -> Made:
    """Write that many conversations into ``directory``, the newest last changed at the end of June 2026."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    text, draw = Text(seed), random.Random(seed)
    events = size = 0
    for number in range(conversations):
        began = _LATEST - _SPREAD * (1 - (number + 1) / conversations) - timedelta(hours=1)
        data = b"".join(_lines(number, began, text, draw))
        path = directory / f"{_id(began, number)}.jsonl"
        path.write_bytes(data)
        path.chmod(0o600)
        ended = (began + timedelta(minutes=50)).timestamp()
        os.utime(path, (ended, ended))
        events, size = events + data.count(b"\n"), size + len(data)
    return Made(conversations, events, size)


def _lines(number: int, began: datetime, text: Text, draw: random.Random) -> Iterator[bytes]:
    key = _id(began, number)
    model = draw.choice(_MODELS)
    seq = 0

    def line(kind: str, fields: str, turn: str = "null") -> bytes:
        nonlocal seq
        seq += 1
        at = (began + timedelta(seconds=seq * 29 + number % 23)).isoformat()
        head = f'{{"type":"{kind}","id":"{_id(began, number * 1000 + seq)}","seq":{seq},"at":"{at}",'
        body = f'{head}"conversation_id":"{key}","turn_id":{turn},{fields}'.encode("ascii")
        return b'%b,"crc":"%08x"}\n' % (body, zlib.crc32(b"}", zlib.crc32(body)))

    yield line("conversation_created", '"schema_version":1,"app_version":"0.1.0","title":"","demo":false')
    yield line("model_selected", f'"provider":"main","model":"{model}"')
    yield line("conversation_titled", f'"title":"{text.piece(30)}"')
    rare = f" {RARE_WORD}" if number % 1000 == 7 else ""
    for turn_number in range(TURNS):
        turn = f'"{_id(began, number * 100 + turn_number)}"'
        server, tool = draw.choice(_TOOLS)
        call = f"c{turn_number}"
        answer = f'"hop":1,"provider":"main","model":"{model}"'
        usage = '"prompt_tokens":1520,"completion_tokens":240,"reasoning_tokens":0,"cached_tokens":0'
        arguments = f'{{"path":"src/{text.piece(8).split(" ")[0]}","query":"{text.piece(24)}"}}'
        result = text.piece(text.size(430))
        request = (
            f'"message_id":"m{turn_number}",{answer},"messages":4,"prompt_tokens":1520,"tools_tokens":400,'
            '"context_window":200000'
        )
        yield line("turn_started", f'"request_id":"{turn[1:-1]}"', turn)
        yield line("user_message", f'"message_id":"u{turn_number}","text":"{text.piece(text.size(90))}{rare}"', turn)
        yield line("model_request_started", request, turn)
        yield line(
            "assistant_message",
            f'"message_id":"m{turn_number}",{answer},"text":"{text.piece(60)}","reasoning":"{text.piece(120)}",'
            f'"thinking_blocks":[],"tool_calls":[{{"call_id":"{call}","wire_name":"{server}__{tool}",'
            f'"arguments":{arguments},"error":null}}],"finish_reason":"tool_calls","complete":true,"problem":null,'
            f'"usage":{{{usage}}},"cost":0.0031,"first_token_seconds":0.8,"duration_seconds":2.4',
            turn,
        )
        yield line(
            "tool_call_proposed",
            f'"call_id":"{call}","message_id":"m{turn_number}","hop":1,"index":0,"wire_name":"{server}__{tool}",'
            f'"server":"{server}","name":"{tool}","arguments":{arguments},"validation_errors":[]',
            turn,
        )
        yield line(
            "approval_decided",
            f'"approval_id":"a{turn_number}","call_id":"{call}","action":"allow","scope":"once","by":"user","rule":"",'
            '"message":"","edited_arguments":null',
            turn,
        )
        yield line(
            "tool_call_started", f'"call_id":"{call}","server":"{server}","name":"{tool}","arguments":{arguments}', turn
        )
        yield line(
            "tool_call_finished",
            f'"call_id":"{call}","outcome":"{draw.choice(_OUTCOMES)}","content":[{{"type":"text","text":"{result}"}}],'
            f'"structured_content":null,"validation_errors":[],"error":null,"model_text":"{result}","model_tokens":220,'
            '"truncated":false,"sensitive":false,"timing":{"queued":0.0,"approval":2.0,"wire":0.2},"wire":[]',
            turn,
        )
        yield line("model_request_started", request, turn)
        yield line(
            "assistant_message",
            f'"message_id":"n{turn_number}",{answer},"text":"{text.piece(text.size(330))}","reasoning":"",'
            f'"thinking_blocks":[],"tool_calls":[],"finish_reason":"stop","complete":true,"problem":null,'
            f'"usage":{{{usage}}},"cost":0.0042,"first_token_seconds":0.8,"duration_seconds":4.4',
            turn,
        )
        yield line(
            "turn_finished",
            f'"outcome":"stop","error":null,"hops":2,"usage":{{{usage}}},"cost":0.0073,"duration_seconds":9.0',
            turn,
        )


def _id(at: datetime, number: int) -> str:
    value = (int(at.timestamp() * 1000) << 80) | number
    return "".join(_BASE32[value >> shift & 31] for shift in range(125, -1, -5))


def main() -> None:
    """Write a history."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generate", description=__doc__)
    parser.add_argument("directory", type=Path, help="a conversations directory, such as DATA_DIR/conversations")
    parser.add_argument("--conversations", type=int, default=10_000)
    options = parser.parse_args()
    made = generate(options.directory, options.conversations)
    print(f"{made.conversations} conversations, {made.events} events, {made.size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
