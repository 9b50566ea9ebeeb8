"""The formats that a conversation can be exported in."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.errors import UsageError
from mcp_tui.events.base import EventBase
from mcp_tui.export.base import Exporter
from mcp_tui.export.events_json import export_json
from mcp_tui.export.html import export_html
from mcp_tui.export.markdown import export_markdown
from mcp_tui.export.masking import without_keys

EXPORTERS: Mapping[str, Exporter] = {"markdown": export_markdown, "json": export_json, "html": export_html}
"""By the name of the format."""

SUFFIXES: Mapping[str, str] = {"markdown": ".md", "json": ".json", "html": ".html"}
"""How a file of the format is called."""

_NAME_LENGTH = 55
"""Characters; four bytes each leave room for a suffix in the 255 that a name may have."""


def export(
    format: str,  # noqa: A002 - the word of the command line
    events: Sequence[EventBase],
    summary: ConversationSummary,
    *,
    with_secrets: bool = False,
    missing: str = "",
) -> Iterable[str]:
    """A conversation in a format.  What looks like a key in a result is masked unless ``with_secrets``.

    ``missing`` says what of it could not be read.  Raises `UsageError` for a format that there is none of.
    """
    exporter = EXPORTERS.get(format)
    if exporter is None:
        raise UsageError(f"There is no export format {format!r}.", hint=f"Known: {', '.join(EXPORTERS)}.")
    masked = 0
    if not with_secrets:
        events, masked = without_keys(events)
    return exporter(events, summary, masked=masked, missing=missing)


def format_of(name: str) -> str | None:
    """The format that a file's name asks for by its ending."""
    return next((each for each, suffix in SUFFIXES.items() if name.lower().endswith(suffix)), None)


def file_name(summary: ConversationSummary, format: str) -> str:  # noqa: A002
    """A name for the file: letters and digits of the title, which every file system takes."""
    title = unicodedata.normalize("NFC", summary.title).casefold()
    words = "-".join("".join(char if char.isalnum() else " " for char in title).split())[:_NAME_LENGTH].strip("-")
    return f"{words or f'conversation-{summary.id[:12]}'}{SUFFIXES[format]}"
