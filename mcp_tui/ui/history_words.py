"""What the history screen says where there is no list, and in the lines around it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from textual.content import Content

from mcp_tui.errors import ConfigError, McpTuiError
from mcp_tui.safety.text import prose, shorten, strict
from mcp_tui.ui import formats
from mcp_tui.ui.widgets.history_text import dollars, name_of

if TYPE_CHECKING:
    from mcp_tui.conversation.summary import ConversationSummary
    from mcp_tui.engine.history import IndexState
    from mcp_tui.ui.history_listing import Listing
    from mcp_tui.ui.history_search import HistorySearch

Part = tuple[str, str]


def explanation(search: HistorySearch, query: str, *, problem: str, reading: bool, empty: bool) -> Content:
    """What stands there instead of a list; ``problem``: why there is none, ``empty``: there is nothing at all."""
    title, text = _words(search, query, problem=problem, reading=reading, empty=empty)
    return Content.assemble((f"{title}\n\n", "$foreground"), (text, "$muted"))


def _words(search: HistorySearch, query: str, *, problem: str, reading: bool, empty: bool) -> tuple[str, str]:
    if problem:
        return "The history cannot be read.", prose(problem)
    if reading:
        return "Reading…", ""
    if search.problem:
        return "This search cannot be understood.", prose(search.problem)
    if search.active and not search.asked:
        return "Searching…", ""
    if search.active:
        words = "Words must all occur; the last one may go on after three letters. Esc goes back to all conversations."
        if search.more:
            words = "Only the latest places that might match were looked at; another word narrows them down.\n" + words
        if search.state is not None and not search.state.complete:
            words = "Not everything is in the index yet; hits come by themselves.\n" + words
        return f"Nothing was found for {strict(shorten(search.query, 60))}", words
    if empty:
        return (
            "There are no conversations yet.",
            "They appear here with their first input: Esc goes back, where you can type it.\n"
            "mcp-tui history import FILE brings in conversations from elsewhere.",
        )
    return (
        f"No title, tag, model or server matches {strict(shorten(query, 60))}",
        "Esc shows all conversations again; / searches everything that was said in them.",
    )


def title(
    listing: Listing, search: HistorySearch, place: Path | None, width: int, *, warning: str
) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """How many there are and are shown; on the right what they amount to, and where they are, or ``warning``."""
    total, shown = len(listing.conversations), len(listing.entries)
    words = formats.plural(total, "conversation")
    if shown != total:
        words = f"{shown:,}{'+' if search.more else ''} of {words}"
    left = (("history  ", "$primary bold"), (words if listing.read_once else "reading…", "$foreground"))
    if listing.reading is not None:
        done, there = listing.reading
        return left, ((f"reading {done:,} of {there:,}…", "$accent"),)
    if warning:
        room = max(len("! browsing only"), width - sum(len(text) for text, _ in left) - 4)
        return left, ((shorten(f"! {warning}", room), "$warning"),)
    order = "as a tree" if listing.memory.tree and not search.active else ""
    spent = dollars(listing.spent) if listing.spent else ""
    parts = [part for part in (order, spent, formats.size(listing.octets)) if part]
    taken = sum(len(text) for text, _ in left) + len("  ".join(parts)) + 6
    parts += [name] if (name := folder(place, max(0, width - taken))) else []
    return left, (("  ".join(parts), "$muted"),)


def hits_head(
    search: HistorySearch, current: ConversationSummary | None, hits: str, at: str
) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """The line between the two lists: how many ``hits`` there are in which conversation, and which one is current."""
    if not search.active:
        return (), ()
    if search.problem or not search.asked or current is None:
        return ((" ", ""),), ()
    return ((f"{hits} in ", "$muted"), (name_of(current), "$foreground bold")), ((at, "$muted"),)


def where(state: IndexState | None, width: int, *, searching: bool) -> Content:
    """What the line looks at; of a search, how much of it can be found yet (``state``)."""
    if not searching:
        return Content("in: titles, tags, models, servers" if width >= 70 else "")
    parts: list[Part] = []
    if state is None:
        parts.append(("starting  ", "$warning"))
    elif state.problem:
        parts.append((f"{prose(shorten(state.problem, 60))}  ", "$warning"))
    elif not state.complete:
        done, total = formats.size(state.done_bytes), formats.size(state.total_bytes)
        parts.append((f"index {state.share:.0%}, {done} of {total}  ", "$warning"))
    return Content.assemble(*parts, "in: all text")


def browsing_only(problem: McpTuiError) -> str:
    """Why no conversation can be continued, in a few words."""
    if isinstance(problem, ConfigError) and problem.problems:
        return f"browsing only: {formats.plural(len(problem.problems), 'problem')} in the configuration"
    return f"browsing only: {prose(shorten(problem.message, 60))}"


def folder(place: Path | None, room: int) -> str:
    """The folder of the files, from the person's home, its end where there is little room."""
    if place is None:
        return "in memory"
    if room < 12:
        return ""
    with suppress(ValueError, RuntimeError):
        place = Path("~") / place.relative_to(Path.home())
    text = strict(str(place))
    return text if len(text) <= room else f"…{text[-max(1, room - 1) :]}"
