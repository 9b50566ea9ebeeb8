"""Writing a conversation to a file: which format, which file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from textual.content import Content

from mcp_tui.errors import UsageError
from mcp_tui.safety.text import strict
from mcp_tui.ui.screens.ask_text import AskTextScreen
from mcp_tui.ui.screens.chooser import Chooser, Row
from mcp_tui.ui.screens.confirm import ConfirmScreen
from mcp_tui.ui.widgets.history_text import name_of

if TYPE_CHECKING:
    from mcp_tui.conversation.summary import ConversationSummary
    from mcp_tui.ui.screens.history_actions import HistoryActions

FORMATS = {
    "markdown": (".md", "for reading, tool calls folded"),
    "html": (".html", "one page for a browser; nothing in it is executed or loaded"),
    "json": (".json", "every event; mcp-tui import takes it back"),
}


def export_conversation(screen: HistoryActions, stored: ConversationSummary) -> None:
    """Ask for the format and the file, then write it."""
    rows = [
        Row(name, Content.assemble(f"{name:<10}", (f" {suffix:<6} {words}", "$muted")), f"{name} {suffix} {words}")
        for name, (suffix, words) in FORMATS.items()
    ]

    def chosen(name: str | None) -> None:
        if name is not None:
            _ask_file(screen, stored, name)

    foot = "What looks like a key in a result is masked.  Enter chooses  Esc goes back"
    screen.app.push_screen(Chooser(f"export {name_of(stored)}", rows, placeholder="format", foot=foot), chosen)


def _ask_file(screen: HistoryActions, stored: ConversationSummary, name: str) -> None:
    suggested = f"{_slug(stored.title) or stored.id}{FORMATS[name][0]}"

    def answered(line: str | None) -> None:
        if line is not None:
            path = _path(line)
            if path.is_file():
                question = f"{strict(str(path))} is there already. Write over it?"
                ask = ConfirmScreen(question, "w", "write over it", clock=screen.clock)
                screen.app.push_screen(ask, lambda yes: write(path, replace=True) if yes else None)
            else:
                write(path, replace=False)

    def write(path: Path, *, replace: bool) -> None:
        screen.do(_write(screen, stored, name, path, replace=replace))

    foot = f"A file or a folder, seen from {strict(str(Path.cwd()))}.  Enter writes  Esc goes back"
    screen.app.push_screen(AskTextScreen(f"export as {name}", suggested, foot=foot, check=_check), answered)


async def _write(screen: HistoryActions, stored: ConversationSummary, name: str, path: Path, *, replace: bool) -> None:
    where = await screen.engine.history.export(stored.id, name, path, replace=replace)
    screen.app.notify(f"Written to {where}.", timeout=6)


def _path(line: str) -> Path:
    return Path(line.strip()).expanduser()


def _check(line: str) -> None:
    if not line.strip():
        raise UsageError("The file needs a name.")
    try:
        folder = _path(line).parent
    except RuntimeError:
        raise UsageError("There is no such home folder.") from None
    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.", hint="Make it first, or write elsewhere.")


def _slug(title: str) -> str:
    """The title as a plain file name."""
    words = "".join(char if char.isalnum() else " " for char in title).split()
    return "-".join(words)[:60].strip("-").casefold()
