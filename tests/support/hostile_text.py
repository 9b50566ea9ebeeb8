"""Hostile text, generated: what servers, models and files may contain to act on a terminal or to deceive a reader."""

from __future__ import annotations

import random
import re

from hypothesis import strategies as st

SEQUENCES = (
    "\x1b]52;c;aGFja2Vk\x07",
    "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "\x1b]0;owned\x07",
    "\x1b[2J\x1b[H",
    "\x1b[?1049l",
    "\x1b[31mred",
    "\x1bP1$r0m\x1b\\",
    "\x1b_Gf=100;AAAA\x1b\\",
    "\x1b[6n",
    "\x1bc",
    "\x9b31m",
    "\x9d52;c;aGFja2Vk\x9c",
    "\x90q\x9c",
    "\x07\x08\x7f\x00\x0b\x0c",
    "over\rwritten",
    "\x85\u2028\u2029",
)
DECEIT = (
    "\u202egnp.exe\u202c",
    "\u2066isolate\u2069",
    "\u200b\u200e\u200f\ufeff\u2060",
    "".join(chr(0xE0000 + ord(char)) for char in "obey"),
    "\U000e0001",
    "Z\u0351\u0352\u0353" + "\u0300" * 60,
    "\ufe00\ufe01\U000e0100",
    "\ud83d",
    "\udc80\ud800",
    "\u115f\u3164\u2800",
    "\ufff9a\ufffab\ufffb",
)
MARKUP = (
    "[@click=app.quit]quit[/]",
    "[ @click=app.quit]x[/]",
    "[/nope]",
    "[/usr/bin]",
    "[link=https://evil.example]x[/link]",
    "[50% red]",
    "[$primary]",
    "[b",
    "\\[x]",
    "{{x}} %s {0} $x",
    "&#x202e;&#27;&lt;b&gt;",
    "<b onclick=x>html</b><!-- -->",
    "![i](http://evil.example/?q)",
    "[ok](javascript:alert(1))",
    "[text](https://xn--pple-43d.example/ 't')",
    "```\nunclosed",
    "| a | b |\n|---|",
    "# " * 20,
    "> " * 30,
    "*_`~" * 20,
    "\n\n\n",
    "\ttab",
)

RAW = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""What no screen may be sent."""

PASTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff\U000e0000-\U000e0fff]"
)
"""What no clipboard may be given: what acts or hides where it is pasted."""

PIECES = st.sampled_from([*SEQUENCES, *DECEIT, *MARKUP]) | st.text(st.characters(), max_size=12)
TEXTS = st.lists(PIECES, min_size=1, max_size=8).map("".join)
"""A text of several attacks, sequences cut and joined at random."""


def generated(seed: int, count: int) -> list[str]:
    """Texts as `TEXTS` makes them, for tests that are too slow to look for the smallest one that fails."""
    choose = random.Random(seed)

    def piece() -> str:
        if choose.random() < 0.8:
            return choose.choice([*SEQUENCES, *DECEIT, *MARKUP])
        return "".join(chr(choose.randrange(0x110000)) for _ in range(12))

    return ["".join(piece() for _ in range(choose.randint(1, 12))) for _ in range(count)]


ALL = "".join([*SEQUENCES, *DECEIT, *MARKUP])
"""One of each."""
