"""The tool-call inspector: arguments, result, raw messages, definition, timing and differences of one call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from mcp_tui.errors import UsageError
from mcp_tui.safety.text import prose, shorten
from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.formats import plural
from mcp_tui.ui.saved import save_text
from mcp_tui.ui.widgets.call_facets import ALL_OF_IT, FACETS, Facet, file_name, shown, whole
from mcp_tui.ui.widgets.diff_text import previous_diff, recorded_diff
from mcp_tui.ui.widgets.facet_pages import page_content, pages
from mcp_tui.ui.widgets.facet_search import first_place, marked, row_of
from mcp_tui.ui.widgets.facet_tabs import TITLES, tab_line

if TYPE_CHECKING:
    from mcp_tui.conversation.items import ToolCallItem
    from mcp_tui.events.tools import Difference
    from mcp_tui.ui.base_app import BaseApp
    from mcp_tui.ui.widgets.find_text import Wanted

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

    def action_page_down(self) -> None:
        """Down, and at the end on to the next page of a long result."""
        if self.scroll_offset.y < self.max_scroll_y:
            super().action_page_down()
        else:
            self.query_ancestor(Inspector).action_page(1)

    def action_page_up(self) -> None:
        """Up, and at the top back to the page before."""
        if self.scroll_offset.y > 0:
            super().action_page_up()
        else:
            self.query_ancestor(Inspector).action_page(-1)


class Inspector(Vertical):
    """Shows one call; follows the latest one until the person chooses another."""

    PANE = "inspector"
    HELP = (
        "One tool call in full: 1 arguments, 2 result, 3 raw JSON-RPC, 4 the tool's definition, 5 timing, 6 what "
        "differs from the recorded call, or d: from the tool's call before. r runs the call again and e edits its "
        "arguments first; both ask as every call does, and the model is not told. Of a long result the tab shows the "
        "beginning; > and < turn the pages of all of it, y copies and w writes it whole. It follows the latest call "
        "until you open another one, from the conversation or with n and p."
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

    class RerunRequested(Message):
        """The person wants to run a call again."""

        def __init__(self, item: ToolCallItem, *, edit: bool) -> None:
            super().__init__()
            self.item, self.edit = item, edit

    class PagesChanged(Message):
        """Whether there are pages to turn is another answer than before."""

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
        self._beside_previous = False
        """Whether the tab Diff is about the tool's call before, not about the recorded one."""
        self._compared: tuple[object, tuple[Difference, ...] | None] = (None, None)
        """Which two calls, and what they differ in once that is known."""

        self._page = 0
        """Page of what the tab is about; 0: the tab itself, which shows the beginning of what is long."""
        self._page_of: object = None
        self._pages: tuple[object, tuple[str, ...] | None] = (None, None)
        """Of which call and tab, and the pages once they are made."""
        self._had_pages = False
        self._wanted: Wanted | None = None
        """What is looked for: marked in every tab."""

    def compose(self) -> ComposeResult:
        """Which call, tabs, text."""
        yield Static(id="inspected")
        yield Static(id="tabs")
        with InspectorBody():
            yield Static(id="facet")

    def on_resize(self) -> None:
        """The tabs take what room there is."""
        if self._ready:
            self._draw_tabs()

    def on_mount(self) -> None:
        """Show the latest call."""
        self._ready = True
        calls = self._calls()
        item, self._item = self._item or (calls[-1] if calls else None), None
        self.show(item, pin=self._pinned, wanted=self._wanted)
        self._draw()

    # -- which call ----------------------------------------------------------------------------

    @property
    def item(self) -> ToolCallItem | None:
        """The call on show."""
        return self._item

    @property
    def pinned(self) -> bool:
        """Whether a later call does not take its place."""
        return self._pinned

    def show(self, item: ToolCallItem | None, *, pin: bool = False, wanted: Wanted | None = None) -> None:
        """Show ``item``, at the first place of what is ``wanted``; with ``pin``, later calls do not take its place."""
        other = item is not self._item
        if other or wanted != self._wanted:
            self._item, self._wanted = item, wanted
            if other:
                self._choose_facet()
            self._draw(top=other)
            if item is not None and wanted is not None and self._ready:
                cast("BaseApp", self.app).start(self._seek(item, wanted))
        self._pinned = pin

    async def _seek(self, item: ToolCallItem, wanted: Wanted) -> None:
        """To the first match, on whatever tab and page it is."""
        place = await asyncio.to_thread(first_place, item, wanted)
        if place is None or self._item is not item or self._wanted is not wanted:
            return
        self._facet, self._page = place.facet, place.page
        self._page_of = (id(item), item.state, place.facet)
        if place.pages is not None:
            self._pages = self._page_of, place.pages
        self._draw(top=True)
        self.call_after_refresh(self._scroll_to_match)

    def _scroll_to_match(self) -> None:
        facet, body = self.query_one("#facet", Static), self.query_one(InspectorBody)
        content = facet.content
        if self._wanted is not None and isinstance(content, Content):
            row = row_of(content, self._wanted, facet.content_size.width)
            if row is not None and row >= body.size.height:
                body.scroll_to(y=row - body.size.height // 3, animate=False)

    def exchange(self, item: ToolCallItem | None) -> None:
        """The call on show as another object: the conversation was read again."""
        if item is None:
            self.show(None)
        elif item is not self._item:
            self._item = item
            self._draw()

    def _choose_facet(self) -> None:
        """Arguments until there is a result, or what is different in it, unless the person chose a tab."""
        if self._item is not None and not self._tab_chosen:
            compared = self._item.comparison is not None
            self._facet = "diff" if compared else "result" if self._item.finished else "args"

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
            number = f"#{item.number} " if item.number else ""
            name = (shorten(item.label, 80), "$role-tool bold")
            head.update(Content.assemble((number, "$muted"), name, (f"  {state}", style)))
            content = self._content(item)
            if self._facet == "time" and (why := self._explain(item.key)):
                content = Content.assemble(content, ("\nwhy\n", "bold"), prose(why))
            self.query_one("#facet", Static).update(marked(content, self._wanted) if self._wanted else content)
        if self.paged != self._had_pages:
            self._had_pages = self.paged
            self.post_message(self.PagesChanged())
        self._draw_tabs()
        if top:
            self.query_one(InspectorBody).scroll_home(animate=False)

    def _content(self, item: ToolCallItem) -> Content:
        key = (id(item), item.state, self._facet)
        if key != self._page_of:
            self._page_of, self._page = key, 0
        if self._page:
            return page_content(self._pages[1] if self._pages[0] == key else None, self._page, self._facet)
        return self._diff(item) if self._facet == "diff" else shown(item, self._facet)

    # -- all of it, by the page ------------------------------------------------------------------

    @property
    def paged(self) -> bool:
        """Whether the tab on show leaves something out, or is one of the pages of all of it."""
        content = self.query_one("#facet", Static).content if self._ready else ""
        return self._page > 0 or (isinstance(content, Content) and ALL_OF_IT in content.plain)

    def action_page(self, step: int) -> None:
        """The page after or before; the first one comes after the tab itself, where that left something out."""
        item, key, ready = self._item, self._page_of, self._pages[0] == self._page_of
        if item is None or not self.paged:
            return
        found = self._pages[1] if ready else None
        last = len(found) if found is not None else 1
        page = max(0, min(last, self._page + step))
        if page == self._page:
            return
        self._page = page
        if not ready:
            self._pages = key, None
            cast("BaseApp", self.app).start(self._make_pages(key, item, self._facet))
        self._draw(top=True)

    async def _make_pages(self, key: object, item: ToolCallItem, facet: Facet) -> None:
        found = await asyncio.to_thread(pages, item, facet)
        if self._pages[0] == key:
            self._pages = key, found
            self._draw(top=True)

    # -- beside another call -------------------------------------------------------------------

    def _diff(self, item: ToolCallItem) -> Content:
        if item.rerun_of is not None and not self._beside_previous:
            return recorded_diff(item)
        previous = self._previous(item)
        if previous is None or not item.finished:
            return previous_diff(item, previous, None)
        key = (id(item), item.state, id(previous), previous.state)
        if self._compared[0] != key:
            self._compared = key, None
            cast("BaseApp", self.app).start(self._compare(key, previous, item))
        return previous_diff(item, previous, self._compared[1])

    async def _compare(self, key: object, previous: ToolCallItem, item: ToolCallItem) -> None:
        """Beside the screen: results may be long."""
        from mcp_tui.conversation.comparison import compare

        found = await asyncio.to_thread(compare, previous, item)
        if self._compared[0] == key:
            self._compared = key, found
            self._draw()

    def _previous(self, item: ToolCallItem) -> ToolCallItem | None:
        """The call of the same tool before this one that has ended."""
        found: ToolCallItem | None = None
        for call in self._calls():
            if call is item:
                return found
            if call.finished and (call.server, call.name, call.wire_name) == (item.server, item.name, item.wire_name):
                found = call
        return None

    def action_diff_previous(self) -> None:
        """Beside the tool's call before; again: beside the recorded one, where it is a re-run."""
        self._beside_previous = not (self._beside_previous and self._facet == "diff")
        self._facet, self._tab_chosen = "diff", True
        self._draw(top=True)

    # -- running it again ----------------------------------------------------------------------

    def action_rerun(self) -> None:
        """Run the call again."""
        self._ask_to_rerun(edit=False)

    def action_edit_run(self) -> None:
        """Edit the arguments, and run the call again."""
        self._ask_to_rerun(edit=True)

    def _ask_to_rerun(self, *, edit: bool) -> None:
        if self._item is not None:
            self.post_message(self.RerunRequested(self._item, edit=edit))

    def follow(self) -> None:
        """Follow the latest call again, in the tab that suits it."""
        self._pinned = self._tab_chosen = self._beside_previous = False

    # -- tabs ----------------------------------------------------------------------------------

    def _draw_tabs(self) -> None:
        line = self.query_one("#tabs", Static)
        line.update(tab_line(self._facet, line.content_size.width))

    def action_tab(self, facet: str) -> None:
        """Show this tab."""
        self._beside_previous = False
        self._facet, self._tab_chosen = cast("Facet", facet), True
        self._draw(top=True)

    def action_step(self, step: int) -> None:
        """The tab beside."""
        self.action_tab(FACETS[(FACETS.index(self._facet) + step) % len(FACETS)])

    # -- taking it away ------------------------------------------------------------------------

    def action_copy(self) -> None:
        """Copy all of what the tab is about."""
        if self._item is not None:
            cast("BaseApp", self.app).start(self._copy(self._item, self._facet))

    async def _copy(self, item: ToolCallItem, facet: Facet) -> None:
        text = await self._whole(item, facet)
        if not text:
            self._say("There is nothing to copy here.")
            return
        self.app.copy_to_clipboard(text)
        self._say(f"Copied {TITLES[facet].lower()}, {plural(len(text), 'character')}.")

    async def _whole(self, item: ToolCallItem, facet: Facet) -> str:
        """What the tab is about; beside another call, what is shown of that."""
        return self._diff(item).plain if facet == "diff" else await asyncio.to_thread(whole, item, facet)

    def action_write(self) -> None:
        """Write all of it to a file of the person's own."""
        if self._item is not None:
            cast("BaseApp", self.app).start(self._write(self._item, self._facet))

    async def _write(self, item: ToolCallItem, facet: Facet) -> None:
        if self._data_dir is None:
            raise UsageError("There is no data directory to write to.")
        text = await self._whole(item, facet)
        if not text:
            self._say("There is nothing to write here.")
            return
        path = await asyncio.to_thread(save_text, self._data_dir / "saved", file_name(item, facet), text)
        self._say(f"Written to {path}")

    def _say(self, message: str) -> None:
        cast("BaseApp", self.app).say(message)
