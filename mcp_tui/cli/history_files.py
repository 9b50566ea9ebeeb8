"""``mcp-tui history export`` and ``mcp-tui history import``: conversations as files.  Starts nothing."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mcp_tui.cli import EXIT_ERROR, EXIT_OK
from mcp_tui.cli.arguments import Options
from mcp_tui.cli.conversations import find
from mcp_tui.cli.history import opened_library
from mcp_tui.errors import UsageError
from mcp_tui.export.exporters import format_of
from mcp_tui.safety.text import strict


def export_conversation(options: Options) -> int:
    """Write one conversation as Markdown, JSON or HTML."""
    return asyncio.run(_export(options))


async def _export(options: Options) -> int:
    wanted = options.format or format_of(options.output) or "markdown"
    async with opened_library() as library:
        summary = find(await library.list(), options.id)
        if not options.output and not options.json and not sys.stdout.isatty():
            return _pass_on(await library.export_text(summary.id, wanted, with_secrets=options.with_secrets))
        path = await library.export(
            summary.id,
            wanted,
            Path(options.output or "."),
            replace=options.force,
            with_secrets=options.with_secrets,
        )
    _tell(options, {"id": summary.id, "format": wanted, "path": str(path)}, f"exported to {path}")
    return EXIT_OK


def _pass_on(pieces: Iterable[str]) -> int:
    """To standard output; whoever reads it may stop early."""
    try:
        for piece in pieces:
            sys.stdout.buffer.write(piece.encode("utf-8", "replace"))
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_ERROR
    return EXIT_OK


def import_files(options: Options) -> int:
    """Take in conversations from files."""
    raise UsageError("Nothing can be imported yet.")


def _tell(options: Options, data: Any, words: str) -> None:
    sys.stdout.write(f"{json.dumps(data) if options.json else strict(words)}\n")
