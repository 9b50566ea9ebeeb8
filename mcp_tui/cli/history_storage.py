"""``mcp-tui history delete|restore|empty-trash|compact``: what becomes of files of conversations."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from mcp_tui.cli import EXIT_ERROR, EXIT_OK
from mcp_tui.cli.conversations import find_deleted
from mcp_tui.cli.history_output import count, list_data, local, print_json, print_lines, title_in_line, title_of
from mcp_tui.cli.options import Options
from mcp_tui.cli.progress import Progress
from mcp_tui.cli.stored import find_all, listed
from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.engine.history import Library, TrashedConversation
from mcp_tui.errors import HistoryError, UsageError
from mcp_tui.safety.text import prose


async def delete(library: Library, options: Options) -> int:
    """Move conversations into the trash."""
    found = await find_all(library, options.ids)
    _confirm(options, f"Move {_words(found)} to the trash?")
    done: list[ConversationSummary] = []
    try:
        for summary in found:
            await library.delete(summary.id)
            done.append(summary)
    finally:
        _tell(options, done, "moved to the trash", hint="(mcp-tui history restore ID brings it back)")
    return EXIT_OK


async def list_trash(library: Library, options: Options) -> int:
    """What is in the trash, last deleted first."""
    trashed = (await library.trash())[: options.limit]
    if options.json:
        print_json([
            {**list_data(entry.summary), "deleted": entry.deleted_at.isoformat()} for entry in trashed
        ])  # fmt: skip
        return EXIT_OK
    print_lines(map(_trash_row, trashed))
    print_lines([] if trashed else ["The trash is empty."])
    return EXIT_OK


def _trash_row(entry: TrashedConversation) -> str:
    before = f"{entry.summary.id}  deleted {local(entry.deleted_at)}  "
    return f"{before}{title_in_line(entry.summary, len(before))}"


async def restore(library: Library, options: Options) -> int:
    """Take conversations back out of the trash."""
    found = _deleted(await library.trash(), options.ids)
    done: list[ConversationSummary] = []
    try:
        for summary in found:
            await library.restore(summary.id)
            done.append(summary)
    finally:
        _tell(options, done, "restored")
    return EXIT_OK


async def empty_trash(library: Library, options: Options) -> int:
    """Remove deleted conversations for ever."""
    trashed = await library.trash()
    found = _deleted(trashed, options.ids) if options.ids else [entry.summary for entry in trashed]
    if found:
        _confirm(options, f"Remove {_words(found)} for ever?")
        await library.empty_trash([summary.id for summary in found])
    _tell(options, found, "removed for ever")
    if not found and not options.json:
        print_lines(["The trash is empty."])
    return EXIT_OK


async def compact(library: Library, options: Options) -> int:
    """Remove superseded parts of answers from some files, or all; one that cannot be does not keep the others."""
    if options.ids:
        found = await find_all(library, options.ids)
    else:
        found = [summary for summary in await listed(library) if not summary.newer_schema]
    sizes = {summary.id: summary.size for summary in found}
    removed, failed = dict.fromkeys(sizes, 0), dict[str, str]()
    with Progress() as progress:
        for number, key in enumerate(removed, 1):
            progress.show(f"compacting: conversation {number:,} of {len(found):,}")
            try:
                removed[key] = await library.compact(key)
            except HistoryError as error:
                failed[key] = str(error)
    code = EXIT_ERROR if failed else EXIT_OK
    after = {summary.id: summary.size for summary in await listed(library)}
    saved = {key: sizes[key] - after.get(key, 0) for key in removed}
    if options.json:
        print_json([
            {"id": key, "removed": parts, "bytes": saved[key], "problem": failed.get(key, "")}
            for key, parts in removed.items()
        ])  # fmt: skip
        return code
    print_lines(f"{key}: {count(parts, 'superseded part')} removed" for key, parts in removed.items() if parts)
    print_lines(f"{key}: {problem}" for key, problem in failed.items())
    freed = max(0, sum(saved[key] for key, parts in removed.items() if parts))
    looked, gone = count(len(found), "conversation"), count(sum(removed.values()), "superseded part")
    print_lines([f"{looked} looked at, {gone} removed, {count(freed, 'byte')} freed"])
    return code


def _deleted(trashed: Sequence[TrashedConversation], wanted: Sequence[str]) -> list[ConversationSummary]:
    """Every one that was named, each once.  Raises before anything was done when one is not there."""
    known = [entry.summary for entry in trashed]
    return list({(found := find_deleted(known, word)).id: found for word in wanted}.values())


def _words(found: Sequence[ConversationSummary]) -> str:
    return f"“{title_of(found[0])}”" if len(found) == 1 else f"{len(found)} conversations"


def _confirm(options: Options, question: str) -> None:
    """Ask on the terminal.  Raises `UsageError` where the answer is no, or where nobody can be asked."""
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("Nobody can be asked here.", hint="Add --yes if you mean it; nothing was done.")
    sys.stderr.write(prose(f"{question} [y/N] "))
    sys.stderr.flush()
    with _stopped_by_ctrl_c():
        answer = sys.stdin.readline()
    if not answer.endswith("\n"):
        sys.stderr.write("\n")
    if answer.strip().casefold() not in ("y", "yes"):
        raise UsageError("Nothing was done.")


@contextmanager
def _stopped_by_ctrl_c() -> Iterator[None]:
    """The event loop, which waits here with everybody else, would only take note of it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _tell(options: Options, found: Sequence[ConversationSummary], done: str, *, hint: str = "") -> None:
    if options.json:
        print_json([{"id": summary.id, "title": summary.title} for summary in found])
        return
    print_lines(f"{done}: {summary.id}  {title_of(summary)}" for summary in found)
    print_lines([hint] if hint and found else [])
