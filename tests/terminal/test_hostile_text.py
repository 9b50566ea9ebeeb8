"""Hostile text through the whole program in a real terminal: not one byte of it acts (cases 81, 82, 84, 85, 88)."""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

from tests.support.hostile_text import ALL, RAW, generated
from tests.support.hosts import SERVERS
from tests.support.program import LARGE, Program
from tests.support.providers import FakeProvider
from tests.terminal import steps

pytestmark = pytest.mark.terminal

LONG = 1_000_000
ATTACKS = ("\x1b]52", "\x1b]8;", "\x1b]0;", "\x1bP1$r", "\x1b_G", "\x1b[31m", "\x1b[6n", "\x1bc", "aGFja2Vk\x07")
OUR_OWN = re.compile(r"\x1b\[[0-9;:?<>=]*[$\"' ]?[@-~]|\x1b[78=>]|\x1b\(B|\x1b\]22;[a-z-]+\x07|\r\n|\r|\n|\x0f")
"""Sequences that the terminal's driver writes; what hostile text has of this kind is in `ATTACKS`."""


OPENING = (
    ("f2", "f2", "enter"), ("enter", "v"), ("f4",), ("ctrl+o", "p", "ctrl+r"), ("ctrl+p",), ("f1",),
    ("ctrl+l",), ("f7",),
)  # fmt: skip
"""Keys that open the panes and screens which show what came from outside."""


def check(raw: bytes) -> None:
    """What reached the terminal is text, and sequences of our own."""
    text = raw.decode("utf-8")
    for attack in ATTACKS:
        assert attack not in text, f"{attack!r} reached the terminal"
    assert text.count("\x1b[?1049l") == 1, "the screen was left more than once"
    rest = OUR_OWN.sub("", text)
    assert rest.count("\x07") <= 4, "the bell rings for a card or question only"
    rest = rest.replace("\x07", "")
    found = RAW.search(rest)
    assert found is None, f"{rest[max(0, found.start() - 20) : found.end() + 20]!r}"


def plan(folder: Path, some: Iterator[str]) -> dict[str, Any]:
    """A server whose every word is hostile."""
    schema = {
        "type": "object",
        "description": next(some),
        "properties": {"x": {"type": "string", "description": next(some)}, next(some): {"title": next(some)}},
        "additionalProperties": True,
    }
    hidden = {"name": "hidden", "title": next(some), "description": next(some), "inputSchema": schema}
    hidden["annotations"] = {"title": next(some), "destructiveHint": True}
    content = [
        {"type": "text", "text": next(some)},
        {"type": "text", "text": "A" * LONG + ALL},
        {"type": "image", "data": "AAAA", "mimeType": next(some)},
        {"type": "audio", "data": "AAAA", "mimeType": next(some)},
        {"type": "resource_link", "uri": next(some), "name": next(some), "description": next(some)},
        {"type": "resource", "resource": {"uri": next(some), "mimeType": next(some), "text": next(some)}},
        {"type": next(some), "data": next(some)},
    ]
    return {
        "tools": [
            hidden,
            {"name": "echo", "inputSchema": {"type": "object"}},
            {"name": "fail", "inputSchema": {"type": "object"}},
            {"name": next(some)[:60], "description": next(some), "inputSchema": {"type": "object"}},
        ],
        "results": {"echo": {"content": content, "structuredContent": {next(some): [next(some)]}}},
        "errors": {"fail": {"code": -32000, "message": next(some)}},
        "stderr": [next(some), ALL],
        "logs": [next(some)],
        "progress": [next(some)],
        "record": str(folder / "record"),
    }


def scripted(folder: Path, script: dict[str, Any]) -> dict[str, Any]:
    """The entry of a server that does what ``script`` says."""
    path = folder / "plan.json"
    path.write_text(json.dumps(script), encoding="utf-8")
    return {"command": sys.executable, "args": [str(SERVERS / "scripted_server.py"), str(path)]}


def printable(text: str) -> str:
    """As it can be pasted: no end of the paste, no lone surrogate."""
    return text.replace("\x1b[201~", "").encode("utf-8", "replace").decode().replace("/", "|")


def test_case_081_no_byte_of_hostile_text_acts(program: Program, provider: FakeProvider) -> None:
    """From a server, a model, a provider, the person and the files of earlier runs."""
    seed = random.randrange(1 << 30)
    texts = generated(seed, 24)
    print(f"{seed=}")  # noqa: T201 - shown when the test fails
    some = cycle([ALL, *texts])
    entry = scripted(program.folder, plan(program.folder, some))
    program.configure(provider.openai_base, {"s": entry, "s @/other": entry})
    state = program.data_dir / "state"
    state.mkdir(parents=True, exist_ok=True)
    (state / "prompts.jsonl").write_text("".join(json.dumps(next(some)) + "\n" for _ in range(6)), encoding="utf-8")
    with program.app(size=LARGE) as terminal:
        terminal.wait_for("2/2 servers")
        arguments = {"x": printable(next(some)), printable(next(some)): [printable(next(some))]}
        provider.script(
            {
                "has_result": False,
                "reasoning": next(some),
                "text": next(some),
                "calls": [["s__echo", arguments], ["s__fail", {}]],
            },
            {"has_result": True, "text": f"{next(some)}\n\nfirst turn done"},
            {"match": "second", "status": 400, "body": {"error": {"message": next(some)}}, "repeat": True},
        )
        terminal.paste(f"attack {printable(next(some))}")
        terminal.press("enter")
        steps.answer(terminal, "y", "approval 1 of 2")
        steps.answer(terminal, "y", "approval 1 of 1")
        terminal.wait_for("question 1 of 1")
        terminal.press("tab")
        terminal.wait_for(steps.AWAKE)
        terminal.press("n")
        terminal.wait_for("first turn done")
        steps.idle(terminal)
        steps.ask(terminal, "second")
        steps.idle(terminal)
        terminal.press("f3", "f3")
        for tab in "12345":
            terminal.press(tab)
            terminal.settle(quiet=0.1, seconds=1)
        for keys in OPENING:
            terminal.press(*keys)
            terminal.settle(quiet=0.1, seconds=1)
            terminal.press("esc")
        terminal.press("ctrl+o", "c", "g", "enter")
        terminal.settle(quiet=0.2, seconds=2)
        terminal.press("ctrl+q")
        steps.ended_well(terminal)
        check(bytes(terminal.raw))
    assert program.logs(), "the conversation was kept"
