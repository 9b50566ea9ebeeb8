"""The whole program under generated keys, with real time: no call reaches the server without its key on its card.

The server writes down what it is asked to run.  The test writes down every key with the time and the screen before
it, and says from that alone which calls somebody allowed.
"""

from __future__ import annotations

import json
import os
import random
import re
import sys
import time
from pathlib import Path

import pytest

from tests.support.hosts import SERVERS
from tests.support.program import SMALL, Program
from tests.support.providers import FakeProvider
from tests.support.terminal import Terminal
from tests.terminal import steps

pytestmark = pytest.mark.terminal

SEQUENCES = 6
"""In each of the `RUNS` of the program."""
RUNS = int(os.environ.get("MCP_TUI_TEST_KEY_RUNS", "1"))
"""Runs of the program, half a minute each; five for the whole proof."""
DEAD = 0.5
SLACK = 0.2
"""Seconds by which this side may see a card later than the program drew it; no pause comes near the dead time."""
KEYS = ("y", "s", "p", "enter", "esc", "left", "right", "end", "tab", "shift+tab", "space", "v", "n", "c", "j", "a")
TOOL = {"name": "echo", "inputSchema": {"type": "object", "properties": {"x": {"type": "string"}}}}


class Watch:
    """What a person could see, and when the last key came."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self.token = ""
        self.since = self.last_key = float("-inf")
        self.allowed: dict[str, str] = {}
        """Token -> the key that may have let it run."""

    def look(self) -> None:
        """Read the card off the screen: heavy lines stand around one that has the focus."""
        card = re.search(r"┏━ approval.*?┗━", self.terminal.text, re.DOTALL)
        found = re.search(r"TOKEN-\d+", card[0]) if card is not None and "Allow from now on" not in card[0] else None
        token = found[0] if found else ""
        if token != self.token:
            self.token, self.since = token, time.monotonic()

    def send(self, *keys: str) -> None:
        """Keys in one go: the first may count."""
        self.look()
        now = time.monotonic()
        awake = now - max(self.since, self.last_key) >= DEAD - SLACK
        if keys[0] in ("y", "s") and self.token and awake:
            self.allowed.setdefault(self.token, keys[0])
        self.terminal.press(*keys, pause=0.0)
        self.last_key = time.monotonic()
        self.look()

    def wait(self, seconds: float) -> None:
        """Let time pass, and keep looking."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.terminal.pump(min(0.02, left))
            self.look()


@pytest.mark.parametrize("seed", range(RUNS))
def test_case_089_no_call_runs_without_its_key_on_its_card(program: Program, provider: FakeProvider, seed: int) -> None:
    plan, ran = program.folder / "plan.json", program.folder / "ran.jsonl"
    plan.write_text(json.dumps({"tools": [TOOL], "record": str(ran)}), encoding="utf-8")
    entry = {"command": sys.executable, "args": [str(SERVERS / "scripted_server.py"), str(plan)]}
    program.configure(provider.openai_base, {"log": entry})
    chance = random.Random(seed)
    provider.script(*_answers())
    with program.app(size=SMALL) as terminal:
        terminal.wait_for("1/1 servers")
        watch = Watch(terminal)
        for number in range(SEQUENCES):
            steps.ask(terminal, f"go {number:02}")
            terminal.wait_for(re.compile(r"approval \d of|approval waiting|approvals waiting"))
            watch.last_key = time.monotonic()
            before = len(_ran(ran))
            _play(watch, chance)
            _clear(terminal)
            assert not set(_ran(ran)[before:]) - set(watch.allowed), (number, watch.allowed)
            if "s" in watch.allowed.values():
                terminal.press("ctrl+n")
                terminal.wait_gone(f"go {number:02}")
                watch.allowed = dict.fromkeys(watch.allowed, "y")
        assert _ran(ran), "nothing ran: the keys never met a card"
        steps.quit_idle(terminal)


def _answers() -> list[dict[str, object]]:
    """Two calls for each input, then a word."""
    found: list[dict[str, object]] = []
    for number in range(SEQUENCES):
        match = f"go {number:02}"
        asked = [["log__echo", {"x": f"TOKEN-{number:02}{which}"}] for which in (1, 2)]
        found.append({"match": match, "has_result": False, "calls": asked, "repeat": True})
        found.append({"match": match, "has_result": True, "text": "Done.", "repeat": True})
    return [*found, {"text": "Well.", "repeat": True}]


def _play(watch: Watch, chance: random.Random) -> None:
    """Typing that goes on while a card appears, keys in bursts, and now and then an answer that is meant."""
    for _ in range(chance.randint(2, 5)):
        match chance.random():
            case kind if kind < 0.25:
                watch.send(*chance.choices(KEYS, k=chance.randint(2, 4)))
            case kind if kind < 0.5:
                watch.send(chance.choice(KEYS))
            case kind if kind < 0.6:
                watch.terminal.paste("y s y")
                watch.last_key = time.monotonic()
            case kind if kind < 0.75:
                watch.send("y")
                watch.terminal.type("es, my")
                watch.last_key = time.monotonic()
            case _:
                watch.terminal.press("ctrl+o", "a")
                watch.last_key = time.monotonic()
                watch.wait(0.9)
                watch.send(chance.choice(["y", "y", "s", "n", "right"]))
        watch.wait(chance.choice([0.0, 0.1, 0.2, 0.9]))


def _clear(terminal: Terminal) -> None:
    """Stop whatever runs or waits, and empty the composer."""
    for _ in range(20):
        terminal.settle(quiet=0.2, seconds=1)
        if _at_rest(terminal.text):
            break
        terminal.press("esc")
        terminal.pump(0.6)
    assert _at_rest(terminal.text), terminal.text
    terminal.press("ctrl+o", "p")
    for _ in range(3):
        terminal.press("f8", "delete")


def _at_rest(text: str) -> bool:
    """Whether no turn runs and nothing waits or lies over the screen."""
    return not re.search(r"Esc stops|approvals? waiting|waiting for|preparing", text.partition("\n")[0])


def _ran(path: Path) -> list[str]:
    """Tokens of the calls that the server was asked to run."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    calls = [message for line in lines if (message := json.loads(line)).get("method") == "tools/call"]
    return [call["params"]["arguments"]["x"] for call in calls]
