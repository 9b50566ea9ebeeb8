"""Conversations into files, and out of files: what `Library.export` and `Library.import_file` do off the event loop.

``export`` and ``importing`` are imported when they are used: hardly any run needs them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mcp_tui.config.private_files import replace_file, write_new
from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.engine.redaction import redacted
from mcp_tui.errors import ConversationNotFound, UsageError
from mcp_tui.events import turns
from mcp_tui.events.base import EventBase, derived_id
from mcp_tui.events.codec import to_object
from mcp_tui.history import names
from mcp_tui.history.base import HistoryStore, StoredConversation
from mcp_tui.safety.secrets import Redactor

if TYPE_CHECKING:
    from mcp_tui.importing.base import Imported, NotRead

MOST_DAMAGE = 5
"""Damaged lines that are named one by one."""


def export_pieces(
    stored: StoredConversation,
    summary: ConversationSummary,
    format: str,  # noqa: A002 - the word of the command line
    *,
    with_secrets: bool = False,
) -> Iterable[str]:
    """The text of an export.

    Raises `UsageError` for a format that there is none of, and for the events of a newer release: this one drops
    fields that it does not know.
    """
    if stored.newer_schema and format == "json":
        raise UsageError(
            "A newer release of mcp-tui wrote this conversation: its events cannot be written without loss.",
            hint="Export it there, or as Markdown or HTML.",
        )
    from mcp_tui.export.exporters import export

    return export(format, stored.events, summary, with_secrets=with_secrets, missing=stored.missing)


def paced(pieces: Iterable[str], pace: Callable[[], None]) -> Iterator[str]:
    """The same pieces, made at a pace that leaves the screen its time."""
    for piece in pieces:
        yield piece
        pace()


def default_name(summary: ConversationSummary, format: str) -> str:  # noqa: A002
    """A name for the file, made from the title."""
    from mcp_tui.export.exporters import file_name

    return file_name(summary, format)


def export_to(path: Path, pieces: Iterable[str], name: str, *, replace: bool = False) -> Path:
    """Write an export, whole or not at all, for its owner only; returns where it is.

    ``~`` is expanded; in a folder it gets ``name``.  Raises `UsageError`, also where there is a file already
    that may not be replaced.
    """
    target = Path(os.path.expanduser(path)).absolute()  # noqa: PTH111 - never raises
    try:
        if target.is_dir():
            target /= name
        (replace_file if replace else write_new)(target, pieces)
    except FileExistsError:
        raise UsageError(f"There is a file {target} already.", hint="Choose another name, or replace it.") from None
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror or type(error).__name__}.") from None
    return target


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of one conversation of a file."""

    status: Literal["imported", "changed", "present", "failed"]
    """``changed``: it is here already and differs, so it was stored as another one; ``present``: all of it is here;
    ``failed``: it could not be read."""
    conversation_id: str = ""
    """Where it is now."""
    title: str = ""
    notes: tuple[str, ...] = ()
    """What was left out, or why it failed, in sentences."""


def read_file(path: Path) -> Iterator[Imported | NotRead]:
    """The conversations in a file, one at a time.  Raises `UsageError`."""
    from mcp_tui.history.outside import read_outside
    from mcp_tui.importing import files, own
    from mcp_tui.importing.base import Malformed

    path = Path(os.path.expanduser(path)).absolute()  # noqa: PTH111 - never raises
    if not files.is_journal(path):
        yield from files.conversations(path)
        return
    stored = read_outside(path)
    if stored.newer_schema:
        raise UsageError(f"{path} cannot be imported: {own.NEWER}.")
    try:
        yield own.from_events(stored.id, stored.events, _damage(stored))
    except Malformed:
        raise UsageError(f"{path} holds no event of a conversation.", hint=files.EXPECTED) from None


def _damage(stored: StoredConversation) -> list[str]:
    notes = [f"Line {line.number} was left out: {line.reason}." for line in stored.set_aside[:MOST_DAMAGE]]
    if len(stored.set_aside) > MOST_DAMAGE:
        notes.append(f"{len(stored.set_aside) - MOST_DAMAGE} more lines were left out.")
    return notes


async def take_in(found: Imported, store: HistoryStore, redactor: Redactor) -> ImportResult:
    """Store an imported conversation, unless all of it is here.  Raises `HistoryError`.

    One whose id is taken by something else gets another, made from what it holds: a third import finds it.
    """
    events = [redacted(event, redactor) for event in found.events]
    conversation_id = found.conversation_id
    if not names.is_id(conversation_id):
        conversation_id = derived_id(events[0].at, conversation_id, *(event.id for event in events))
    statuses: tuple[Literal["imported"], Literal["changed"]] = ("imported", "changed")
    for status in statuses:
        present = await _present(conversation_id, store)
        if present is None:
            await store.create(conversation_id, events)
            return ImportResult(status, conversation_id, found.title, found.notes)
        if _holds(present, events):
            break
        conversation_id = derived_id(events[0].at, found.conversation_id, *(event.id for event in events))
        events = _named(events, found)
    return ImportResult("present", conversation_id, found.title, found.notes)


async def _present(conversation_id: str, store: HistoryStore) -> StoredConversation | None:
    try:
        return await store.read(conversation_id)
    except ConversationNotFound:
        return None


def _holds(stored: StoredConversation, events: Iterable[EventBase]) -> bool:
    """Whether all events are there; parts of answers that are there as a whole may be gone."""
    there = {event.id: _comparable(event) for event in stored.events}
    return all(
        there.get(event.id) == _comparable(event) for event in events if not isinstance(event, turns.MessageFragment)
    )


def _comparable(event: EventBase) -> dict[str, Any]:
    """What an event says, wherever it is stored."""
    return {key: value for key, value in to_object(event).items() if key not in ("seq", "conversation_id", "origin")}


def _named(events: list[EventBase], found: Imported) -> list[EventBase]:
    """A second version of a conversation: it names the first."""
    first = events[0]
    assert isinstance(first, turns.ConversationCreated)
    origin = turns.Origin(
        kind="import",
        conversation_id=found.conversation_id,
        event_id=events[-1].id,
        title=found.title,
        source=found.source,
        copied=len(events) - 1,
    )
    return [first.model_copy(update={"origin": origin}), *events[1:]]
