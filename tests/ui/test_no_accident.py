"""No call runs by accident: thousands of generated sequences of keys against a model of what was on the screen.

The model knows nothing of the card's inside.  It reads the screen (which call, whether the last line of its arguments,
whether the page of a rule, what is said of earlier calls), keeps the time since when exactly that has been there and
when the last key came, and says which calls a key may let run.  Anything else that runs is a failure, and so is a run
that nobody could have caused.

Besides keys at random the sequences play what accidents are made of: an answer at the edge of the dead time, an answer
to what was not read to its end, a card that takes the place of another one, or changes, just before a key comes.

``MCP_TUI_KEY_SEQUENCES`` sets how many sequences are generated (default 100; 10,000 take about half an hour).
"""

from __future__ import annotations

import asyncio
import os
import random
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from textual import events
from textual.pilot import Pilot

from mcp_tui.config.rule_models import RuleEntry
from mcp_tui.engine.assessment import Assessment
from mcp_tui.events import tools, turns
from mcp_tui.events.base import EventBase
from mcp_tui.permissions.base import Decision
from mcp_tui.ui.app import McpTuiApp
from mcp_tui.ui.widgets.approval import ApprovalCard
from tests.ui.support import (
    AT,
    Clock,
    ScriptedEngine,
    ScriptedRules,
    attach,
    make_app,
    proposal,
    status,
    turn_start,
    until,
)

SEQUENCES = int(os.environ.get("MCP_TUI_KEY_SEQUENCES", "100"))
PER_APP = 50
"""Sequences in one start of the app: a conversation stays as long as real ones are."""
DEAD = 0.5
ALLOW = {"y": "once", "s": "conversation", "w": "rule"}
KEYS = (
    *("y", "s", "w", "p", "enter", "escape", "left", "right", "end", "home", "pagedown", "pageup", "up", "down"),
    *("tab", "shift+tab", "space", "v", "f", "n", "d", "e", "c", "j", "ctrl+s", "f1", "ctrl+o", "a", "ctrl+j"),
)
EDGE = (0.0, 0.1, 0.3, 0.45, 0.46, 0.48, 0.49, 0.499, 0.501, 0.51, 0.6)
"""Seconds before an answer, most of them around the end of the dead time."""
LONG = 40
"""Lines of arguments that no card shows at once."""
SIZES = ((80, 24), (120, 40), (60, 18), (44, 14))
TOKEN = re.compile(r"FIRST-(\d{6})")
LAST = re.compile(r"LAST-(\d{6})")
FOLD = re.compile(r"[ \u2581-\u2588]*[┃│]\n[┃│] {3}\| ")
"""Where a long line is continued on the next."""
TAIL = re.compile(r"(\d{1,6})\"")
"""The end of the last line in the JSON, where it is torn."""
SEEN = re.compile(r"seen: (?:never ran|[\d,]+ runs?)")
"""What the head says of earlier calls."""
PAGE = ("Allow from now on, without", "written to", "effect: allow", "tool: close_issue", "would match this one")
"""Each part of the page of a rule."""


class Rules(ScriptedRules):
    """Proposes a rule that names the call, so that the page can be read off the screen."""

    def propose(self, item_key: str) -> tuple[RuleEntry, ...]:
        names = (f"r1-{item_key}", f"r2-{item_key}")
        return tuple(RuleEntry(id=name, effect="allow", server="jira", tool="close_issue") for name in names)


@dataclass
class DecidingEngine(ScriptedEngine):
    """Takes the first answer to what waits, as the engine does; what was allowed counts as run."""

    rules: Rules = field(default_factory=Rules)
    open: dict[str, str] = field(default_factory=dict)
    """Approval id -> call id, while it waits."""
    ran: list[tuple[str, str, str]] = field(default_factory=list)
    """(token of the arguments that run, scope, rule)."""
    news: bool = False
    """Whether something was emitted since the screen was looked at."""

    def emit(self, *happened: EventBase) -> None:
        super().emit(*happened)
        self.news = True

    def ask(self, number: int, lines: int, *, guarded: bool) -> None:
        asked = proposal(f"c{number}", arguments_of(number, lines))
        asked[-1] = asked[-1].model_copy(update={"guarded": guarded})
        self.open[f"a-c{number}"] = f"c{number}"
        self.emit(*asked)

    def tokens(self) -> set[str]:
        """What would run, of all calls that wait."""
        waiting = [self.transcript.call(call_id) for call_id in self.open.values()]
        return {token for item in waiting if item is not None for token in TOKEN.findall(str(item.arguments))}

    def decide(self, approval_id: str, decision: Decision) -> bool:
        if approval_id not in self.open:
            return False
        gone = list(self.open) if decision.action == "stop" else [approval_id]
        if decision.action == "allow":
            item = self.transcript.call(self.open[approval_id])
            assert item is not None
            arguments = decision.arguments or item.arguments
            (token,) = TOKEN.findall(str(arguments))
            self.ran.append((token, decision.scope, decision.rule_id))
        for approval in gone:
            self.withdraw(approval, decision.action)
        return True

    def withdraw(self, approval_id: str, action: Any = "withdrawn") -> None:
        call_id = self.open.pop(approval_id)
        ids = {"at": AT, "turn_id": "t1", "call_id": call_id}
        decided = tools.ApprovalDecided(**ids, approval_id=approval_id, action=action, by="user")
        self.emit(decided, tools.ToolCallFinished(**ids, outcome="cancelled"))


@dataclass
class Model:
    """What a person in front of the screen could know."""

    clock: Clock
    token: str = ""
    """The call that is on the card, by the first line of its arguments or by its rule."""
    known: str = ""
    """The call that was on the card last: known again by the end of its arguments, where no more fits."""
    since: float = 0.0
    picture: str = ""
    """What is on the card apart from the state of its keys: the time counts from its last change."""
    seen_last: set[str] = field(default_factory=set)
    """Calls whose last line was on the screen."""
    page: str = ""
    """The rule whose page is on the card, as far as its end was on the screen."""
    exchanged: dict[str, str] = field(default_factory=dict)
    """Calls whose arguments were exchanged -> their present token: a rule names the call, not the arguments."""
    focused: bool = False
    last_key: float = float("-inf")

    def look(self, card: ApprovalCard | None, lines: list[str], size: tuple[int, int]) -> None:
        """Read the card off the screen, whose size makes it another picture."""
        text = FOLD.sub("", "\n".join(lines))
        first, last, tail = TOKEN.search(text), LAST.search(text), TAIL.search(text)
        on_page = any(words in text for words in PAGE)
        token = self.token
        if card is None or not lines:
            token = ""
        elif on_page:
            rule = re.search(r"r\d-(c(\d+))", text)
            token = self.exchanged.get(rule[1], f"{int(rule[2]):06}") if rule else self.token
        elif first or last:
            token = (first or last)[1]  # type: ignore[index]
        elif not token and tail and self.known.endswith(tail[1]):
            token = self.known
        self.page = "" if not on_page else (re.search(r"id: (r\d-c\d+)", text) or ["", self.page])[1]
        seen = SEEN.search(text)
        picture = f"{token} {on_page} {self.page} {seen[0] if seen else ''} {size}"
        if picture != self.picture:
            self.picture, self.since = picture, self.clock.now
        self.token, self.known = token, token or self.known
        if last and not on_page:
            self.seen_last.add(last[1])
        if tail and not on_page and token.endswith(tail[1]):
            self.seen_last.add(token)
        self.focused = card is not None and card.has_focus

    def allowed(self, key: str, waiting: set[str]) -> tuple[str, str] | None:
        """The call that ``key`` may let run now, and how far."""
        asleep = self.clock.now - self.since < DEAD or self.clock.now - self.last_key < DEAD
        if key not in ALLOW or asleep or not self.focused or self.token not in waiting:
            return None
        if self.token not in self.seen_last or (key == "w") != bool(self.page):
            return None
        return self.token, ALLOW[key]


class Player:
    """Plays one sequence after the other, and holds what happens against the model."""

    def __init__(self, app: McpTuiApp, engine: DecidingEngine, clock: Clock, pilot: Pilot[int], seed: int) -> None:
        self.app, self.engine, self.clock, self.pilot = app, engine, clock, pilot
        self.random = random.Random(seed)
        self.model = Model(clock)
        self.number = seed * 1000
        self.counts: Counter[str] = Counter()
        self.story: list[str] = []
        self.guarded: set[str] = set()
        self.lines: list[str] = []
        """What the card shows."""
        self.before = ""

    @property
    def card(self) -> ApprovalCard | None:
        found = self.app.chat.query(ApprovalCard)
        return found.first() if found and found.first().display else None

    async def settle(self) -> None:
        """Let the app take in everything that was sent, paint it, and look at it."""
        while True:
            if self.engine.news and self.app.view.bridge is not None:
                self.engine.news = False
                for _ in range(3):
                    await asyncio.sleep(0)
                self.app.view.bridge.flush()
            await self.pilot._wait_for_screen()
            screen = self.app.screen
            screen._on_timer_update()
            if not (self.engine.news or self.busy()):
                break
        self.look()

    def look(self) -> None:
        """Read the screen as it is."""
        before = self.model.picture
        self.lines = self.read()
        self.model.look(self.card, self.lines, tuple(self.app.size))
        if self.model.picture != before:
            self.story.append(f"  now shows {self.model.picture!r} at {self.clock.now:.2f}")

    def busy(self) -> bool:
        """Whether something is still on its way to the screen."""
        screen = self.app.screen
        pumps = [self.app, screen, *(self.card.walk_children(with_self=True) if self.card is not None else ())]
        waiting = any(
            (pump._message_queue and not pump._message_queue.empty()) or pump._next_callbacks for pump in pumps
        )
        return bool(waiting or screen._callbacks or screen._layout_required or screen._dirty_widgets)

    def read(self) -> list[str]:
        """The card as it is on the screen."""
        card = self.card
        if card is None or self.app.screen is not self.app.chat:
            return []
        region = card.region
        chops = self.app.screen._compositor._render_chops(region, lambda _: True)
        rows = [chops[y].values() for y in range(region.y, region.bottom)]
        return ["".join(strip.text for strip in row if strip is not None) for row in rows]

    def send(self, key: str) -> None:
        event = events.Key(key, key if len(key) == 1 else {"space": " ", "enter": "\r"}.get(key))
        event.set_sender(self.app)
        driver = self.app._driver
        assert driver is not None
        driver.send_message(event)

    async def press(self, *keys: str, settled: bool = True) -> None:
        """Keys one right after the other: only the first can count, and only for what was there before it."""
        if settled and (self.engine.news or self.busy()):
            await self.settle()
        elif settled:
            self.look()
        may = self.model.allowed(keys[0], self.engine.tokens())
        before, self.before = len(self.engine.ran), f"{self.model} at {self.clock.now}"
        focus, screen = self.app.focused, list(self.lines)
        for key in keys:
            self.send(key)
        await self.settle()
        self.model.last_key = self.clock.now
        ran = self.engine.ran[before:]
        self.story.append(f"{'+'.join(keys)} focus={type(focus).__name__} may={may} ran={ran}")
        for token, scope, rule in ran:
            self.counts[f"ran {scope}"] += 1
            self.story += [f"before the key: {self.before}", *screen]
            assert may == (token, scope), "\n".join(self.story[-60:])
            assert not (token in self.guarded and scope != "once"), "\n".join(self.story[-60:])
            assert bool(rule) == (scope == "rule")
        assert len(ran) <= 1, "\n".join(self.story[-60:])
        self.counts["could have run"] += may is not None

    def wait(self, seconds: float) -> None:
        self.clock.now += seconds
        self.story.append(f"wait {seconds}")

    async def sequence(self) -> None:
        """One generated sequence."""
        pick = self.random.random
        self.story.append("-- new")
        self.ask()
        for _ in range(self.random.randint(4, 10)):
            await self.step(pick())
        assert not set(self.engine.open.values()) - {f"c{n}" for n in range(self.number + 1)}

    async def step(self, chance: float) -> None:
        choose = self.random.choice
        if chance < 0.10:
            self.ask()
        elif chance < 0.14 and self.engine.open:
            gone = choose(list(self.engine.open))
            self.engine.withdraw(gone)
            self.story.append(f"gone {gone}")
        elif chance < 0.17:
            self.assess()
        elif chance < 0.19:
            await self.settle()
            self.exchange_arguments()
        elif chance < 0.22:
            await self.resize()
        elif chance < 0.26:
            await self.settle()
            self.app.post_message(events.Paste(choose(["y", "yyy", "y\ny\n", "p w"])))
            await self.settle()
            self.model.last_key = self.clock.now
            self.story.append("paste")
        elif chance < 0.30:
            await self.settle()
            widget: Any = choose([self.app.chat.composer, self.card])
            if widget is not None:
                widget.focus()
            self.story.append(f"focus {type(widget).__name__}")
        elif chance < 0.37:
            await self.answer_unread()
        elif chance < 0.46:
            await self.answer_what_just_came()
        elif chance < 0.50:
            await self.storm()
        elif chance < 0.57:
            self.wait(choose([0.1, 0.3, 0.49, 0.5, 0.51, 0.7, 1.0, 3.0]))
        elif chance < 0.62:
            await self.press(*self.random.choices(KEYS, k=self.random.randint(2, 4)), settled=pick_settled(self.random))
        elif chance < 0.80:
            await self.deliberate()
        else:
            await self.press(choose(KEYS), settled=pick_settled(self.random))

    async def deliberate(self) -> None:
        """What somebody does who wants to answer: without it nothing would ever run, and nothing be proved."""
        await self.settle()
        if (card := self.card) is not None:
            card.focus()
        self.wait(1.0)
        await self.press("end")
        self.wait(self.random.choice([*EDGE, 0.6, 0.8, 1.0, 1.0]))
        key = self.random.choice(["y", "y", "s", "p", "p", "n", "right"])
        await self.press(key)
        if key == "p":
            self.wait(self.random.choice([0.2, 0.8]))
            await self.press("end")
            self.wait(self.random.choice([0.2, 0.49, 0.8, 0.8]))
            await self.press(self.random.choice(["w", "w", "y", "enter", "p", "escape"]))

    async def answer_unread(self) -> None:
        """Somebody in a hurry: goes to the card of a long call, looks at some of it, and answers wide awake."""
        for approval in list(self.engine.open):
            self.engine.withdraw(approval)
        self.ask(LONG)
        await self.go_to_card()
        self.wait(1.0)
        if (look := self.random.choice(["", "", "down", "pagedown", "v", "f"])) != "":
            await self.press(look)
            self.wait(1.0)
        await self.press(self.random.choice(["y", "y", "s", "p"]))

    async def answer_what_just_came(self) -> None:
        """Somebody is about to answer when the card shows something else, and no key told it so."""
        for _ in range(2):
            self.ask(self.random.choice([0, 0, 1, LONG]))
        await self.go_to_card()
        self.wait(1.0)
        match self.random.choice(["gone", "gone", "gone", "exchanged", "assessed", "resized"]):
            case "gone":
                item = self.card.item if self.card is not None else None
                if item is not None and item.approval_id in self.engine.open:
                    self.engine.withdraw(item.approval_id)
                    self.story.append(f"gone {item.approval_id}")
            case "exchanged":
                self.exchange_arguments()
                if self.random.random() < 0.5:
                    self.assess()
            case "assessed":
                self.assess()
            case _:
                await self.resize()
        await self.settle()
        self.wait(self.random.choice(EDGE))
        await self.press(self.random.choice(["y", "y", "s"]))

    async def storm(self) -> None:
        """Somebody types on, key by key, while a card arrives."""
        self.ask()
        if (card := self.card) is not None:
            card.focus()
        for _ in range(self.random.randint(2, 5)):
            await self.press(self.random.choice(["y", "y", "s", "p", "w", "enter", "space"]), settled=False)
            self.wait(self.random.choice([0.05, 0.2, 0.49]))

    async def go_to_card(self) -> None:
        await self.settle()
        if (card := self.card) is not None:
            card.focus()
        await self.settle()

    def assess(self) -> None:
        """What is known of earlier calls arrives."""
        self.engine.assessments |= {call: _assessment(self.random) for call in self.engine.open.values()}
        if (card := self.card) is not None:
            card._tick()
        self.story.append("assessed")

    async def resize(self) -> None:
        size = self.random.choice(SIZES)
        await self.pilot.resize_terminal(*size)
        self.story.append(f"resize {size}")

    def ask(self, lines: int | None = None) -> None:
        """Another call waits; without ``lines`` its arguments have any length."""
        self.number += 1
        guarded = self.random.random() < 0.1
        if guarded:
            self.guarded.add(f"{self.number:06}")
        lines = self.random.choice([0, 1, 3, LONG]) if lines is None else lines
        self.engine.ask(self.number, lines, guarded=guarded)
        self.story.append(f"ask {self.number}")

    def exchange_arguments(self) -> None:
        """Somebody changes the arguments of the call on the card under it."""
        shown = self.card.item if self.card is not None else None
        if shown is None or shown.approval_id not in self.engine.open:
            return
        self.number += 1
        lines = self.random.choice([0, 0, LONG])
        for known in (shown, self.engine.transcript.call(shown.key)):
            if known is not None:
                known.arguments = arguments_of(self.number, lines)
        self.model.exchanged[shown.key] = f"{self.number:06}"
        self.story.append(f"exchanged {shown.key}: {self.number}")


def arguments_of(number: int, lines: int) -> dict[str, Any]:
    """Arguments whose first and last line tell the call."""
    return {"comment": "\n".join([f"FIRST-{number:06}", *("x" for _ in range(lines)), f"LAST-{number:06}"])}


def pick_settled(chance: random.Random) -> bool:
    """Whether the screen is up to date when a key comes: mostly."""
    return chance.random() < 0.8


def _assessment(chance: random.Random) -> Assessment:
    return Assessment(chance.randint(0, 9), 0, 0, AT, (), {"comment": "not sent before"}, (), "", False)


async def play(sequences: int, seed: int) -> Counter[str]:
    """Start the app and play."""
    clock = Clock()
    app = make_app(clock=clock)
    engine = DecidingEngine(servers=(status("jira"),), busy=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(app.painted.is_set, pilot)
        attach(app, engine)
        await until(lambda: engine.subscriptions and app.view.bridge, pilot)
        engine.emit(*turn_start())
        engine.ask(0, 0, guarded=False)
        await until(lambda: bool(app.chat.query(ApprovalCard)), pilot)
        app.view.conversation_changed = lambda changes: None  # type: ignore[method-assign]
        player = Player(app, engine, clock, pilot, seed)
        for _ in range(sequences):
            await player.sequence()
            await player.settle()
            for approval in list(engine.open):
                engine.withdraw(approval)
            await player.settle()
            while len(app.screen_stack) > 1:
                app.pop_screen()
                await player.settle()
            app.chat.composer.load_text("")
            clock.now += 5
        engine.emit(turns.TurnFinished(turn_id="t1", outcome="cancelled"))
        return player.counts


@pytest.mark.parametrize("seed", range(1, 1 + max(1, SEQUENCES // PER_APP)))
async def test_case_089_no_call_runs_without_its_key_on_its_card(seed: int) -> None:
    counts = await play(PER_APP, seed)
    assert counts["ran once"] > 0, "sequences that allow nothing prove nothing"
    assert counts["ran once"] + counts["ran conversation"] + counts["ran rule"] <= counts["could have run"]
