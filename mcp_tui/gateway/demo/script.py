"""The script itself: what the demo model says and does next, given all that has happened in the turn."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mcp_tui.gateway.demo import showcase
from mcp_tui.gateway.demo.catalogue import label
from mcp_tui.gateway.demo.correction import corrected
from mcp_tui.gateway.demo.outcome import validation_errors
from mcp_tui.gateway.demo.planner import Plan, plan
from mcp_tui.gateway.demo.recipes import PlannedCall
from mcp_tui.gateway.demo.situation import DoneCall, Situation
from mcp_tui.gateway.demo.summary import summarise

Hop = tuple[DoneCall, ...]
_SERVER_GONE = re.compile(r"\b(?:died|closed|exited|not running|went away|server ended|ended)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Call:
    """A call to make."""

    wire_name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the model: what it thinks, says and asks for."""

    text: str
    reasoning: str = ""
    calls: tuple[Call, ...] = ()


def next_answer(situation: Situation, suggestions: showcase.Suggestions) -> Answer:
    """The next answer of a turn.  Depends on nothing but its arguments."""
    if not situation.hops:
        shown = showcase.answer(situation.text, situation.tools, suggestions)
        if shown is not None:
            return Answer(shown)
    planned = plan(situation.text, situation.tools)
    if not planned.stages and not situation.hops:
        return Answer(showcase.unknown(planned.missing, suggestions))
    return _follow(planned, situation)


def _follow(planned: Plan, situation: Situation) -> Answer:
    stage, repaired = _progress(situation.hops)
    last: Hop = situation.hops[-1] if situation.hops else ()
    correction = None if repaired else _correction(last, situation)
    if correction is not None:
        return correction
    clean = all(done.ending == "success" for done in last)
    if clean and stage < len(planned.stages):
        return _act(planned.stages[stage], first=stage == 0)
    return Answer(_report(planned, stage, situation.hops))


def _progress(hops: Sequence[Hop]) -> tuple[int, bool]:
    """How many stages were begun, and whether the last hop was the second attempt at one."""
    stage, repaired = 0, False
    previous: Hop = ()
    for hop in hops:
        repaired = not repaired and any(done.ending == "refused_arguments" for done in previous)
        stage += not repaired
        previous = hop
    return stage, repaired


def _act(calls: Sequence[PlannedCall], *, first: bool) -> Answer:
    names = _joined([f"`{label(call.tool.wire_name)}`" for call in calls])
    reasons = "; ".join(f"{call.because} leads to {label(call.tool.wire_name)}" for call in calls)
    together = " at the same time" if len(calls) > 1 else ""
    return Answer(
        text=f"{'I ask' if first else 'Next I ask'} {names}{together}.",
        reasoning=f"Looking for words that fit a tool: {reasons}.",
        calls=tuple(Call(call.tool.wire_name, call.arguments) for call in calls),
    )


def _correction(hop: Hop, situation: Situation) -> Answer | None:
    """A second attempt at the calls whose arguments were refused, where they can be made to fit."""
    calls, lines = [], []
    for done in hop:
        errors = validation_errors(done.result)
        tool = situation.tools.named(done.call.wire_name) if errors else None
        better = corrected(tool, done.call.arguments, errors) if tool else None
        if better is not None:
            calls.append(Call(done.call.wire_name, better.arguments))
            lines += [f"- {change}" for change in better.changes]
    if not calls:
        return None
    return Answer(
        text="Some arguments were refused. I correct them and call again:\n\n" + "\n".join(lines),
        reasoning="The result names the arguments that do not fit; the tool's schema says what would.",
        calls=tuple(calls),
    )


def _report(planned: Plan, begun: int, hops: Sequence[Hop]) -> str:
    done = _last_attempts(hops)
    parts = [summarise(done)]
    if any(call.ending != "success" for call in done):
        left = sum(len(stage) for stage in planned.stages[begun:])
        parts.append(_remark(done, left))
    parts += [f"I could not do one thing you asked for: {reason}" for reason in planned.missing]
    return "\n\n".join(part for part in parts if part)


def _last_attempts(hops: Sequence[Hop]) -> list[DoneCall]:
    """All calls in order, without those that were made again with other arguments."""
    kept: list[DoneCall] = []
    for place, hop in enumerate(hops):
        again = hops[place + 1] if place + 1 < len(hops) and _progress(hops[: place + 2])[1] else ()
        names = {call.call.wire_name for call in again}
        kept += [call for call in hop if call.ending != "refused_arguments" or call.call.wire_name not in names]
    return kept


def _remark(done: Sequence[DoneCall], left: int) -> str:
    endings = {call.ending for call in done}
    parts = []
    if "declined" in endings:
        parts.append("I respect that and do not try again.")
    if "failed" in endings:
        parts.append("I do not repeat a failed call by myself.")
    if any(_SERVER_GONE.search(call.result) for call in done if call.ending == "failed"):
        parts.append("It looks as if the server went away: the list of servers shows why, and can restart it.")
    if "refused_arguments" in endings:
        parts.append("I know no arguments that would fit.")
    if left:
        parts.append(f"What should have followed ({left} {'call' if left == 1 else 'calls'}) I left out.")
    return " ".join(parts)


def _joined(names: Sequence[str]) -> str:
    counted = [name if names.count(name) == 1 else f"{names.count(name)} x {name}" for name in dict.fromkeys(names)]
    return counted[0] if len(counted) == 1 else f"{', '.join(counted[:-1])} and {counted[-1]}"
