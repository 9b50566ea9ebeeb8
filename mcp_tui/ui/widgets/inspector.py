"""The tool-call inspector: arguments, result, raw messages, definition and timing of one call."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from mcp_tui.errors import UsageError
from mcp_tui.safety.text import prose, shorten
from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.widgets.call_facets import FACETS, Facet, file_name, shown, whole

if TYPE_CHECKING:
    from mcp_tui.conversation.items import ToolCallItem
    from mcp_tui.ui.app import McpTuiApp

TITLES: dict[Facet, str] = {"args": "Args", "result": "Result", "raw": "Raw", "schema": "Schema", "time": "Time"}

STATE_STYLES = {"success": "$success", "running": "$accent", "waiting": "$warning", "proposed": "$muted"}
"""Call state -> colour; every other state is a fault."""


class InspectorBody(VerticalScroll, inherit_bindings=False):
    """The scrolling text; Left and Right belong to the tabs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_up", "Up", show=False),
        Binding("down,j", "scroll_down", "Down", show=False),
        Binding("pageup", "page_up", "Page up", show=False),
        Binding("pagedown,space", "page_down", "Page down", show=False),
        Binding("home,g", "scroll_home", "Top", show=False),
        Binding("end,G", "scroll_end", "End", show=False),
    ]


class Inspector(Vertical):
    """Shows one call; follows the latest one until the person chooses another."""

    PANE = "inspector"
    HELP = (
        "One tool call in full: 1 arguments, 2 result, 3 raw JSON-RPC, 4 the tool's definition, 5 timing. "
        "It follows the latest call until you open another one, from the conversation or with n and p."
    )
    BINDINGS = bindings("inspector")
    DEFAULT_CSS = """
    Inspector {
        height: 1fr; background: $background;
        & #inspected { height: auto; max-height: 2; padding: 0 1; background: $surface; }
        & #tabs { height: 1; padding: 0 1; background: $surface; }
        & InspectorBody { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
        & InspectorBody:focus { background-tint: $foreground 2%; }
        & #facet { width: 1fr; height: auto; }
    }
    """

    def __init__(
        self,
        data_dir: Path | None,
        calls: Callable[[], list[ToolCallItem]],
        explain: Callable[[str], str] = lambda call_id: "",
        *,
        widget_id: str = "inspector",
    ) -> None:
        """``explain`` says why a call was decided as it was."""
        super().__init__(id=widget_id)
        self._data_dir, self._calls, self._explain = data_dir, calls, explain
        self._item: ToolCallItem | None = None
        self._facet: Facet = "args"
        self._pinned = self._ready = self._tab_chosen = False

    def compose(self) -> ComposeResult:
        """Which call, tabs, text."""
        yield Static(id="inspected")
        yield Static(id="tabs")
        with InspectorBody():
            yield Static(id="facet")

    def on_mount(self) -> None:
        """Show the latest call."""
        self._ready = True
        calls = self._calls()
        item, self._item = self._item or (calls[-1] if calls else None), None
        self.show(item, pin=self._pinned)
        self._draw()

    # -- which call ----------------------------------------------------------------------------

    @property
    def item(self) -> ToolCallItem | None:
        """The call on show."""
        return self._item

    def show(self, item: ToolCallItem | None, *, pin: bool = False) -> None:
        """Show ``item``; with ``pin``, later calls do not take its place."""
        if item is not self._item:
            self._item = item
            self._choose_facet()
            self._draw(top=True)
        self._pinned = pin

    def exchange(self, item: ToolCallItem | None) -> None:
        """The call on show as another object: the conversation was read again."""
        if item is None:
            self.show(None)
        elif item is not self._item:
            self._item = item
            self._draw()

    def _choose_facet(self) -> None:
        """Arguments until there is a result, unless the person chose a tab."""
        if self._item is not None and not self._tab_chosen:
            self._facet = "result" if self._item.finished else "args"

    def items_changed(self, changed: set[int], latest: ToolCallItem | None) -> None:
        """Some items changed, by identity; ``latest`` is the newest call."""
        if not self._pinned and latest is not None and latest is not self._item:
            self.show(latest)
        elif self._item is not None and id(self._item) in changed:
            self._choose_facet()
            self._draw()

    def action_call(self, step: int) -> None:
        """The call before or after."""
        calls = self._calls()
        index = next((i for i, call in enumerate(calls) if call is self._item), None)
        if index is None or not 0 <= index + step < len(calls):
            return
        self.show(calls[index + step], pin=index + step < len(calls) - 1)

    # -- drawing -------------------------------------------------------------------------------

    def _draw(self, *, top: bool = False) -> None:
        if not self._ready:
            return
        item = self._item
        head = self.query_one("#inspected", Static)
        if item is None:
            head.update(Content.styled("no tool call yet", "$muted"))
            self.query_one("#facet", Static).update(Content(""))
        else:
            style = STATE_STYLES.get(item.state, "$error")
            state = item.state.replace("_", " ")
            head.update(Content.assemble((shorten(item.label, 80), "$role-tool bold"), (f"  {state}", style)))
            content = shown(item, self._facet)
            if self._facet == "time" and (why := self._explain(item.key)):
                content = Content.assemble(content, ("\nwhy\n", "bold"), prose(why))
            self.query_one("#facet", Static).update(content)
        self._draw_tabs()
        if top:
            self.query_one(InspectorBody).scroll_home(animate=False)

    def _draw_tabs(self) -> None:
        parts = []
        for number, facet in enumerate(FACETS, 1):
            style = "$primary bold underline" if facet == self._facet else "$muted"
            parts += [(f"{number} ", "$muted"), (TITLES[facet], style), ("  ", "")]
        self.query_one("#tabs", Static).update(Content.assemble(*parts))

    def action_tab(self, facet: str) -> None:
        """Show this tab."""
        self._facet, self._tab_chosen = cast("Facet", facet), True
        self._draw(top=True)

    def action_step(self, step: int) -> None:
        """The tab beside."""
        self.action_tab(FACETS[(FACETS.index(self._facet) + step) % len(FACETS)])

    # -- taking it away ------------------------------------------------------------------------

    def action_copy(self) -> None:
        """Copy all of what the tab is about."""
        if self._item is not None:
            cast("McpTuiApp", self.app).start(self._copy(self._item, self._facet))

    async def _copy(self, item: ToolCallItem, facet: Facet) -> None:
        text = await asyncio.to_thread(whole, item, facet)
        self.app.copy_to_clipboard(text)
        self._say(f"Copied {TITLES[facet].lower()}, {len(text):,} characters.")

    def action_write(self) -> None:
        """Write all of it to a file of the person's own."""
        if self._item is not None:
            cast("McpTuiApp", self.app).start(self._write(self._item, self._facet))

    async def _write(self, item: ToolCallItem, facet: Facet) -> None:
        if self._data_dir is None:
            raise UsageError("There is no data directory to write to.")
        path = await asyncio.to_thread(_save_whole, self._data_dir / "saved", item, facet)
        self._say(f"Written to {path}")

    def _say(self, message: str) -> None:
        cast("McpTuiApp", self.app).say(message)


def _save_whole(folder: Path, item: ToolCallItem, facet: Facet) -> Path:
    return save_text(folder, file_name(item, facet), whole(item, facet))


def save_text(folder: Path, name: str, text: str) -> Path:
    """Write ``text`` to a new file, mode 0600, and return its path.  Raises `UsageError` when that fails."""
    stem, _, ending = name.rpartition(".")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(1, 1000):
            path = folder / (name if number == 1 else f"{stem}-{number}.{ending}")
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                continue
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
            return path
    except OSError as error:
        raise UsageError(f"{folder} cannot be written to: {error.strerror}.") from None
    raise UsageError(f"{folder} is full of files of this name.")
