"""Taking in conversations from a file: ask for it, say what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_tui.ui.formats import plural

if TYPE_CHECKING:
    from mcp_tui.engine.history import ImportResult
    from mcp_tui.ui.chat_app import ChatApp

_FOOT = (
    "Another mcp-tui's .jsonl or JSON export; ChatGPT's or Claude's conversations.json, also zipped.  "
    "Enter takes it in  Esc goes back"
)


def ask_import(app: ChatApp, line: str = "") -> None:
    """Take in the conversations of the file ``line``; without one, ask for it."""
    from mcp_tui.ui.screens.ask_text import AskTextScreen

    def answered(line: str | None) -> None:
        if line is not None and line.strip():
            app.start(_take_in(app, line.strip()))

    if line:
        answered(line)
    elif app.screen is app.chat:
        app.push_screen(AskTextScreen("import conversations", foot=_FOOT, placeholder="conversations.json"), answered)


async def _take_in(app: ChatApp, line: str) -> None:
    results = await app.require_engine().history.import_file(Path(line))
    failed = any(result.status == "failed" for result in results)
    app.say(import_words(results), severity="warning" if failed else "information", timeout=10 if failed else 6)


def import_words(results: Sequence[ImportResult]) -> str:
    """What became of the conversations of a file."""
    counts = Counter(result.status for result in results)
    parts = []
    if new := counts["imported"] + counts["changed"]:
        parts.append(f"{plural(new, 'conversation')} imported: F4 shows {'it' if new == 1 else 'them'}")
    if beside := counts["changed"]:
        parts.append(f"{beside} of them beside another version that was here")
    if present := counts["present"]:
        parts.append(f"{plural(present, 'conversation')} already here")
    notes = [note for result in results if result.status != "failed" for note in result.notes]
    if notes and len(results) == 1:
        parts += [note.rstrip(".") for note in notes]
    for result in [result for result in results if result.status == "failed"][:3]:
        parts.append(f"{result.title}: {' '.join(result.notes)}")
    if (more := counts["failed"] - 3) > 0:
        parts.append(f"{more} more could not be read")
    return f"{'; '.join(parts)}." if parts else "There is no conversation in that file."
