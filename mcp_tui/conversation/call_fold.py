"""One tool call, from its proposal to its result: what its events make of the item that a reader sees."""

from __future__ import annotations

from mcp_tui.conversation.items import ToolCallItem
from mcp_tui.events import tools

CallEvent = (
    tools.ApprovalRequested
    | tools.ApprovalDecided
    | tools.ToolCallStarted
    | tools.ToolCallProgress
    | tools.ToolCallFinished
    | tools.ToolResultExtended
    | tools.ToolCallCompared
)
"""What can happen to a call that was proposed."""


def proposed(event: tools.ToolCallProposed, definition: tools.ToolDefinition | None, rerun_number: int) -> ToolCallItem:
    """The call of a proposal; ``rerun_number`` is that of the call which it runs again, 0 where that is not here."""
    return ToolCallItem(
        key=event.call_id,
        at=event.at,
        turn_id=event.turn_id,
        wire_name=event.wire_name,
        server=event.server,
        name=event.name,
        hop=event.hop,
        asked_arguments=event.arguments,
        arguments=event.arguments,
        validation_errors=event.validation_errors,
        definition=definition,
        rerun_of=event.rerun_of,
        rerun_number=rerun_number,
    )


def take_in(item: ToolCallItem, event: CallEvent) -> bool:
    """Change ``item`` as the event says; whether it changed: what comes after the end of a call is too late."""
    match event:
        case tools.ApprovalDecided():
            _decided(item, event)
        case tools.ToolCallFinished():
            _finished(item, event)
        case tools.ToolCallCompared():
            item.comparison = event
        case tools.ToolResultExtended():
            if not item.finished:
                return False
            item.model_text, item.model_tokens, item.truncated = event.model_text, event.model_tokens, False
        case _ if item.finished:
            return False
        case tools.ApprovalRequested():
            item.state, item.approval_id = "waiting", event.approval_id
            item.approval_reason, item.guarded = event.reason, event.guarded
        case tools.ToolCallStarted():
            item.state, item.started_at, item.arguments = "running", event.at, event.arguments
        case tools.ToolCallProgress():
            item.progress, item.progress_total, item.progress_message = event.progress, event.total, event.message
    return True


def _decided(item: ToolCallItem, event: tools.ApprovalDecided) -> None:
    item.approval_id, item.decided_by, item.rule, item.rule_id = "", event.by, event.rule, event.rule_id
    item.decision = _decision_words(event)
    if event.edited_arguments is not None:
        item.arguments, item.edited = event.edited_arguments, True
    if item.state == "waiting":
        item.state = "proposed"


def _finished(item: ToolCallItem, event: tools.ToolCallFinished) -> None:
    item.state, item.approval_id = event.outcome, ""
    item.content, item.structured_content = event.content, event.structured_content
    item.validation_errors, item.error = event.validation_errors, event.error
    item.model_text, item.model_tokens, item.truncated = event.model_text, event.model_tokens, event.truncated
    item.sensitive = event.sensitive
    item.timing, item.wire = event.timing, event.wire


def _decision_words(event: tools.ApprovalDecided) -> str:
    """The decision as the transcript says it; an automatic one names its rule."""
    match event.action:
        case "allow" if event.by == "rule":
            words = "allowed"
        case "allow" if event.scope == "rule":
            words = f"allowed, and rule {event.rule_id} written" if event.rule_id else "allowed, and a rule written"
        case "allow":
            words = "allowed for this conversation" if event.scope == "conversation" else "allowed once"
        case "deny":
            words = "denied"
        case "stop":
            words = "denied, turn stopped"
        case _:
            words = "withdrawn"
    if event.by == "rule":
        words += f" by rule {event.rule_id}" if event.rule_id else ""
        words += f": {event.rule}" if event.rule else ""
    if event.edited_arguments is not None:
        words += ", edited"
    if event.message:
        words += f": {event.message}"
    return words
