"""The lines around a replay, as parts: what is replayed, where it stands, which keys there are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mcp_tui.safety.text import shorten
from mcp_tui.ui import formats
from mcp_tui.ui.keymap import effective, keys_of, show_keys
from mcp_tui.ui.widgets.bars import Hint, Part, hint_parts

if TYPE_CHECKING:
    from mcp_tui.conversation.playback import Playback
    from mcp_tui.events.base import EventBase
    from mcp_tui.ui.player import Player

NOT_LIVE = "a recording: nothing runs"

LONGEST_BAR = 60
"""Cells."""

_ENOUGH = 30
"""Cells of the bar that are kept where there is room for what else can be said."""

_LEAST = 10
"""Cells of the bar for which something else gives way."""

_WORDS = 16
"""Characters of the title for which something else gives way."""

_KIND = 21
"""Characters of the longest name of an event: the bar keeps its length from one to the next."""

_LEFT_OUT = ("turn", "verify", "fork", "speed", "go on")
_LEFT_OUT_IN_INSPECTOR = ("write", "diff", "page", "turn", "call", "copy")
"""Hints that give way where there is no room, first the first."""

_NOTHING_RUNS = ("inspector.rerun", "inspector.edit_run")

Parts = tuple[Part, ...]


def title(playback: Playback | None, waiting: int, width: int) -> tuple[Parts, Parts]:
    """Name and title, of which the title gives way; that it is none of the present, and what ``waiting`` there is."""
    from mcp_tui.ui.marks import DEMO_LABEL

    waits = f"! {waiting} waiting in the chat  " if waiting else ""
    demo = playback is not None and playback.demo
    words = (playback.title or "(untitled)") if playback is not None else ""
    for label, live in ((DEMO_LABEL, NOT_LIVE), ("demo", NOT_LIVE), ("demo", "a recording"), ("", "a recording")):
        badge = f"  {label}" if demo and label else ""
        room = width - len("replay  ") - len(badge) - len(waits) - len(live) - 2
        if room >= min(len(words), _WORDS):
            break
    shown = shorten(words, max(0, room)) if room > 3 else ""
    left: Parts = (("replay", "$primary bold"), (f"  {shown}", "$foreground"), (badge, "$warning"))
    return left, ((waits, "$warning bold"), (live, "$warning"))


def place(player: Player, width: int, *, hit: str, problem: str = "") -> tuple[Parts, Parts]:
    """Whether it plays, a bar, then the last event and its time (or which ``hit`` of a search), turn and speed.

    Where there is no room for all of it, the bar is kept.
    While more is read, that and what waits for it stand in the place of the bar; ``problem``: why no more is.
    """
    playback = player.playback
    if playback is None:
        return (("reading the conversation", "$muted"),), ()
    state: Part = ("playing", "$accent bold") if player.playing else ("paused ", "$foreground")
    if not player.playing and playback.at_end and not (player.reading and player.placed):
        state = ("the end", "$foreground") if player.at_end else ("a part", "$foreground")
    elif not player.playing and not playback.position:
        state = ("the beginning", "$foreground")
    right = _facts(player, hit)
    if problem or player.reading or not player.placed:
        then: Part = (f", then {player.waits_for}", "$accent") if player.waits_for else ("", "")
        instead: Parts = ((".. ", "$accent"), ("reading the rest", "$muted"), then)
        left: Parts = (state, ("  ", ""), *(((problem, "$error"),) if problem else instead))
        taken = sum(len(text) for text, _ in left) + 1
        return left, ((next((words for words in right if width - taken >= len(words)), ""), "$muted"),)
    taken = max(len("playing"), len(state[0])) + 4
    words = next((words for words in right if width - taken - len(words) >= _LEAST), right[-1])
    kind = f"{_kind(playback.event)}  " if playback.event is not None else " " * (_KIND + 2)
    if width - taken - len(kind) - len(words) >= _ENOUGH:
        words = kind + words
    room = max(0, min(LONGEST_BAR, width - taken - len(words)))
    done = round(room * playback.position / playback.length) if playback.length else room
    return (state, ("  ", ""), ("━" * done, "$accent"), ("─" * (room - done), "$muted")), ((words, "$muted"),)


def _facts(player: Player, hit: str) -> list[str]:
    """Time (or which hit of a search), event, turn and speed; then with less and less of it."""
    playback = player.playback
    assert playback is not None
    speed = "at once" if math.isinf(player.speed) else f"{player.speed:g}x"
    time = formats.local_time(playback.at) if playback.at is not None else ""
    if not player.placed:
        return _joined((hit or time, speed), (hit, speed), (speed,))
    whole = not player.reading
    event = f"{playback.position:,}" + (f" of {playback.length:,}" if whole else "")
    turn = f"turn {playback.turn:,}" + (f" of {playback.turn_count:,}" if whole else "")
    return _joined(
        (hit or time, f"event {event}", turn, speed),
        (hit, f"event {event}", turn, speed),
        (hit, f"event {event}", speed),
        (hit or event, speed),
    )


def _joined(*facts: tuple[str, ...]) -> list[str]:
    return ["  ".join(filter(None, some)) for some in facts]


def _kind(event: EventBase) -> str:
    """What the event is called in the log."""
    return shorten(event.type.replace("_", " "), _KIND).ljust(_KIND)


def hints(overrides: Mapping[str, str], width: int, *, hits: bool, in_inspector: bool = False) -> Parts:
    """Keys that share a label stand together: ``Left Right step``."""
    keys = effective(overrides)
    turn = " ".join(show_keys(keys[name][-1:]) for name in ("replay.turn_back", "replay.turn_forward"))
    shown: dict[str, str] = {}
    for key in keys_of("inspector" if in_inspector else "replay"):
        if key.hint and key.id not in _NOTHING_RUNS:
            shown[key.hint] = f"{shown.get(key.hint, '')} {show_keys(keys[key.id][:1])}".strip()
    if in_inspector:
        close = show_keys(keys["replay.leave"][:1])
        shown = {**shown, "play": show_keys(keys["replay.play"][:1]), "turn": turn, "close": close}
    else:
        hit = {"next hit": show_keys(keys["replay.next_hit"][:1])} if hits else {}
        shown = {"play": shown.pop("play"), **hit, "step": shown.pop("step"), "turn": turn, **shown}
    for least in _LEFT_OUT_IN_INSPECTOR if in_inspector else _LEFT_OUT:
        if sum(len(key) + len(label) + 3 for label, key in shown.items()) > width + 2:
            shown.pop(least, None)
    return hint_parts([Hint(key, label) for label, key in shown.items()])
