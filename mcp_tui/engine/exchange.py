"""Conversations into files, and out of files: what `Library.export` and `Library.import_file` do off the event loop.

``export`` and ``importing`` are imported when they are used: hardly any run needs them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from mcp_tui.config.private_files import replace_file, write_new
from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.errors import UsageError
from mcp_tui.history.base import StoredConversation


def export_pieces(
    stored: StoredConversation,
    summary: ConversationSummary,
    format: str,  # noqa: A002 - the word of the command line
    *,
    with_secrets: bool = False,
) -> Iterable[str]:
    """The text of an export.  Raises `UsageError` for a format that there is none of."""
    from mcp_tui.export.exporters import export

    return export(format, stored.events, summary, with_secrets=with_secrets)


def default_name(summary: ConversationSummary, format: str) -> str:  # noqa: A002
    """A name for the file, made from the title."""
    from mcp_tui.export.exporters import file_name

    return file_name(summary, format)


def export_to(path: Path, pieces: Iterable[str], name: str, *, replace: bool = False) -> Path:
    """Write an export, whole or not at all, for its owner only; returns where it is.

    ``~`` is expanded; in a folder it gets ``name``.  Raises `UsageError`, also where there is a file already
    that may not be replaced.
    """
    target = Path(os.path.expanduser(path)).absolute()  # noqa: PTH111 - never raises
    if target.is_dir():
        target /= name
    try:
        (replace_file if replace else write_new)(target, pieces)
    except FileExistsError:
        raise UsageError(f"There is a file {target} already.", hint="Choose another name, or replace it.") from None
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror or type(error).__name__}.") from None
    return target
