"""The beginning of a long conversation, and what is around one of its events, read without the rest."""

from __future__ import annotations

from pathlib import Path

from mcp_tui.history import lines
from mcp_tui.history.base import StoredPart
from mcp_tui.history.ending import FIRST_LOOK, MOST, Files, from_a_turn, refusals
from mcp_tui.history.fs import FileSystem
from mcp_tui.history.reading import opened


def read_beginning(directory: Path, conversation_id: str, fs: FileSystem) -> StoredPart | None:
    """The first events; ``None`` where the conversation is short.  Raises as `read_end` does."""
    with refusals(conversation_id):
        files = Files.of(directory, conversation_id, fs)
        if files.short:
            return None
        path, size = files.segments[0]
        events = files.events(path, 0, min(FIRST_LOOK, size))
    return StoredPart(conversation_id, tuple(events), more_above=False, more_below=True) if events else None


def read_around(directory: Path, conversation_id: str, event_id: str, fs: FileSystem) -> StoredPart | None:
    """The turns around an event; ``None`` where the conversation is short, or the event is not found.

    Raises as `read_end` does.
    """
    with refusals(conversation_id):
        files = Files.of(directory, conversation_id, fs)
        found = None if files.short else _line_of(files, event_id)
        if found is None:
            return None
        segment, offset = found
        path, size = files.segments[segment]
        look = FIRST_LOOK
        while True:
            start, stop = max(0, offset - look), min(size, offset + look)
            around = files.events(path, start, stop)
            events = around if start == segment == 0 else from_a_turn(around)
            if any(event.id == event_id for event in events) or look >= MOST:
                break
            look = min(4 * look, MOST)
        if not any(event.id == event_id for event in events):
            events = around
        if not any(event.id == event_id for event in events):
            return None
        above = start > 0 or segment > 0
        head = [event for event in files.head() if event.seq < events[0].seq] if above else []
        below = stop < size or segment + 1 < len(files.segments)
        return StoredPart(conversation_id, (*head, *events), more_above=above, more_below=below)


def _line_of(files: Files, event_id: str) -> tuple[int, int] | None:
    """The segment, from 0, in which an event is, and where about its line begins there."""
    if not (event_id.isascii() and event_id.isalnum()):
        return None
    wanted = f'"id":"{event_id}"'.encode()
    for segment, (path, size) in enumerate(files.segments):
        with opened(path, files.fs) as fd:

            def pread(octets: int, offset: int, fd: int = fd) -> bytes:
                return files.fs.pread(fd, octets, offset)

            for block, end in lines.read_blocks(pread, 0, size):
                if (index := block.find(wanted)) >= 0:
                    return segment, end - len(block) + index
    return None
