"""Why a tool that was there cannot be called now."""

from __future__ import annotations

from mcp_tui.events.base import ErrorInfo
from mcp_tui.host.base import ToolHost


def unavailable(host: ToolHost, server: str, name: str) -> ErrorInfo:
    """The reason: ``tool_held``, ``tool_gone``, ``server_down`` or ``server_unknown``."""
    status = next((status for status in host.servers() if status.name == server), None)
    if status is None:
        words = f"There is no server {server} in the configuration any more; {name} did not run."
        return ErrorInfo(kind="server_unknown", message=words)
    if status.state == "untrusted":
        words = f"The server {server} waits to be accepted; {name} did not run."
        return ErrorInfo(kind="server_down", message=words, hint="Only the person can accept its command line.")
    if status.state != "running":
        state = "is switched off" if not status.enabled else f"is not running ({status.state})"
        why = f": {status.failure.message}" if status.failure is not None else "."
        return ErrorInfo(kind="server_down", message=f"The server {server} {state}; {name} did not run{why}")
    held = next((held for held in host.held(server) if held.definition.name == name), None)
    if held is not None:
        what = "changed" if held.reason == "changed" else "is new"
        words = f"The definition of {server}.{name} {what} and waits for a review; it did not run."
        return ErrorInfo(kind="tool_held", message=words, hint="Only the person can accept the new definition.")
    words = f"The server {server} does not offer {name} any more; the call did not run."
    return ErrorInfo(kind="tool_gone", message=words)
