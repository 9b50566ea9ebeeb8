"""Which file belongs to which conversation.  Paths are made from generated ids only, never from titles."""

from __future__ import annotations

import re
from pathlib import Path

from mcp_tui.errors import ConversationNotFound

_ID = re.compile(r"[0-9a-hjkmnp-tv-z]{26}")
_OWNED = re.compile(r"([0-9a-hjkmnp-tv-z]{26})\..+")
_JOURNAL = re.compile(r"([0-9a-hjkmnp-tv-z]{26})(?:\.([1-9][0-9]{0,3}))?\.jsonl")


def is_id(text: str) -> bool:
    """Whether ``text`` is an id as `mcp_tui.events.base.new_id` makes them."""
    return _ID.fullmatch(text) is not None


def check_id(conversation_id: str) -> None:
    """Raise `ConversationNotFound` for anything that `mcp_tui.events.base.new_id` cannot have made."""
    if not is_id(conversation_id):
        raise ConversationNotFound(f"There is no conversation {conversation_id[:40]!r}: ids have 26 characters.")


def journal_path(directory: Path, conversation_id: str, segment: int = 1) -> Path:
    """The journal's file; a second segment is begun when the disk failed under the first."""
    suffix = "" if segment == 1 else f".{segment}"
    return directory / f"{conversation_id}{suffix}.jsonl"


def lease_path(directory: Path, conversation_id: str) -> Path:
    """The file that a running turn holds locked."""
    return directory / f"{conversation_id}.lease"


def blob_directory(directory: Path, conversation_id: str) -> Path:
    """Where the conversation's large values are."""
    return directory / f"{conversation_id}.blobs"


def parse_journal_name(name: str) -> tuple[str, int] | None:
    """Conversation id and segment of a file name; None for other files."""
    match = _JOURNAL.fullmatch(name)
    return (match[1], int(match[2] or 1)) if match else None


def trash_directory(directory: Path) -> Path:
    """Where deleted conversations are until they are removed for good."""
    return directory / "trash"


def mark_path(directory: Path, conversation_id: str) -> Path:
    """When the conversation was deleted; only in the trash."""
    return directory / f"{conversation_id}.deleted"


def removed_path(directory: Path, conversation_id: str) -> Path:
    """A journal that is being removed for good, with everything that belongs to it; only in the trash."""
    return directory / f"{conversation_id}.removed"


def damaged_path(directory: Path, conversation_id: str) -> Path:
    """Lines that a repair took out of the log, as they were."""
    return directory / f"{conversation_id}.damaged"


def parse_first(name: str) -> str | None:
    """Conversation id of a first segment's file name; None for other files."""
    place = parse_journal_name(name)
    return place[0] if place and place[1] == 1 else None


def owner(name: str) -> str | None:
    """Id of the conversation that a file belongs to, whatever kind of file it is."""
    match = _OWNED.fullmatch(name)
    return match[1] if match else None


def is_part(name: str) -> bool:
    """Whether a conversation's file goes where its first segment goes."""
    return parse_first(name) is None and not name.endswith((".lease", ".deleted", ".removed", ".tmp"))
