"""Choosing among what there is: conversations, models, servers, tools, themes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.errors import McpTuiError, UsageError
from mcp_tui.ui.chat_app import ChatApp
from mcp_tui.ui.formats import plural

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_tui.conversation.summary import ConversationSummary
    from mcp_tui.engine.engine import Engine
    from mcp_tui.ui.history_listing import HistoryMemory
    from mcp_tui.ui.screens.history import HistoryScreen
    from mcp_tui.ui.screens.replay import ReplayChoice
    from mcp_tui.ui.widgets.server_sidebar import ServerSidebar


class CatalogApp(ChatApp):
    """The chat app with its choosers."""

    _history_memory: HistoryMemory | None = None
    """What the history screen finds again."""

    # -- conversations -------------------------------------------------------------------------

    def action_new_conversation(self) -> None:
        """Ctrl+N."""
        if self.screen is self.chat:
            self.start(self._new_conversation())

    async def _new_conversation(self) -> None:
        await self.require_engine().new_conversation()
        self.chat.composer.focus()

    def action_history(self) -> None:
        """F4: the conversations; a second press closes them.  What keeps the engine from starting keeps nobody out."""
        from mcp_tui.ui.screens.config_error import ConfigErrorScreen
        from mcp_tui.ui.screens.history import HistoryScreen

        if isinstance(self.screen, HistoryScreen) or (
            isinstance(self.screen, ConfigErrorScreen) and self.screen.browsing
        ):
            self.screen.dismiss(None)
        elif self.screen is self.chat or isinstance(self.screen, ConfigErrorScreen):
            self.attempt(self.show_history)

    def show_history(self, query: str = "") -> None:
        """The conversations; with ``query``, a search in everything that was said in them."""
        if self.engine is None and not (self.problem_shown and self.starter is not None):
            self.require_engine()
        screen = self.history_screen(query)
        self.push_screen(screen, self.history_left)
        if self.engine is None:
            screen.warn(self.problem)
            self.start(self._open_shelf(screen))

    async def _open_shelf(self, screen: HistoryScreen) -> None:
        assert self.starter is not None
        screen.open(await self.starter.shelf())

    def history_screen(self, query: str = "") -> HistoryScreen:
        """The screen, as it was left the last time."""
        from mcp_tui.ui.history_listing import HistoryMemory
        from mcp_tui.ui.screens.history import HistoryScreen

        if self._history_memory is None:
            self._history_memory = HistoryMemory()
        return HistoryScreen(
            self.engine,
            clock=self.clock,
            left=self.replay_left,
            ready=self._why_not,
            memory=self._history_memory,
            query=query,
        )

    async def _why_not(self, stored: ConversationSummary) -> McpTuiError | None:
        """Why no conversation can be continued: without an engine, what is wrong with the configuration now."""
        if self.engine is None and self.starter is not None:
            try:
                await self.starter.prepare(demo=stored.demo)
            except McpTuiError as error:
                return error
        return None

    def history_left(self, conversation_id: str | None) -> None:
        """Open the conversation that was chosen; without an engine, make it."""
        if self.engine is None and self.starter is not None:
            if conversation_id is not None or not self.problem_shown:
                self.starter.go_on(conversation_id or "")
        elif conversation_id is not None:
            self.open_conversation(conversation_id)

    def continue_latest(self) -> None:
        """Continue the conversation that changed last, other than the open one."""
        self.start(self._continue_latest())

    async def _continue_latest(self) -> None:
        engine = self.require_engine()
        others = [stored for stored in await engine.history.list() if stored.id != engine.conversation_id]
        if not others:
            self.say("There is no earlier conversation.")
            return
        latest: ConversationSummary = max(others, key=lambda stored: stored.updated_at)
        await self._open_conversation(latest.id)

    def show_replay(self, conversation_id: str = "") -> None:
        """Replay a stored conversation, the open one unless told otherwise."""
        from mcp_tui.ui.replays import show_replay

        self.start(show_replay(self, conversation_id))

    def replay_left(self, conversation_id: str, choice: ReplayChoice | None) -> None:
        """Do what the person chose on the replay screen."""
        from mcp_tui.ui.replays import replay_left

        def leave() -> None:
            self.attempt(lambda: replay_left(self, conversation_id, choice))

        if self.engine is None and self.starter is not None and choice is not None and choice.action is not None:
            self.starter.go_on(then=leave)
        else:
            leave()

    def rename_conversation(self, title: str = "") -> None:
        """Give the open conversation another title; without one, ask for it."""
        from mcp_tui.ui.screens.ask_text import AskTextScreen

        engine = self._begun_engine()

        def answered(line: str | None) -> None:
            if line is not None and line.strip():
                self.start(engine.history.rename(engine.conversation_id, line))

        if title:
            answered(title)
        elif self.screen is self.chat:
            self.push_screen(AskTextScreen("rename this conversation", engine.title, placeholder="title"), answered)

    def tag_conversation(self, words: str = "") -> None:
        """Add tags to the open conversation, take those away that begin with a minus; without any, ask for all."""
        from mcp_tui.ui.screens.ask_text import AskTextScreen

        engine = self._begun_engine()
        before = engine.transcript.tags

        def answered(line: str | None) -> None:
            if line is not None:
                self.start(self._tag(line.replace("#", " ").split()))

        if words:
            gone = {word[1:] for word in words.casefold().split() if word.startswith("-")}
            more = [word for word in words.split() if not word.startswith("-")]
            answered(" ".join([*(tag for tag in before if tag not in gone), *more]))
        elif self.screen is self.chat:
            foot = "Words, separated by blanks; an empty line takes all tags away."
            ask = AskTextScreen("tags of this conversation", " ".join(before), foot=foot, placeholder="work later")
            self.push_screen(ask, answered)

    async def _tag(self, tags: list[str]) -> None:
        engine = self.require_engine()
        kept = await engine.history.tag(engine.conversation_id, tags)
        self.say(f"Tags: {' '.join(f'#{tag}' for tag in kept)}" if kept else "No tags any more.", timeout=4)

    def export_conversation(self, format: str = "", line: str = "") -> None:  # noqa: A002 - as the command says
        """Write the open conversation to a file; asks for what is not said."""
        self.start(self._export(self._begun_engine(), format, line))

    async def _export(self, engine: Engine, format: str, line: str) -> None:  # noqa: A002
        from mcp_tui.ui.screens.export import Export

        stored = next((each for each in await engine.history.list() if each.id == engine.conversation_id), None)
        if stored is None:
            raise UsageError("This conversation is not stored yet.")
        export = Export(self, engine.history, stored, self.start, self.clock)
        if format and line:
            export.write(format, line)
        elif self.screen is self.chat:
            export.ask_file(format) if format else export.ask()

    def _begun_engine(self) -> Engine:
        """The engine, where the open conversation is one that is stored."""
        engine = self.require_engine()
        if not engine.transcript.items:
            raise UsageError("This conversation has not begun yet: it is stored with its first input.")
        return engine

    def copy_conversation(self) -> None:
        """Copy what was said, as text."""
        from mcp_tui.conversation.items import AssistantItem, UserItem

        engine = self.require_engine()
        if engine.loading:
            self.say("The beginning of this conversation is still being read.")
            return
        parts = [
            f"{'you' if isinstance(item, UserItem) else item.model}:\n{item.text}"
            for item in engine.transcript.items
            if isinstance(item, UserItem | AssistantItem) and item.text.strip()
        ]
        self.copy_to_clipboard("\n\n".join(parts))
        self.say(f"Copied {plural(len(parts), 'message')}.", timeout=3)

    # -- models --------------------------------------------------------------------------------

    def provider_names(self) -> list[str]:
        """Entries of ``llm.providers``."""
        return [choice.name for choice in self.engine.providers] if self.engine is not None else []

    def action_choose_model(self) -> None:
        """Ctrl+L."""
        if self.screen is self.chat:
            self.attempt(lambda: self.choose_model(self.select_model))

    def choose_model(self, then: Callable[[str], object], title: str = "model") -> None:
        """Pick a provider entry for ``then``."""
        from mcp_tui.ui.screens.choosers import model_chooser

        def chosen(name: str | None) -> None:
            if name is not None:
                self.attempt(lambda: then(name))

        self.push_screen(model_chooser(self.require_engine(), title), chosen)

    def select_model(self, name: str) -> None:
        """Answer with this provider entry from the next turn on."""
        engine = self.require_engine()
        engine.select_model(name)
        self.view.draw_status()
        later = " from the next turn on" if engine.busy else ""
        self.say(f"{engine.model} answers{later}.", timeout=3)

    # -- themes --------------------------------------------------------------------------------

    def choose_theme(self) -> None:
        """A list of themes that are tried on as they are highlighted; Esc brings the old one back."""
        from mcp_tui.ui.screens.choosers import theme_chooser

        before = self.theme

        def chosen(name: str | None) -> None:
            self.use_theme(name or before, remember=name is not None)

        def preview(name: str) -> None:
            self.use_theme(name, remember=False)

        self.push_screen(theme_chooser(self.theme_data, before, preview), chosen)

    # -- servers and tools ---------------------------------------------------------------------

    def server_names(self) -> list[str]:
        """All configured servers."""
        return [server.name for server in self.engine.servers] if self.engine is not None else []

    def on_server_sidebar_requested(self, message: ServerSidebar.Requested) -> None:
        """Enter, ``v``, ``R`` and Space of the sidebar."""
        name, untrusted = message.server.name, message.server.state == "untrusted"
        match message.action:
            case "details" if untrusted:
                self.attempt(lambda: self.show_trust(name))
            case "details":
                self.show_server(name)
            case "review":
                self.attempt(lambda: self.show_review(name))
            case "restart":
                self.attempt(lambda: self.restart_server(name))
            case "switch":
                self.attempt(lambda: self.set_server_enabled(name, not message.server.enabled))

    def show_server(self, name: str) -> None:
        """Everything about one server."""
        from mcp_tui.ui.screens.server_details import ServerDetailsScreen

        def restart(name: str) -> None:
            self.attempt(lambda: self.restart_server(name))

        def left(wanted: str | None) -> None:
            if wanted == "review":
                self.attempt(lambda: self.show_review(name))

        if self.screen is self.chat:
            self.push_screen(ServerDetailsScreen(self.require_engine(), name, restart=restart), left)

    def restart_server(self, name: str) -> None:
        """Stop and start a server."""
        self.require_engine().restart_server(name)
        self.say(f"Restarting {name}.", timeout=3)

    def set_server_enabled(self, name: str, enabled: bool) -> None:
        """Start a server, or stop it until the end of the run."""
        self.require_engine().set_server_enabled(name, enabled)
        self.say(f"Starting {name}." if enabled else f"{name} is off until the end of the run.", timeout=3)

    def tool_names(self) -> list[str]:
        """``server.tool`` of every tool that the model is offered."""
        return [f"{tool.server}.{tool.name}" for tool in self.engine.tools()] if self.engine is not None else []

    def show_tools(self) -> None:
        """A list of the tools, with their descriptions."""
        from mcp_tui.ui.screens.choosers import tool_list

        self.attempt(lambda: self.push_screen(tool_list(self.require_engine().tools())))

    # -- what the person lets in ---------------------------------------------------------------

    def show_trust(self, server: str = "") -> None:
        """Servers that wait to be accepted, ``server`` first; where none waits, tools that are held."""
        from mcp_tui.ui.screens.confirm import ConfirmScreen
        from mcp_tui.ui.screens.trust import TrustScreen

        engine = self.require_engine()
        if self.screen is not self.chat:
            return
        if engine.trust.stale:
            question = "Another program changed which servers are trusted. Take over what the file says now?"
            self.push_screen(ConfirmScreen(question, "r", "read it", clock=self.clock), self._reload_trust)
            return
        waiting = [request.server for request in engine.trust.requests()]
        if server in waiting or (waiting and not server):
            self.push_screen(TrustScreen(engine, clock=self.clock, server=server))
        else:
            self.show_review(server)

    def _reload_trust(self, yes: bool | None) -> None:
        if yes:
            self.require_engine().trust.reload()
            self.say("What is trusted was read again.")

    def show_review(self, server: str = "") -> None:
        """Tools that are held, of ``server`` or of all."""
        from mcp_tui.ui.screens.review import ReviewScreen

        engine = self.require_engine()
        names = [server] if server else self.server_names()
        if not any(engine.trust.held(name) for name in names):
            self.say("Nothing waits to be accepted.")
        elif self.screen is self.chat:
            self.push_screen(ReviewScreen(engine, clock=self.clock, server=server))

    def action_rules(self) -> None:
        """F7: the permission rules; a second press closes them."""
        from mcp_tui.ui.screens.rules import RulesScreen

        if isinstance(self.screen, RulesScreen):
            self.screen.dismiss(None)
        elif self.screen is self.chat:
            self.attempt(
                lambda: self.push_screen(RulesScreen(self.require_engine(), self.view.current_call, clock=self.clock))
            )
