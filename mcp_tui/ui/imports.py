"""Taking in conversations from a file: ask for it, say what became of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_tui.errors import UsageError
from mcp_tui.ui.formats import plural

if TYPE_CHECKING:
    from mcp_tui.engine.history import ImportResult
    from mcp_tui.ui.chat_app import ChatApp

_FOOT = (
    "Another mcp-tui's .jsonl or JSON export; ChatGPT's or Claude's conversations.json, also zipped.  "
    "Enter takes it in  Esc goes back"
)

PATIENCE = 0.7
"""Seconds after which an import that still runs says that it does."""


def ask_import(app: ChatApp, line: str = "") -> None:
    """Take in the conversations of the file ``line``; without one, ask for it."""
    from mcp_tui.ui.screens.ask_text import AskTextScreen

    def answered(line: str | None) -> None:
        if line is not None and line.strip():
            app.start(_take_in(app, line.strip()))

    if line:
        answered(line)
    elif app.screen is app.chat:
        app.push_screen(
            AskTextScreen("import conversations", foot=_FOOT, placeholder="conversations.json", check=_check), answered
        )


def _check(line: str) -> None:
    """The question stays until the name of a file is in it."""
    path = Path(line.strip())
    try:
        path = path.expanduser()
    except RuntimeError:
        raise UsageError("There is no such home folder.") from None
    if line.strip() and not path.is_file():
        raise UsageError(f"{path} {'is a folder: name a file in it' if path.is_dir() else 'is not there'}.")


async def _take_in(app: ChatApp, line: str) -> None:
    importing = asyncio.create_task(app.require_engine().history.import_file(Path(line)), name="import")
    try:
        done, _ = await asyncio.wait({importing}, timeout=PATIENCE)
        if not done:
            app.say(f"Importing {Path(line).name}… F4 shows what has come.", timeout=10)
        results = await importing
    finally:
        importing.cancel()
    failed = any(result.status == "failed" for result in results)
    app.say(import_words(results), severity="warning" if failed else "information", timeout=10 if failed else 6)


def import_words(results: Sequence[ImportResult]) -> str:
    """What became of the conversations of a file."""
    counts = Counter(result.status for result in results)
    sentences = []
    beside = counts["changed"]
    if new := counts["imported"] + beside:
        sentences.append(f"{plural(new, 'conversation')} imported: F4 shows {'it' if new == 1 else 'them'}.")
    if beside:
        which = "It stands" if new == 1 else f"{beside:,} of them {'stands' if beside == 1 else 'stand'}"
        sentences.append(f"{which} beside another version that was here.")
    if present := counts["present"]:
        sentences.append(f"{plural(present, 'conversation')} {'was' if present == 1 else 'were'} here already.")
    if len(results) == 1 and results[0].status in ("imported", "changed"):
        sentences += results[0].notes
    for result in [result for result in results if result.status == "failed"][:3]:
        sentences.append(f"{result.title} could not be read: {' '.join(result.notes).rstrip('.')}.")
    if (more := counts["failed"] - 3) > 0:
        sentences.append(f"{more:,} more could not be read.")
    return " ".join(sentences) or "There is no conversation in that file."
