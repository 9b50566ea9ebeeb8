"""``mcp-tui history list|show|search|...``: the stored conversations without the app.  Starts nothing."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from typing import Any

from mcp_tui.cli import EXIT_ERROR, EXIT_OK
from mcp_tui.cli.conversation_text import text_lines
from mcp_tui.cli.conversations import SHORT_ID
from mcp_tui.cli.history_check import check
from mcp_tui.cli.history_output import (
    TITLE_WIDTH,
    UNTITLED,
    count,
    list_data,
    local,
    money,
    print_json,
    print_lines,
    title_in_line,
)
from mcp_tui.cli.history_storage import compact, delete, empty_trash, list_trash, restore
from mcp_tui.cli.options import Options
from mcp_tui.cli.progress import Progress
from mcp_tui.cli.standard_output import write
from mcp_tui.cli.stored import find_in, listed, opened_library
from mcp_tui.conversation.calls import CallRecord
from mcp_tui.conversation.summary import ConversationSummary, together
from mcp_tui.engine.history import Library
from mcp_tui.errors import UsageError
from mcp_tui.events.codec import to_object
from mcp_tui.export.masking import without_keys
from mcp_tui.history.search import SearchHit, parse_query
from mcp_tui.safety.text import prose, shorten

MOST_HITS = 20
"""Hits of a search without ``--limit``."""
MOST_TOOLS = 15
"""Tools that ``stats`` names in words; with ``--json``, all of them."""

Work = Callable[[Library, Options], Coroutine[Any, Any, int]]


async def _list(library: Library, options: Options) -> int:
    if options.trash:
        return await list_trash(library, options)
    stored = await listed(library)
    words = [word.casefold() for word in options.words]
    rows = [s for s in stored if all(word in f"{s.title} {' '.join(s.tags)}".casefold() for word in words)]
    rows = rows[: options.limit]
    if options.json:
        print_json([list_data(summary) for summary in rows])
        return EXIT_OK
    if not rows:
        print_lines(["No conversation has all of these words." if words else "There is no conversation yet."])
        return EXIT_OK
    print_lines([f"{'id':<{SHORT_ID}}  {'changed':<16}  {'msgs':>5} {'tools':>5} {'cost':>8}  title"])
    print_lines(_row(summary) for summary in rows)
    return EXIT_OK


def _row(summary: ConversationSummary) -> str:
    tags = "".join(f" #{tag}" for tag in summary.tags)
    notes = {"fork": " (fork)", "verification": "", "offline_replay": " (offline replay)", "import": " (imported)"}
    origin = notes[summary.origin.kind] if summary.origin is not None else ""
    demo = " (demo)" if summary.demo else " (cannot be read)" if not summary.events else ""
    before = (
        f"{summary.id[:SHORT_ID]}  {local(summary.updated_at)}  {summary.messages:>5} {summary.tool_calls:>5} "
        f"{money(summary.cost):>8}  "
    )
    after = f"{origin}{demo}{tags}"
    return f"{before}{title_in_line(summary, len(before) + len(after))}{after}"


async def _show(library: Library, options: Options) -> int:
    summary = await find_in(library, options.id)
    stored = await library.read(summary.id)
    if stored.missing:
        sys.stderr.write(f"mcp-tui: {stored.missing}\n")
    if options.json:
        events, _ = without_keys(stored.events)
        print_json({**list_data(summary), "events": [to_object(event) for event in events]})
    else:
        for line in text_lines(stored.events):
            write(f"{line}\n")
    return EXIT_OK


async def _update_index(library: Library) -> None:
    """The first time takes a while: how far it is stands in the terminal meanwhile."""
    updating = asyncio.create_task(library.update_index())
    with Progress() as progress:
        while not (await asyncio.wait({updating}, timeout=0.25))[0]:
            if library.index_state.total_bytes:
                progress.show(f"indexing: {library.index_state.share:.0%}")
    await updating


async def _search(library: Library, options: Options) -> int:
    query = " ".join(options.words)
    if parse_query(query).empty:  # what cannot be searched is said before anything is indexed
        raise UsageError("Search for what?", hint="For example: mcp-tui history search timeout status:error")
    await _update_index(library)
    page = await library.search(query, limit=options.limit or MOST_HITS)
    if page.state.problem or not page.state.complete:
        missing = page.state.problem or f"{page.state.share:.0%} of the history is indexed so far."
        sys.stderr.write(prose(f"note: {missing}\n"))
    if options.json:
        print_json([_hit_data(hit) for hit in page.hits])
    else:
        print_lines(_hit_lines(page.hits))
        nothing = ["No hits."] if not page.state.problem else []
        print_lines([f"more than {len(page.hits)} hits (--limit N)"] if page.more else [] if page.hits else nothing)
    return EXIT_ERROR if page.state.problem and not page.hits else EXIT_OK


def _hit_data(hit: SearchHit) -> dict[str, Any]:
    return {
        "conversation_id": hit.conversation_id,
        "title": hit.title,
        "event_id": hit.event_id,
        "seq": hit.seq,
        "at": hit.at.isoformat(),
        "kind": hit.kind,
        "label": hit.label,
        "snippet": hit.snippet,
        "marks": [list(mark) for mark in hit.marks],
    }


def _hit_lines(hits: Sequence[SearchHit]) -> Iterator[str]:
    """Hits below the title of their conversation."""
    last = ""
    for hit in hits:
        if hit.conversation_id != last:
            last = hit.conversation_id
            yield f"{last[:SHORT_ID]}  {shorten(hit.title or UNTITLED, TITLE_WIDTH)}"
        yield f"  {local(hit.at)}  {hit.kind:<9} {hit.label}: {hit.snippet}"


async def _rename(library: Library, options: Options) -> int:
    summary = await find_in(library, options.id)
    title = await library.rename(summary.id, options.title)
    return _changed(options, {"id": summary.id, "title": title}, [f"renamed {summary.id}: {title}"])


async def _tag(library: Library, options: Options) -> int:
    summary = await find_in(library, options.id)
    gone = {tag.casefold() for tag in options.remove}
    tags: tuple[str, ...] = summary.tags
    if options.tags or gone:
        tags = await library.tag(summary.id, [tag for tag in (*summary.tags, *options.tags) if tag not in gone])
    words = " ".join(f"#{tag}" for tag in tags) or "no tags"
    return _changed(options, {"id": summary.id, "tags": list(tags)}, [f"{summary.id}: {words}"])


async def _stats(library: Library, options: Options) -> int:
    stored = await listed(library)
    with Progress() as progress:
        calls = await library.tool_calls(
            lambda done, total: progress.show(f"looking for tool calls: {done / max(1, total):.0%}")
        )
    data = stats_data(stored, calls)
    if options.json:
        print_json(data)
        return EXIT_OK
    print_lines([
        f"{count(data['conversations'], 'conversation')}, {count(data['messages'], 'message')}, "
        f"{count(data['tool_calls'], 'tool call')}, "
        f"{money(data['cost'])}, {data['bytes'] / 1e6:.1f} MB"
    ])  # fmt: skip
    print_lines(f"  {times:>6}  {model}" for model, times in data["models"].items())
    tools = sorted(data["tools"].items(), key=lambda entry: -entry[1]["calls"])
    print_lines(_tool_row(name, counts) for name, counts in tools[:MOST_TOOLS])
    if len(tools) > MOST_TOOLS:
        print_lines([f"  and {len(tools) - MOST_TOOLS} more tools (--json has all)"])
    return EXIT_OK


def stats_data(stored: Sequence[ConversationSummary], calls: Sequence[CallRecord]) -> dict[str, Any]:
    """Sums over all conversations, what a fork copied counted once: models by conversations, tools by calls."""
    outcomes: dict[str, Counter[str]] = {}
    for call in calls:
        outcomes.setdefault(f"{call.server}.{call.name}", Counter())[call.outcome or "unfinished"] += 1
    amounts = together(stored)
    models = Counter(model for summary in stored for model in summary.models)
    return {
        "conversations": len(stored),
        "messages": amounts.messages,
        "tool_calls": amounts.tool_calls,
        "cost": amounts.cost,
        "bytes": sum(summary.size for summary in stored),
        "models": dict(models.most_common()),
        "tools": {name: {"calls": counts.total(), **counts} for name, counts in sorted(outcomes.items())},
    }


def _tool_row(name: str, counts: Mapping[str, int]) -> str:
    rest = ", ".join(f"{times} {outcome}" for outcome, times in counts.items() if outcome != "calls")
    return f"  {counts['calls']:>6}  {name}: {rest}"


def _changed(options: Options, data: Any, words: Iterable[str]) -> int:
    if options.json:
        print_json(data)
    else:
        print_lines(words)
    return EXIT_OK


def _command(work: Work) -> Callable[[Options], int]:
    async def main(options: Options) -> int:
        async with opened_library() as library:
            return await work(library, options)

    return lambda options: asyncio.run(main(options))


COMMANDS: dict[str, Callable[[Options], int]] = {
    "history_list": _command(_list),
    "history_show": _command(_show),
    "history_search": _command(_search),
    "history_rename": _command(_rename),
    "history_tag": _command(_tag),
    "history_stats": _command(_stats),
    "history_delete": _command(delete),
    "history_restore": _command(restore),
    "history_empty_trash": _command(empty_trash),
    "history_compact": _command(compact),
    "history_check": _command(check),
}
"""Command -> what runs it."""
