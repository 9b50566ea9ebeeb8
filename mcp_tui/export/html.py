"""HTML: one page that needs nothing else, light and dark, its calls folded; nothing in it can act or load.

There is no script in the page and its policy allows none: one style sheet, by its hash, and images whose bytes
stand in the page.  A browser that knew no policy would still find nothing: outside text is only ever written by
`html_text.words`, into elements without handlers.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from mcp_tui.conversation.items import AssistantItem, Item, NoticeItem, ToolCallItem, UserItem
from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.events.base import EventBase
from mcp_tui.events.content import ImageContent
from mcp_tui.export import account
from mcp_tui.export.account import Account
from mcp_tui.export.html_text import answer, code, typed, words
from mcp_tui.safety.text import strict

MOST_IMAGE = 4_000_000
"""Characters of base64 of an image that the page holds."""

_IMAGES = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif", b"RIFF": "webp"}
"""How pictures begin that are pixels and nothing else -> subtype."""

_FAILED = frozenset({"error", "timeout", "invalid_arguments", "invalid_result", "unknown"})


def export_html(
    events: Sequence[EventBase], summary: ConversationSummary, *, masked: int = 0, missing: str = ""
) -> Iterator[str]:
    """The conversation as one page; see `mcp_tui.export.base.Exporter`."""
    told = Account.of(events, summary, masked, missing)
    yield _head(told.title)
    facts = "".join(f"<div><dt>{words(name)}</dt><dd>{words(said)}</dd></div>" for name, said in told.facts())
    yield f"<header><h1>{words(told.title)}</h1><dl>{facts}</dl></header>\n<main>\n"
    for item in told.transcript.items:
        yield f"{_item(item)}\n"
    yield "</main>\n<footer>Exported from mcp-tui.</footer>\n</body>\n</html>\n"


@lru_cache(maxsize=1)
def _style() -> tuple[str, str]:
    """The style sheet, and what a policy calls it."""
    text = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    return text, f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _head(title: str) -> str:
    style, allowed = _style()
    policy = f"default-src 'none'; style-src {allowed}; img-src data:; base-uri 'none'; form-action 'none'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{words(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n"
    )


def _item(item: Item) -> str:
    match item:
        case UserItem():
            return f'<article class="user" id="n{item.number}">{_by("You", item)}{typed(item.text)}</article>'
        case AssistantItem():
            return _answer(item)
        case ToolCallItem():
            return _call(item)
        case NoticeItem():
            return _notice(item)
    return ""


def _by(who: str, item: Item) -> str:
    when = f'<time datetime="{words(item.at.isoformat())}">{account.stamp(item.at)}</time>'
    return f'<h2>{words(who)} <a class="number" href="#n{item.number}">#{item.number}</a> {when}</h2>'


def _answer(item: AssistantItem) -> str:
    parts = [_by(strict(item.model) or "Model", item)]
    if item.reasoning.strip():
        parts.append(f'<details class="reasoning"><summary>Reasoning</summary>{answer(item.reasoning)}</details>')
    if item.text.strip():
        parts.append(answer(item.text))
    if facts := account.answer_facts(item):
        parts.append(f'<p class="facts">{words(facts)}</p>')
    return f'<article class="answer" id="n{item.number}">{"".join(parts)}</article>'


def _call(item: ToolCallItem) -> str:
    inside = []
    for part in account.call_parts(item):
        inside.append(f"<h3>{words(part.label)}</h3>")
        if part.text:
            inside.append(code(part.text))
        if part.image is not None:
            inside.append(_image(part.image))
    notes = "".join(f"<li>{words(note)}</li>" for note in account.call_notes(item))
    kind = "bad" if item.state in _FAILED else "refused" if item.state in ("denied", "cancelled") else "ok"
    return (
        f'<details class="call {kind}" id="n{item.number}"><summary><span class="tool">'
        f"{words(account.call_title(item))}</span> "
        f'<span class="preview">{words(account.call_preview(item))}</span> '
        f'<span class="state">{words(account.call_state(item))}</span></summary>'
        f"{''.join(inside)}{f'<ul class=notes>{notes}</ul>' if notes else ''}</details>"
    )


def _image(content: ImageContent) -> str:
    """A picture, when its bytes are one; its type is what they say, not what the server said."""
    if len(content.data) > MOST_IMAGE:
        return ""
    try:
        octets = base64.b64decode(content.data, validate=True)
    except (binascii.Error, ValueError):
        return ""
    subtype = next((name for begin, name in _IMAGES.items() if octets.startswith(begin)), "")
    if not subtype or (subtype == "webp" and octets[8:12] != b"WEBP"):
        return ""
    return f'<img alt="" src="data:image/{subtype};base64,{base64.b64encode(octets).decode()}">'


def _notice(item: NoticeItem) -> str:
    hint = f" ({item.hint})" if item.hint else ""
    return f'<p class="notice {item.severity}">{words(strict(f"{item.text}{hint}"))}</p>'
