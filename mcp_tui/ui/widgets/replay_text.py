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
    from mcp_tui.ui.player import Player

NOT_LIVE = "a recording: nothing runs"

LONGEST_BAR = 60
"""Cells."""

_LEFT_OUT = ("verify", "fork", "speed", "write", "diff", "page")
"""Hints that give way where there is no room, first the first."""

_NOTHING_RUNS = ("inspector.rerun", "inspector.edit_run")

Parts = tuple[Part, ...]


def title(playback: Playback | None, waiting: int, width: int) -> tuple[Parts, Parts]:
    """Name and title, of which the title gives way; that it is none of the present, and what ``waiting`` there is."""
    from mcp_tui.ui.marks import DEMO_LABEL

    right: list[Part] = [(NOT_LIVE, "$warning")]
    if waiting:
        right.insert(0, (f"! {waiting} waiting in the chat  ", "$warning bold"))
    label = f"  {DEMO_LABEL}" if playback is not None and playback.demo else ""
    room = width - len("replay  ") - len(label) - sum(len(text) for text, _ in right) - 2
    words = shorten(playback.title or "(untitled)", max(0, room)) if playback is not None and room > 3 else ""
    return (("replay", "$primary bold"), (f"  {words}", "$foreground"), (label, "$warning")), tuple(right)


def place(player: Player, width: int, *, hit: str, problem: str = "") -> tuple[Parts, Parts]:
    """Whether it plays, a bar, then event, turn, time (or which ``hit`` of a search) and speed.

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
    facts = [hit or (formats.local_time(playback.at) if playback.at is not None else "")]
    whole = not player.reading and player.placed
    if player.placed:
        facts.append(f"event {playback.position:,}" + (f" of {playback.length:,}" if whole else ""))
        facts.append(f"turn {playback.turn:,}" + (f" of {playback.turn_count:,}" if whole else ""))
    facts.append("at once" if math.isinf(player.speed) else f"{player.speed:g}x")
    words = "  ".join(filter(None, facts))
    right: Parts = ((words, "$muted"),)
    if problem:
        return (state, (f"  {problem}", "$error")), right
    if not whole:
        then: Part = (f", then {player.waits_for}", "$accent") if player.waits_for else ("", "")
        return (state, ("  ", ""), (".. ", "$accent"), ("reading the rest", "$muted"), then), right
    room = max(0, min(LONGEST_BAR, width - len(words) - max(len("playing"), len(state[0])) - 4))
    done = round(room * playback.position / playback.length) if playback.length else room
    return (state, ("  ", ""), ("━" * done, "$accent"), ("─" * (room - done), "$muted")), right


def hints(overrides: Mapping[str, str], width: int, *, hits: bool, in_inspector: bool = False) -> Parts:
    """Keys that share a label stand together: ``Left Right step``."""
    keys = effective(overrides)
    shown: dict[str, str] = {}
    for key in keys_of("inspector" if in_inspector else "replay"):
        if key.hint and key.id not in _NOTHING_RUNS:
            shown[key.hint] = f"{shown.get(key.hint, '')} {show_keys(keys[key.id][:1])}".strip()
    if in_inspector:
        turn = " ".join(show_keys(keys[name][-1:]) for name in ("replay.turn_back", "replay.turn_forward"))
        close = show_keys(keys["replay.leave"][:1])
        shown = {**shown, "play": show_keys(keys["replay.play"][:1]), "turn": turn, "close": close}
    elif hits:
        shown = {"play": shown.pop("play"), "next hit": show_keys(keys["replay.next_hit"][:1]), **shown}
    for least in _LEFT_OUT:
        if sum(len(key) + len(label) + 3 for label, key in shown.items()) > width + 2:
            shown.pop(least, None)
    return hint_parts([Hint(key, label) for label, key in shown.items()])
