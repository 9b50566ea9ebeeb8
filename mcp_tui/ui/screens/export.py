"""Writing a conversation to a file: which format, which file."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import App
from textual.content import Content

from mcp_tui.errors import UsageError
from mcp_tui.safety.text import strict
from mcp_tui.ui.screens.ask_text import AskTextScreen
from mcp_tui.ui.screens.chooser import Chooser, Row
from mcp_tui.ui.screens.confirm import ConfirmScreen
from mcp_tui.ui.widgets.history_text import name_of

if TYPE_CHECKING:
    from mcp_tui.conversation.summary import ConversationSummary
    from mcp_tui.engine.history import Library

FORMATS = {
    "markdown": (".md", "for reading, tool calls folded"),
    "html": (".html", "one page for a browser; nothing in it acts"),
    "json": (".json", "every event; mcp-tui history import takes it back"),
}


@dataclass(frozen=True, slots=True)
class Export:
    """Asks how one conversation is to be written to a file, and writes it."""

    app: App[Any]
    history: Library
    stored: ConversationSummary
    run: Callable[[Coroutine[Any, Any, None]], None]
    """Runs what waits, and shows errors of ours."""
    clock: Callable[[], float]

    def ask(self) -> None:
        """Which format, then which file."""
        rows = [
            Row(name, Content.assemble(f"{name:<10}", (f" {suffix:<6} {words}", "$muted")), f"{name} {suffix} {words}")
            for name, (suffix, words) in FORMATS.items()
        ]

        def chosen(name: str | None) -> None:
            if name is not None:
                self.ask_file(name)

        foot = "What looks like a key in a result is masked.\nEnter chooses  Esc goes back"
        title = f"export {name_of(self.stored)}"
        self.app.push_screen(Chooser(title, rows, placeholder="format", foot=foot), chosen)

    def ask_file(self, name: str, line: str = "", problem: str = "") -> None:
        """Which file; a name made from the title is suggested, or ``line`` again, which had a ``problem``."""
        from mcp_tui.engine.exchange import default_name

        def answered(line: str | None) -> None:
            if line is not None:
                self.write(name, line, again=True)

        foot = f"A file or a folder, seen from {strict(str(Path.cwd()))}.\nEnter writes  Esc goes back"
        suggested = line or default_name(self.stored, name)
        ask = AskTextScreen(f"export as {name}", suggested, foot=foot, check=_check, problem=problem)
        self.app.push_screen(ask, answered)

    def write(self, name: str, line: str, *, again: bool = False) -> None:
        """Write it; over a file that is there only after another question.

        ``again``: where that fails, ask once more, unless the person is somewhere else by then.
        """
        _check(line)
        path = _path(line)
        if not path.is_file():
            self.run(self._write(name, line, replace=False, again=again))
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.run(self._write(name, line, replace=True, again=again))

        question = f"{strict(str(path))} is there already. Write over it?"
        self.app.push_screen(ConfirmScreen(question, "w", "write over it", clock=self.clock), answered)

    async def _write(self, name: str, line: str, *, replace: bool, again: bool) -> None:
        asked_on = self.app.screen
        try:
            where = await self.history.export(self.stored.id, name, _path(line), replace=replace)
        except UsageError as error:
            if not again or self.app.screen is not asked_on:
                raise
            self.ask_file(name, line, str(error))
            return
        self.app.notify(f"Written to {where}.", timeout=6)


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
