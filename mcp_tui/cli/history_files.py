"""``mcp-tui history export`` and ``mcp-tui history import``: conversations as files.  Starts nothing."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mcp_tui.cli import EXIT_ERROR, EXIT_OK
from mcp_tui.cli.conversations import SHORT_ID
from mcp_tui.cli.options import Options
from mcp_tui.cli.standard_output import write, write_bytes
from mcp_tui.cli.stored import find_in, opened_library
from mcp_tui.engine.history import ImportResult
from mcp_tui.errors import McpTuiError, UsageError
from mcp_tui.export.exporters import format_of
from mcp_tui.safety.text import shorten, strict


def export_conversation(options: Options) -> int:
    """Write one conversation as Markdown, JSON or HTML."""
    if options.output.endswith("/") and not Path(options.output).is_dir():
        raise UsageError(f"There is no folder {options.output}")
    return asyncio.run(_export(options))


async def _export(options: Options) -> int:
    wanted = options.format or format_of(options.output) or "markdown"
    async with opened_library() as library:
        summary = await find_in(library, options.id)
        if options.output == "-" or not (options.output or options.json or sys.stdout.isatty()):
            for piece in await library.export_text(summary.id, wanted, with_secrets=options.with_secrets):
                write_bytes(piece.encode("utf-8", "replace"))
            return EXIT_OK
        path = await library.export(
            summary.id,
            wanted,
            Path(options.output or "."),
            replace=options.force,
            with_secrets=options.with_secrets,
        )
    _tell(options, {"id": summary.id, "format": wanted, "path": str(path)}, f"exported to {path}")
    return EXIT_OK


def import_files(options: Options) -> int:
    """Take in conversations from files; one that cannot be read does not keep the others out."""
    return asyncio.run(_import(options))


async def _import(options: Options) -> int:
    told: list[dict[str, Any]] = []
    failed = False
    async with opened_library() as library:
        for name in options.files:
            try:
                results = await library.import_file(Path(name))
            except McpTuiError as error:
                results = (ImportResult("failed", notes=(str(error),)),)
            for result in results:
                failed |= result.status == "failed"
                told.append({"file": name, **asdict(result)})
                if not options.json:
                    write("".join(f"{strict(line)}\n" for line in _words(name, result)))
    if options.json:
        write(f"{json.dumps(told)}\n")
    elif len(told) > 1:
        counts = Counter(entry["status"] for entry in told)
        write(f"{', '.join(f'{count} {_STATUS[status]}' for status, count in counts.items())}\n")
    return EXIT_ERROR if failed else EXIT_OK


_STATUS = {"imported": "imported", "changed": "imported beside another version", "present": "already here",
           "failed": "not imported"}  # fmt: skip


def _words(name: str, result: ImportResult) -> Iterable[str]:
    if result.status == "failed":
        yield f"{name}: {result.title or 'not imported'}: {' '.join(result.notes)}"
        return
    yield f"{result.conversation_id[:SHORT_ID]}  {_STATUS[result.status]}: {shorten(result.title or '(untitled)', 60)}"
    yield from (f"              {note}" for note in result.notes)


def _tell(options: Options, data: Any, words: str) -> None:
    write(f"{json.dumps(data) if options.json else strict(words)}\n")
