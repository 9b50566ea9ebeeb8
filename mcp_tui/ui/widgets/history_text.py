"""The text of the history screen: columns, rows, hits, details."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content

from mcp_tui.safety.text import prose, shorten, strict
from mcp_tui.ui import formats

if TYPE_CHECKING:
    from mcp_tui.conversation.summary import ConversationSummary
    from mcp_tui.engine.history import SearchHit
    from mcp_tui.ui.history_rows import Entry

Part = tuple[str, str]
LEAST_TITLE = 20
MOST_MATCHES = 20
"""Different texts that are marked in a conversation."""
_KINDS = {"user": "$role-user", "assistant": "$role-assistant", "reasoning": "$role-reasoning", "title": "$primary"}


class Columns(NamedTuple):
    """How wide each column is for a width of the screen; 0: left out."""

    when: int
    title: int
    messages: int
    tools: int
    model: int
    cost: int
    servers: int
    tags: int
    size: int

    @classmethod
    def for_width(cls, width: int) -> Columns:
        """Columns that fit into ``width`` cells; the title takes what the others leave."""
        if width >= 150:
            parts = cls(17, 0, 5, 6, 24, 8, 22, 22, 10)
        elif width >= 115:
            parts = cls(17, 0, 5, 6, 18, 8, 16, 14, 0)
        elif width >= 95:
            parts = cls(11, 0, 5, 6, 16, 8, 13, 0, 0)
        elif width >= 72:
            parts = cls(11, 0, 5, 6, 12, 7, 10, 0, 0)
        elif width >= 52:
            parts = cls(11, 0, 5, 6, 0, 0, 0, 0, 0)
        else:
            parts = cls(6, 0, 0, 0, 0, 0, 0, 0, 0)
        return parts._replace(title=max(1, width - 1 - sum(parts)))


def head(columns: Columns) -> Content:
    """The line of column names."""
    words = ("when", "title", "msgs", "tools", "  model", "cost", "  servers", "  tags", "size")
    names = zip(columns._fields, columns, words, strict=True)
    cells = [_right(text, width) if name in _RIGHT else _left(text, width) for name, width, text in names if width]
    return Content.styled(" " + "".join(cells), "$muted")


_RIGHT = {"messages", "tools", "cost", "size"}


def row(entry: Entry, columns: Columns, words: Sequence[str], now: datetime, *, is_open: bool) -> Content:
    """One conversation; ``words`` of the filter are marked in its title."""
    stored = entry.stored
    parts: list[Part | Content] = [("*" if is_open else " ", "$accent bold")]
    parts.append((_left(when(stored.updated_at, now, columns.when - 1), columns.when), "$muted"))
    parts.append(_title(entry, columns.title - 1, words))
    parts.append(" ")  # type: ignore[arg-type]
    if columns.messages:
        parts.append((_right(formats.count(stored.messages), columns.messages), ""))
    if columns.tools:
        parts.append((_right(formats.count(stored.tool_calls) if stored.tool_calls else "-", columns.tools), "$muted"))
    if columns.model:
        parts.append((_left(f"  {model(stored)}", columns.model), "$role-assistant"))
    if columns.cost:
        parts.append((_right(cost(stored), columns.cost), "$muted"))
    if columns.servers:
        parts.append((_left(f"  {_fitting(stored.servers, columns.servers - 3)}", columns.servers), "$role-tool"))
    if columns.tags:
        parts.append(
            (_left(f"  {_fitting([f'#{tag}' for tag in stored.tags], columns.tags - 3)}", columns.tags), "$accent")
        )
    if columns.size:
        parts.append((_right(formats.size(stored.size), columns.size), "$muted"))
    return Content.assemble(*parts)


def when(at: datetime, now: datetime, width: int) -> str:
    """A date on the person's calendar; of today the time."""
    local = at.astimezone()
    if local.date() == now.astimezone().date():
        return local.strftime("today %H:%M") if width >= 16 else local.strftime("%H:%M")
    if width >= 16:
        return local.strftime("%Y-%m-%d %H:%M")
    return local.strftime("%Y-%m-%d") if width >= 10 else local.strftime("%m-%d")


def name_of(stored: ConversationSummary) -> str:
    """Its title, made harmless; one that has none says what it is."""
    if stored.title.strip():
        return shorten(stored.title, 200)
    if stored.origin is not None and (stored.origin.title or stored.origin.source):
        return f"({_RELATION[stored.origin.kind]} {shorten(stored.origin.title or stored.origin.source, 100)})"
    return "(untitled)"


def quoted(stored: ConversationSummary) -> str:
    """Its name within a sentence."""
    return f"“{name_of(stored)}”" if stored.title.strip() else name_of(stored)


_RELATION = {
    "fork": "fork of",
    "verification": "verification of",
    "offline_replay": "replayed from",
    "import": "import from",
}


def _title(entry: Entry, width: int, words: Sequence[str]) -> Content:
    stored = entry.stored
    name = name_of(stored)
    title = Content.styled(name, "" if stored.title.strip() else "$muted")
    for word in words:
        start = name.casefold().find(word) if len(name.casefold()) == len(name) else -1
        if start >= 0:
            title = title.stylize("$accent bold underline", start, start + len(word))
    mark = "" if entry.branch or stored.origin is None else _RELATION_MARKS.get(stored.origin.kind, "")
    badges = [text for text, shown in (("demo", stored.demo), ("newer release", stored.newer_schema)) if shown]
    badge = "".join(f" {text}" for text in badges)
    room = max(1, width - len(badge))
    left = Content.assemble((entry.branch, "$muted"), (mark, "$muted"), title).truncate(room, ellipsis=True, pad=True)
    return Content.assemble(left, (badge, "$warning"))


_RELATION_MARKS = {"fork": "↳ ", "verification": "= ", "offline_replay": "» ", "import": "« "}


def model(stored: ConversationSummary) -> str:
    """The model that answered last, without its provider; how many others there were."""
    last = stored.model or (stored.models[-1] if stored.models else "")
    if not last:
        return "-"
    others = len(set(stored.models) - {last})
    return strict(last.rpartition("/")[2] or last) + (f" +{others}" if others else "")


def cost(stored: ConversationSummary) -> str:
    """What is known of its cost, in cents: columns are compared."""
    return dollars(stored.cost) if stored.cost is not None else "-"


def dollars(amount: float) -> str:
    """To the cent: ``$1,204.50``, ``<$0.01``."""
    return f"${amount:,.2f}" if amount >= 0.005 or amount <= 0 else "<$0.01"


def tags(stored: ConversationSummary) -> str:
    """``#work #later``."""
    return " ".join(f"#{strict(tag)}" for tag in stored.tags)


def details(stored: ConversationSummary, *, is_open: bool) -> tuple[Part, ...]:
    """What the columns have no room for, in a line."""
    parts: list[Part] = []
    if is_open:
        parts.append(("open  ", "$accent bold"))
    if stored.newer_schema:
        parts.append(("written by a newer release: can be read, not changed  ", "$warning"))
    if stored.tags:
        parts.append((f"{tags(stored)}  ", "$accent"))
    if stored.origin is not None:
        what = shorten(stored.origin.title or stored.origin.source, 50) or stored.origin.conversation_id
        parts.append((f"{_RELATION[stored.origin.kind]} ", "$muted"))
        parts.append((f"{strict(what)}  ", "$foreground"))
        if stored.origin.kind == "fork" and stored.copied.messages:
            shared = formats.plural(stored.copied.messages, "message")
            parts.append((f"after {shared}, {stored.own.messages} here  ", "$muted"))
    if stored.copied.cost:
        own = dollars(stored.own.cost or 0.0)
        parts.append((f"{own} here, {dollars(stored.copied.cost)} came with it  ", "$muted"))
    parts.append((f"begun {formats.local_date(stored.created_at)}  ", "$muted"))
    parts.append((f"{formats.plural(stored.events, 'event')}, {formats.size(stored.size)}  ", "$muted"))
    if len(stored.models) > 1:
        names = ", ".join(strict(name.rpartition("/")[2] or name) for name in stored.models)
        parts.append((f"{names}  ", "$role-assistant"))
    return tuple(parts)


def hit(found: SearchHit, width: int) -> Content:
    """One place where the search matched."""
    name, more = found.label or found.kind, ""
    if found.kind in ("assistant", "reasoning"):
        name = name.rpartition("/")[2] or name
    if found.kind == "reasoning":
        more = " (thinking)" if width >= 100 else " thinks"
    label = shorten(name, (28 if width >= 100 else 18) - len(more)) + more
    style = _KINDS.get(found.kind, "$role-tool")
    arrow = {"call": "→ ", "result": "← "}.get(found.kind, "")
    parts: list[Part] = [
        (f" {found.at.astimezone():%H:%M} ", "$muted"),
        (_left(arrow + label, 30 if width >= 100 else 20), style),
    ]
    return Content.assemble(*parts, *_snippet(found))


def matches_of(hits: Sequence[SearchHit], words: Sequence[str]) -> tuple[str, ...]:
    """What is to be marked where ``words`` were found: they, and how they stand in the texts; capitals do not count."""
    found = (hit.snippet[first:behind] for hit in hits for first, behind in hit.marks)
    return tuple({text.casefold(): text for text in (*words, *found) if text.strip()}.values())[:MOST_MATCHES]


def _snippet(found: SearchHit) -> list[Part]:
    """The snippet with its matches marked; each piece is made harmless by itself, so that marks stay where they are."""
    parts: list[Part] = []
    end = 0
    for first, behind in sorted(found.marks):
        first, behind = max(end, first), min(len(found.snippet), behind)
        if first >= behind:
            continue
        parts.append((_line(found.snippet[end:first]), ""))
        parts.append((_line(found.snippet[first:behind]), "$accent bold underline"))
        end = behind
    parts.append((_line(found.snippet[end:]), ""))
    return parts


def _line(text: str) -> str:
    return prose(text).replace("\n", " ")


def _fitting(names: Sequence[str], width: int) -> str:
    """Whole names as far as they fit, and how many more there are; of the first one at least its beginning."""
    shown = ""
    for number, name in enumerate(names):
        rest = len(names) - number - 1
        longer = f"{shown} {strict(name)}".strip()
        if number and len(longer) + (len(f" +{rest}") if rest else 0) > width:
            return f"{shown[: max(1, width - 3)]} +{rest + 1}"
        shown = longer
    return shown


def _left(text: str, width: int) -> str:
    content = Content(text).truncate(width - 1, ellipsis=True)
    return content.plain + " " * (width - content.cell_length)


def _right(text: str, width: int) -> str:
    content = Content(text).truncate(width, ellipsis=True)
    return " " * (width - content.cell_length) + content.plain
