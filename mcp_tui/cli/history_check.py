"""``mcp-tui history check``: what is damaged in the files of conversations, and how it is set aside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from mcp_tui.cli import EXIT_ERROR, EXIT_OK
from mcp_tui.cli.history_output import TITLE_WIDTH, UNTITLED, count, print_json, print_lines
from mcp_tui.cli.options import Options
from mcp_tui.cli.progress import Progress
from mcp_tui.engine.history import Library
from mcp_tui.history.base import CheckReport, ConversationCheck
from mcp_tui.safety.text import shorten

MOST_LINES = 10
"""Damaged lines of one conversation that are listed in words; with ``--json``, all of them."""


async def check(library: Library, options: Options) -> int:
    """Read every file; with ``--repair``, move damaged lines aside.  1 when something is still wrong."""
    with Progress() as progress:
        report = await library.check(
            repair=options.repair,
            on_progress=lambda done, total: progress.show(f"checking: {done / max(1, total):.0%}"),
        )
    if options.json:
        print_json(_data(report))
    else:
        print_lines(_lines(report, repair=options.repair))
    return EXIT_OK if report.clean else EXIT_ERROR


def _data(report: CheckReport) -> dict[str, Any]:
    return {
        "clean": report.clean,
        "conversations": [{**asdict(found), "clean": found.clean} for found in report.conversations],
        "foreign": list(report.foreign),
        "abandoned": list(report.abandoned),
    }


def _lines(report: CheckReport, *, repair: bool) -> Iterator[str]:
    """The damaged conversations one by one, then a sentence about all."""
    for found in report.conversations:
        told = list(_problems(found))
        if told:
            trash = " (in the trash)" if found.in_trash else ""
            yield f"{found.id}  {shorten(found.title or UNTITLED, TITLE_WIDTH)}{trash}"
            yield from (f"  {line}" for line in told)
    for name in report.foreign:
        yield f"not ours, left alone: {name}"
    for name in report.abandoned:
        yield f"left over by a program that died: {name} (--repair removes it once it is an hour old)"
    damaged = [found for found in report.conversations if not found.clean]
    events = sum(found.events for found in report.conversations)
    yield f"{count(len(report.conversations), 'conversation')}, {count(events, 'event')}: " + (
        f"{len(damaged)} damaged"
        if damaged
        else "what was damaged is set aside"
        if any(found.kept_aside for found in report.conversations)
        else "all is well"
    )
    if not repair and any(found.set_aside and found.events for found in damaged):
        yield "--repair moves damaged lines into a file beside the conversation; no good line is touched."


def _problems(found: ConversationCheck) -> Iterator[str]:
    """What is to be told of one conversation, a line each."""
    if found.problem:
        yield found.problem
    for line in found.set_aside[:MOST_LINES]:
        yield f"line {line.number}, byte {line.offset:,}: {'cut off before its end' if line.torn else line.reason}"
    if len(found.set_aside) > MOST_LINES:
        yield f"and {count(len(found.set_aside) - MOST_LINES, 'more line')} (--json has all)"
    if found.set_aside and not (found.events or found.problem):
        yield "no line of it can be read: a repair leaves it as it is"
    for first, last in found.gaps:
        yield f"event {first} is missing" if first == last else f"events {first} to {last} are missing"
    if found.repeated:
        yield f"{count(found.repeated, 'line')} with a number or an id that occurred before; a reader takes the first"
    for name in found.lost_blobs:
        yield f"a large value is missing or altered: {name}"
    if found.repaired:
        yield f"{count(found.repaired, 'line')} moved to {found.side_file}"
    elif found.kept_aside:
        yield f"{count(found.kept_aside, 'line')} set aside before, in {found.side_file}"
    if found.unused_blobs:
        yield f"{count(found.unused_blobs, 'large value')} that no line names ({found.unused_bytes:,} bytes), kept"
    if found.newer_schema:
        yield "written by a newer release: it can be read, not changed"
