"""F7: the rules of ``permissions.yaml``, what each would have decided, and why a call was decided as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mcp_tui.errors import McpTuiError
from mcp_tui.safety.text import prose, shorten, strict
from mcp_tui.ui import formats, rule_source
from mcp_tui.ui.base_app import overrides_in
from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.keymap import effective, keys_of, show_keys
from mcp_tui.ui.screens.confirm import ConfirmScreen
from mcp_tui.ui.screens.left_once import LeftOnce
from mcp_tui.ui.screens.rule_editor import RuleEditorScreen
from mcp_tui.ui.widgets import rule_text
from mcp_tui.ui.widgets.bars import Hint, Line, hint_parts

if TYPE_CHECKING:
    from mcp_tui.config.rule_models import RuleEntry
    from mcp_tui.conversation.calls import CallRecord
    from mcp_tui.conversation.items import ToolCallItem
    from mcp_tui.engine.engine import Engine


class RuleList(OptionList, inherit_bindings=False):
    """The rules; paging is left to the dry run below."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "cursor_down", "Down", show=False),
        Binding("up,k", "cursor_up", "Up", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("end,G", "last", "Last", show=False),
    ]


class RulesScreen(LeftOnce, Screen[None]):
    """The list on top, the dry run of the chosen rule below."""

    PANE = "rules"
    HELP = (
        "Rules decide calls without a question: a deny always wins, then ask, then allow; which is more specific never "
        "matters. Below the list: what the chosen rule would have decided of the recorded calls. p on an approval "
        "card proposes a rule."
    )
    BINDINGS = bindings("rules")
    DEFAULT_CSS = """
    RulesScreen {
        background: $background;
        & #title, & #keys { background: $surface; }
        & #banner { height: auto; padding: 0 1; color: $warning; display: none; }
        & #columns { color: $muted; }
        & RuleList, & RuleList:focus {
            border: none; height: auto; max-height: 40%; background: $background; padding: 0 1;
            scrollbar-size-vertical: 1;
        }
        & #dry { height: 1fr; padding: 0 1; border-top: solid $pane-border; scrollbar-size-vertical: 1; }
        & #dry Static { height: auto; }
    }
    """

    def __init__(self, engine: Engine, call: Callable[[], ToolCallItem | None], *, clock: Callable[[], float]) -> None:
        super().__init__()
        self._engine, self._call, self._clock = engine, call, clock
        self._matched: dict[str, tuple[CallRecord, ...]] = {}
        """Rule id -> the recorded calls that it matches, as far as they are known."""
        self._shown: tuple[RuleEntry, ...] | None = None
        self._why = False
        self._looking: asyncio.Task[None] | None = None

    def compose(self) -> ComposeResult:
        """Title, problem, columns, rules, dry run, keys."""
        yield Line(widget_id="title")
        yield Static(id="banner")
        yield Line(widget_id="columns")
        yield RuleList(markup=False, compact=True)
        with VerticalScroll(id="dry", can_focus=False):
            yield Static(id="dry-text")
        yield Line(widget_id="keys")

    def on_mount(self) -> None:
        """Draw, and keep an eye on the file."""
        keys = effective(overrides_in(self.app))
        hints = [Hint(show_keys(keys[key.id][:1]), key.hint) for key in keys_of("rules") if key.hint]
        self.query_one("#keys", Line).show(hint_parts(hints))
        self._list.focus()
        self._engine.rules.look_again()
        self.draw()
        self.set_interval(1.0, self.draw)

    def on_resize(self, event: events.Resize) -> None:
        """Columns follow the width."""
        self._shown = None
        self.draw()

    # -- drawing -------------------------------------------------------------------------------

    @property
    def _complete(self) -> bool:
        """Whether everything is there to be drawn on: not while the screen comes, nor while it goes."""
        return bool(self.query("#keys") and self.query("#dry-text"))

    @property
    def _list(self) -> RuleList:
        return self.query_one(RuleList)

    @property
    def chosen(self) -> RuleEntry | None:
        """The highlighted rule."""
        index, entries = self._list.highlighted, self._engine.rules.entries
        return entries[index] if index is not None and index < len(entries) else None

    def draw(self) -> None:
        """Draw the rules as they are now."""
        if not self._complete:
            return
        book = self._engine.rules
        place = shorten(str(book.path), 200) if book.path is not None else "in memory: they end with this run"
        room = max(12, self.size.width - 24)
        place = place if len(place) <= room else f"…{place[-room + 1 :]}"
        title = (("rules  ", "$primary bold"), (formats.plural(len(book.entries), "rule"), "$foreground"))
        self.query_one("#title", Line).show(title, ((place, "$muted"),))
        width = self.size.width - 3
        self.query_one("#columns", Line).show(((rule_text.head(width), "$muted"),))
        if self._shown != book.entries:
            highlighted = self._list.highlighted or 0
            known = {entry.id: entry for entry in self._shown or ()}
            self._shown, self._why = book.entries, False
            for entry in book.entries:
                if known.get(entry.id) != entry:
                    self._matched.pop(entry.id, None)
            self._list.set_options([Option(self._row(entry)) for entry in book.entries])
            if book.entries:
                self._list.highlighted = min(highlighted, len(book.entries) - 1)
            self._look()
            self._draw_dry()
        self._draw_banner()

    def _row(self, entry: RuleEntry) -> Content:
        matched = self._matched.get(entry.id)
        return rule_text.row(entry, None if matched is None else len(matched), self.size.width - 3)

    def _draw_banner(self) -> None:
        book, words = self._engine.rules, ""
        if book.problem:
            words = f"The file was set aside, and every call asks: {prose(book.problem)}"
        elif book.stale:
            key = show_keys(effective(overrides_in(self.app))["rules.reload"][:1])
            words = f"The file changed on disk. These rules count until {key} reloads it."
        banner = self.query_one("#banner", Static)
        banner.display = bool(words)
        banner.update(Content(words))

    def _draw_dry(self) -> None:
        if not self._complete:
            return
        text = self.query_one("#dry-text", Static)
        entry = self.chosen
        if self._why:
            text.update(self._why_text())
        elif entry is None:
            words = "No rules: every call asks, unless you allowed its tool for the conversation.\n\n"
            more = "p on an approval card proposes one; n writes one here; `mcp-tui rules add` does it without the app."
            text.update(Content.assemble(words, (more, "$muted")))
        else:
            matched = self._matched.get(entry.id)
            text.update(rule_text.dry_run(entry, self._engine.rules.text(entry), matched, self._wins(entry)))

    def _wins(self, entry: RuleEntry) -> dict[str, RuleEntry]:
        """Call id -> a stronger rule that matches it too."""
        wins: dict[str, RuleEntry] = {}
        for other in sorted(self._engine.rules.entries, key=lambda rule: rule_text.STRONGEST.index(rule.effect)):
            if other.effect == entry.effect:
                break
            for record in self._matched.get(other.id, ()):
                wins.setdefault(record.call_id, other)
        return wins

    def _why_text(self) -> Content:
        item = self._call()
        if item is None:
            return Content("There is no tool call in this conversation yet.")
        parts = [("why was this decided as it was?\n", "bold"), (f"{strict(item.label)}", "$role-tool bold")]
        parts.append((f"  {item.state.replace('_', ' ')}\n", "$muted"))
        return Content.assemble(*parts, "\n", prose(self._engine.rules.explain(item.key)))

    def on_option_list_option_highlighted(self) -> None:
        """Another rule is chosen."""
        self._why = False
        self._draw_dry()
        self.query_one("#dry", VerticalScroll).scroll_home(animate=False)

    # -- recorded calls ------------------------------------------------------------------------

    def _look(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        self._looking = asyncio.create_task(self._preview(self._engine.rules.entries), name="dry run")

    def on_unmount(self) -> None:
        """Nobody looks any more."""
        if self._looking is not None:
            self._looking.cancel()

    async def _preview(self, entries: tuple[RuleEntry, ...]) -> None:
        """Find the calls that each rule matches, one rule after the other."""
        for index, entry in enumerate(entries):
            if entry.id in self._matched:
                continue
            try:
                self._matched[entry.id] = await self._engine.rules.preview(entry)
            except McpTuiError as error:
                self.app.notify(prose(str(error)), severity="warning", markup=False)
                return
            if self._shown == entries and self._complete:
                self._list.replace_option_prompt_at_index(index, self._row(entry))
        if self._shown == entries and not self._why:
            self._draw_dry()

    # -- keys ----------------------------------------------------------------------------------

    def on_option_list_option_selected(self) -> None:
        """Enter or a click."""
        self.action_edit()

    def action_edit(self) -> None:
        """The chosen rule as text."""
        entry = self.chosen
        if entry is not None:
            text = rule_source.as_text(self._engine.rules.text(entry))
            save: Callable[[str], None] = lambda text: self._engine.rules.replace(entry.id, rule_source.parse(text))  # noqa: E731
            self.app.push_screen(RuleEditorScreen(f"rule {entry.id}", text, save), self._changed)

    def action_new(self) -> None:
        """A rule from nothing."""
        save: Callable[[str], None] = lambda text: self._engine.rules.add(rule_source.parse(text))  # noqa: E731
        self.app.push_screen(RuleEditorScreen("new rule", rule_source.TEMPLATE, save), self._changed)

    def _changed(self, saved: bool | None) -> None:
        if saved:
            self.app.notify("Saved; it counts from the next call on.", markup=False)
        self.draw()

    def action_revoke(self) -> None:
        """Take the chosen rule out of the file, when the person says so."""
        entry = self.chosen
        if entry is None:
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._attempt(lambda: self._engine.rules.remove(entry.id))
                self.draw()

        words = f"{entry.effect} {rule_text.who_words(entry)} with {rule_text.argument_words(entry)}"
        question = f"Revoke rule {strict(entry.id)}?\n{words}"
        self.app.push_screen(ConfirmScreen(question, "r", "revoke", clock=self._clock), answered)

    def action_reload(self) -> None:
        """Take what the file says now."""
        self._attempt(self._engine.rules.reload)
        self._engine.rules.look_again()
        self._matched.clear()
        self._shown = None
        self.draw()

    def _attempt(self, call: Callable[[], object]) -> None:
        try:
            call()
        except McpTuiError as error:
            self.app.notify(prose(str(error)), severity="error", markup=False)

    def action_why(self) -> None:
        """Why the call under the conversation's cursor was decided as it was; again: back to the dry run."""
        self._why = not self._why
        self._draw_dry()
        self.query_one("#dry", VerticalScroll).scroll_home(animate=False)

    def action_page(self, step: int) -> None:
        """Scroll the dry run."""
        dry = self.query_one("#dry", VerticalScroll)
        dry.scroll_relative(y=step * max(1, dry.size.height - 1), animate=False)

    def action_close(self) -> None:
        """Back to the chat."""
        self.dismiss(None)
