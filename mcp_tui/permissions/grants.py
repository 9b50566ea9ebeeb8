"""Tools that the person allowed for the rest of a conversation.

The grants are a fold of the conversation's own log: they begin and end with it, and hold
only for the definition of the tool that was decided on.  What a fork copied, or what was imported,
was decided in another conversation: it asks again.
"""

from __future__ import annotations

from mcp_tui.events import tools, turns
from mcp_tui.events.base import EventBase
from mcp_tui.permissions.base import CallFacts, Verdict


class ConversationGrants:
    """A `Rule` that allows what was allowed "for this conversation"."""

    def __init__(self) -> None:
        self._proposed: dict[str, tuple[str, str]] = {}
        self._granted: set[tuple[str, str, str, str]] = set()
        self._copied_until = 0
        """Position of the last event that was copied from elsewhere."""

    def apply(self, event: EventBase) -> None:
        """Fold one event."""
        match event:
            case turns.ConversationCreated(origin=turns.Origin() as origin):
                self._copied_until = max(self._copied_until, event.seq + origin.copied)
            case tools.ToolCallProposed():
                self._proposed[event.call_id] = (event.server, event.name)
            case tools.ApprovalDecided(action="allow", scope="conversation", by="user") if self._decided_here(event):
                server, name = self._proposed.get(event.call_id, ("", ""))
                if server:
                    self._granted.add((server, name, event.tool_digest, event.tool_pin))
            case _:
                pass

    def _decided_here(self, event: EventBase) -> bool:
        return not self._copied_until or event.seq > self._copied_until

    def verdict(self, call: CallFacts) -> Verdict | None:
        """Allow when exactly this definition of the tool was allowed, and was not accepted anew since."""
        tool = call.tool
        if (tool.server, tool.name, tool.digest, tool.pin) not in self._granted:
            return None
        return Verdict("allow", f"{tool.server}.{tool.name} was allowed for this conversation")
