"""A conversation as plain text, for a pipe or a terminal that cannot address its screen."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from mcp_tui.conversation.items import AssistantItem, Item, NoticeItem, ToolCallItem, UserItem
from mcp_tui.conversation.transcript import Transcript
from mcp_tui.events.base import EventBase
from mcp_tui.export.account import call_notes, call_parts, call_preview, call_state, call_title
from mcp_tui.export.masking import without_keys
from mcp_tui.safety.text import prose, strict


def text_lines(events: Sequence[EventBase]) -> Iterator[str]:
    """What was said and called, line by line, harmless; what looks like a key in a result is masked."""
    transcript = Transcript()
    for event in without_keys(events)[0]:
        transcript.apply(event)
    if transcript.title:
        yield strict(transcript.title)
    for item in transcript.items:
        yield ""
        yield from _item(item)


def _item(item: Item) -> Iterator[str]:
    number = f"#{item.number} " if item.number else ""
    time = f"{item.at.astimezone():%Y-%m-%d %H:%M}"
    match item:
        case UserItem():
            yield f"{number}you  {time}"
            yield from _body(item.text)
        case AssistantItem():
            yield f"{number}assistant  {strict(item.model)}  {time}"
            yield from _body(item.text)
            if item.problem is not None:
                yield f"  ! {strict(item.problem.message)}"
            elif not item.complete or item.streaming:
                yield "  ! incomplete"
        case ToolCallItem():
            yield f"{number}tool  {call_title(item)}  {call_preview(item)}  [{call_state(item)}]"
            for part in list(call_parts(item))[1:]:
                yield f"  {part.label}:"
                yield from _body(part.text, "    ")
            for note in call_notes(item):
                yield f"  {note}"
        case NoticeItem():
            yield f"  - {prose(item.text).strip()} {prose(item.hint).strip()}".rstrip()
        case _:
            yield f"  - {type(item).__name__}"


def _body(text: str, indent: str = "  ") -> Iterator[str]:
    yield from textwrap.indent(prose(text).rstrip(), indent).splitlines()
