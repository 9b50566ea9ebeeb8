"""What was accepted of a server: how it is started, its tools, its instructions.

A pin is the digest of a definition together with the definition, so that a change can be shown word for word.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import AwareDatetime, Field

from mcp_tui.events.base import Model, new_id, utc_now
from mcp_tui.events.servers import TrustRequest
from mcp_tui.events.tools import HeldTool, ToolDefinition
from mcp_tui.trust.hidden import hidden_in_tool


class Acceptance(Model):
    """When something was accepted, and with which release."""

    at: AwareDatetime = Field(default_factory=utc_now)
    version: str = ""
    conversation: str = ""
    """The conversation that was open; empty when it was accepted from the command line."""


class ToolPin(Model):
    """One accepted tool."""

    id: str = Field(default_factory=new_id)
    """A new one each time: what was allowed under an earlier acceptance does not count under this one."""
    digest: str
    definition: ToolDefinition
    accepted: Acceptance


class TextPin(Model):
    """One accepted text that a server may put before the model: its instructions; later a prompt or a template."""

    digest: str
    text: str
    accepted: Acceptance


class TrustedServer(Model):
    """All that was accepted under one server's name."""

    fingerprint: str
    parts: dict[str, str]
    shown: TrustRequest
    accepted: Acceptance
    listed: bool = False
    """Whether its first listing was seen; until then that listing is accepted with the server."""
    tools: dict[str, ToolPin] = Field(default_factory=dict)
    """By the tool's own name; those that are gone stay, so that they need no second review."""
    texts: dict[str, TextPin] = Field(default_factory=dict)


def text_digest(text: str) -> str:
    """SHA-256 of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def pin_of(tool: ToolDefinition, accepted: Acceptance) -> ToolPin:
    """A pin of exactly this definition; what was only derived for the model is not kept."""
    kept = tool.model_copy(update={"parameters": {}, "argument_names": {}, "notes": (), "pin": ""})
    return ToolPin(digest=tool.digest, definition=kept, accepted=accepted)


def baseline(listed: Iterable[ToolDefinition], accepted: Acceptance) -> dict[str, ToolPin]:
    """Pins of a first listing: all of its tools but those that say more than a reader can see."""
    return {tool.name: pin_of(tool, accepted) for tool in listed if not hidden_in_tool(tool)}


def sort_out(
    listed: Iterable[ToolDefinition], pins: Mapping[str, ToolPin]
) -> tuple[tuple[ToolDefinition, ...], tuple[HeldTool, ...]]:
    """Tools that are exactly as they were accepted, and those that are held."""
    admitted: list[ToolDefinition] = []
    held: list[HeldTool] = []
    for tool in listed:
        pin = pins.get(tool.name)
        if pin is not None and pin.digest == tool.digest:
            admitted.append(tool.model_copy(update={"pin": pin.id}))
        else:
            reason: Literal["new", "changed"] = "new" if pin is None else "changed"
            before = pin.definition if pin is not None else None
            held.append(HeldTool(definition=tool, reason=reason, accepted=before))
    return tuple(admitted), tuple(held)
