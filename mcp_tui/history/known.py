"""What a writer must know of a journal's content: numbers, ids, and which fragments are superseded."""

from __future__ import annotations

from dataclasses import dataclass, field

from mcp_tui.events.base import SCHEMA_VERSION
from mcp_tui.history import lines


@dataclass(slots=True)
class Known:
    """What the journal holds, as far as appending and compaction need it."""

    seq_of: dict[str, int] = field(default_factory=dict)
    """Event id -> sequence number."""
    last_seq: int = 0
    newer_schema: bool = False
    fragments: dict[str, int] = field(default_factory=dict)
    """Message id -> fragments that nothing supersedes yet."""
    whole: set[str] = field(default_factory=set)
    """Messages that are there as a whole."""
    superseded: int = 0
    """Fragments that compaction would remove."""

    def add(self, head: lines.LineHead, raw: bytes) -> None:
        """Take note of a readable line."""
        self.seq_of.setdefault(head.id, head.seq)
        self.last_seq = max(self.last_seq, head.seq)
        if head.type in ("message_fragment", "assistant_message", "conversation_created"):
            value = lines.decode(raw) or {}
            self._add_message(head.type, value.get("message_id"))
            version = value.get("schema_version")
            self.newer_schema |= isinstance(version, int) and version > SCHEMA_VERSION

    def _add_message(self, kind: str, message_id: object) -> None:
        if not isinstance(message_id, str):
            return
        if kind == "assistant_message":
            self.whole.add(message_id)
            self.superseded += self.fragments.pop(message_id, 0)
        elif message_id in self.whole:
            self.superseded += 1
        else:
            self.fragments[message_id] = self.fragments.get(message_id, 0) + 1
