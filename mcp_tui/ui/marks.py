"""Marks for states: always a character and a colour, never colour alone."""

from __future__ import annotations

DEMO_LABEL = "offline demo, not an AI"
"""Stands wherever an answer of the demo model is read as a conversation's."""

STATE_MARKS: dict[str, tuple[str, str]] = {
    "running": ("*", "$success"),
    "starting": ("~", "$warning"),
    "stopping": ("~", "$warning"),
    "needs_authorisation": ("~", "$warning"),
    "untrusted": ("~", "$warning"),
    "failed": ("x", "$error"),
    "stopped": ("-", "$muted"),
}
"""Server state -> mark and colour."""

CALL_MARKS: dict[str, tuple[str, str]] = {
    "proposed": ("..", "$muted"),
    "waiting": ("??", "$warning"),
    "running": ("..", "$accent"),
    "success": ("ok", "$success"),
    "cancelled": ("--", "$muted"),
    "denied": ("no", "$warning"),
}
"""Tool-call state -> mark and colour; every other state is a fault, ``!!``."""
