"""The tool calls of all conversations, found without decoding the rest of the logs.

Files are searched a block at a time for lines that begin as a call's events do; only those are checked and
decoded, and of a result, which may be long, only how it ended; the first line says how many calls were only copied.
What is damaged is skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from mcp_tui.conversation.calls import CallHistory, CallRecord, by_time
from mcp_tui.errors import HistoryError
from mcp_tui.events.base import EventBase
from mcp_tui.events.codec import from_object
from mcp_tui.history import lines, names
from mcp_tui.history.base import OnProgress
from mcp_tui.history.blobs import Blobs
from mcp_tui.history.fs import FileSystem
from mcp_tui.history.reading import opened

_REPORT_EVERY = 20
"""Files."""
_CALL_EVENT = re.compile(
    rb'\n(\{"type":"(?:tool_call_(?:proposed|started|finished)|approval_decided|conversation_created)"[^\n]*)'
)
_STRING = rb'"(?:[^"\\]|\\.)*"'
_END = re.compile(
    rb'\{"type":"tool_call_finished","id":%b,"seq":[0-9]+,"at":%b,"conversation_id":%b,"turn_id":(?:null|%b),'
    rb'"call_id":"([^"\\]*)","outcome":"([a-z_]+)"' % ((_STRING,) * 4)
)
"""Anchored at the head of the line: what a server answered comes later and cannot be taken for it."""


def recorded_calls(directory: Path, fs: FileSystem, report: OnProgress | None = None) -> list[CallRecord]:
    """All recorded calls, by the time of their proposal.  A file that cannot be read is left out.

    ``report`` is told now and then how many files were read of how many; what it raises ends the reading.
    """
    try:
        found = sorted(place for name in fs.names(directory) if (place := names.parse_journal_name(name)))
    except OSError:
        return []
    histories: dict[str, CallHistory] = {}
    for count, (conversation_id, segment) in enumerate(found):
        if report is not None and not count % _REPORT_EVERY:
            report(count, len(found))
        history = histories.setdefault(conversation_id, CallHistory())
        blobs = Blobs(names.blob_directory(directory, conversation_id), fs)
        try:
            for event in _events(names.journal_path(directory, conversation_id, segment), blobs, fs):
                history.apply(event.model_copy(update={"conversation_id": conversation_id}))
        except (OSError, HistoryError):
            continue
    return by_time(record for history in histories.values() for record in history.records)


def _events(path: Path, blobs: Blobs, fs: FileSystem) -> Iterator[EventBase]:
    with opened(path, fs) as fd:
        size = fs.fstat(fd).st_size
        for block, _ in lines.read_blocks(lambda count, offset: fs.pread(fd, count, offset), 0, size):
            for match in _CALL_EVENT.finditer(b"\n" + block):
                event = None if lines.checksum_problem(match[1]) else _event(match[1], blobs)
                if event is not None:
                    yield event


def _event(raw: bytes, blobs: Blobs) -> EventBase | None:
    if end := _END.match(raw):
        value: dict[str, object] | None = {
            "type": "tool_call_finished", "call_id": end[1].decode("ascii"), "outcome": end[2].decode("ascii")
        }  # fmt: skip
    else:
        value = lines.decode(raw)
    try:
        return from_object(blobs.restore(raw, value)) if value is not None else None
    except (ValueError, RecursionError):
        return None
