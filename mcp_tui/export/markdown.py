"""Markdown: readable as it stands and wherever it is rendered; tool calls are folded."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from mcp_tui.conversation.items import AssistantItem, Item, NoticeItem, ToolCallItem, UserItem
from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.events.base import EventBase
from mcp_tui.export import account
from mcp_tui.export.account import Account
from mcp_tui.export.markdown_text import answer, escaped, fence, typed
from mcp_tui.safety.text import strict


def export_markdown(
    events: Sequence[EventBase], summary: ConversationSummary, *, masked: int = 0, missing: str = ""
) -> Iterator[str]:
    """The conversation as one document; see `mcp_tui.export.base.Exporter`."""
    told = Account.of(events, summary, masked, missing)
    yield _lines(f"# {escaped(told.title)}", "", *(f"- {name}: {escaped(words)}" for name, words in told.facts()))
    for item in told.transcript.items:
        yield _lines("", *_item(item))
    yield _lines("", "---", "", "Exported from mcp-tui.")


def _lines(*lines: str) -> str:
    return "".join(f"{line}\n" for line in lines)


def _item(item: Item) -> list[str]:
    match item:
        case UserItem():
            return [f"## You, {account.stamp(item.at)}", "", *typed(item.text)]
        case AssistantItem():
            return _answer(item)
        case ToolCallItem():
            return _call(item)
        case NoticeItem():
            return _notice(item)
    return []


def _answer(item: AssistantItem) -> list[str]:
    lines = [f"## {escaped(strict(item.model) or 'Model')}, {account.stamp(item.at)}"]
    if item.reasoning.strip():
        lines += ["", *_folded("Reasoning", answer(item.reasoning))]
    if item.text.strip():
        lines += ["", *answer(item.text)]
    if facts := account.answer_facts(item):
        lines += ["", f"*{escaped(facts)}*"]
    return lines


def _call(item: ToolCallItem) -> list[str]:
    inside: list[str] = []
    for part in account.call_parts(item):
        inside += ["", f"{escaped(part.label)}:" if part.text else escaped(part.label)]
        if part.text:
            inside += ["", *fence(part.text, part.language or "text")]
    notes = [f"- {escaped(note)}" for note in account.call_notes(item)]
    if notes:
        inside += ["", *notes]
    title = f"Tool <code>{html.escape(account.call_title(item), quote=False)}</code>"
    preview = account.call_preview(item)
    words = f"{title} {html.escape(preview, quote=False)}" if preview else title
    return _folded(f"{words} ({html.escape(account.call_state(item), quote=False)})", inside, summary_is_html=True)


def _folded(summary: str, inside: list[str], *, summary_is_html: bool = False) -> list[str]:
    """As GitHub folds it; the blank line makes what is inside Markdown again."""
    head = summary if summary_is_html else html.escape(summary, quote=False)
    return ["<details>", f"<summary>{head}</summary>", "", *_trimmed(inside), "", "</details>"]


def _trimmed(lines: list[str]) -> list[str]:
    return lines[1:] if lines and not lines[0] else lines


def _notice(item: NoticeItem) -> list[str]:
    prefix = "" if item.severity == "information" else f"{item.severity}: "
    words = " ".join(part for part in (item.text, item.hint and f"({item.hint})") if part)
    return [f"*{escaped(strict(prefix + words))}*"]
