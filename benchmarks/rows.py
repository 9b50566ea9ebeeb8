"""Rows of the table for the benchmarks of the conversation pane, which report dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.measure import Row

Results = Sequence[Mapping[str, Any]]
STALL_GOAL_MS = 50.0


def stream_markdown(results: Results) -> list[Row]:
    """A streamed answer: cost per line as it grows, worst stall, processor time beside Textual's own stream."""
    by_case = {(each["widget"], each["asked"], each["rate"]): each for each in results}
    pane = {key[1:]: each for key, each in by_case.items() if key[0] == "pane"}
    rows = []
    for rate in sorted({rate for _, rate in pane}):
        sizes = sorted(lines for lines, each_rate in pane if each_rate == rate)
        pace = f"{rate} chunks/s" if rate else "full rate"
        if len(sizes) > 1:
            rows.append(_per_line(pane[sizes[0], rate], pane[sizes[-1], rate], pace))
        rows += [_stall(pane[lines, rate], by_case.get(("textual", lines, rate)), pace) for lines in sizes]
    both = [key for key in pane if ("textual", *key) in by_case]
    rows += [_processor(pane[key], by_case["textual", *key]) for key in both]
    return rows


def _per_line(short: Mapping[str, Any], long: Mapping[str, Any], pace: str) -> Row:
    ours, floor = (each["cpu"] / each["lines"] * 1e6 for each in (long, short))
    name = f"Markdown stream, {pace}: cost of a line at {long['asked']} lines"
    note = f"floor: the same at {short['asked']} lines"
    return Row(name, ours, floor, "at most 1.2", "µs", note, ours / floor <= 1.2)


def _stall(ours: Mapping[str, Any], textual: Mapping[str, Any] | None, pace: str) -> Row:
    floor = textual["stall"] * 1e3 if textual else None
    stall = ours["stall"] * 1e3
    name = f"Markdown stream, {pace}, {ours['asked']} lines: worst stall"
    note = "floor: Textual's Markdown stream" if textual else ""
    return Row(name, stall, floor, f"under {STALL_GOAL_MS:.0f} ms", "ms", note, stall < STALL_GOAL_MS)


def _processor(ours: Mapping[str, Any], textual: Mapping[str, Any]) -> Row:
    pace = f"{ours['rate']} chunks/s" if ours["rate"] else "full rate"
    judged = ours["asked"] >= 4000
    return Row(
        f"Markdown stream, {pace}, {ours['asked']} lines: processor time",
        ours["cpu"],
        textual["cpu"],
        "at most 0.1" if judged else "",
        note=f"floor: Textual's Markdown stream; memory {ours['memory']:.0f} against {textual['memory']:.0f} MB",
        met=ours["cpu"] / textual["cpu"] <= 0.1 if judged else None,
    )


def long_conversation(results: Results) -> list[Row]:
    """Key to echo in a long conversation beside a short one; the first result is the short one."""
    short = results[0]
    return [
        Row(
            f"{each['messages']:.0f} messages: key to echo",
            each["echo"] * 1e3,
            short["echo"] * 1e3,
            "at most 1.2",
            "ms",
            f"floor: {short['messages']:.0f} messages; memory {each['memory']:.0f} against {short['memory']:.0f} MB",
            each["echo"] / short["echo"] <= 1.2,
        )
        for each in results[1:]
    ]


ADAPTERS: dict[str, Callable[[Results], list[Row]]] = {
    "stream_markdown": stream_markdown,
    "long_conversation": long_conversation,
}
"""Benchmark -> what makes rows of its dictionaries."""
