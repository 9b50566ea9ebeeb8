"""What the chat screen shows of the engine: one object that draws it, fed by the bridge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from mcp_tui.safety.text import prose, shorten, strict
from mcp_tui.ui import formats, status
from mcp_tui.ui.marks import DEMO_LABEL, STATE_MARKS
from mcp_tui.ui.widgets.bars import Part
from mcp_tui.ui.widgets.welcome import ServerNote

if TYPE_CHECKING:
    from collections.abc import Callable

    from mcp_tui.conversation.items import Change, Item, ToolCallItem
    from mcp_tui.engine.engine import Engine
    from mcp_tui.events.base import EventBase
    from mcp_tui.events.servers import ServerStatus
    from mcp_tui.ui.base_app import BaseApp
    from mcp_tui.ui.bridge import Bridge
    from mcp_tui.ui.live import LiveState
    from mcp_tui.ui.screens.chat import ChatScreen
    from mcp_tui.ui.widgets.approval import ApprovalCard
    from mcp_tui.ui.widgets.conversation import ConversationView
    from mcp_tui.ui.widgets.inspector import Inspector
    from mcp_tui.ui.widgets.question import QuestionCard
    from mcp_tui.ui.widgets.server_sidebar import ServerSidebar

_TITLE_ROOM = 16
"""Cells of a title that the name of its origin does not take."""


class ChatView:
    """Draws the state of the engine on the chat screen (`mcp_tui.ui.bridge.View`)."""

    def __init__(self, app: BaseApp, screen: ChatScreen, failed: Callable[[], bool]) -> None:
        self._app, self._screen, self._failed = app, screen, failed
        self.engine: Engine | None = None
        self.bridge: Bridge | None = None
        self._conversation: ConversationView | None = None
        self._faults: set[type[Exception]] = set()
        self._model_up = False
        """Whether a model request was made in this run: before the first one the model layer may still be starting."""
        self.examples: tuple[tuple[str, str], ...] = ()

    @property
    def alive(self) -> bool:
        """Whether the screen is there: events still come while the app takes itself down."""
        return self._screen.is_running and bool(self._screen.query("#header"))

    # -- from the bridge -----------------------------------------------------------------------

    def conversation_opened(self, items: list[Item], *, more_above: bool) -> None:
        """Start afresh from ``items``."""
        if not self.alive:
            return
        if not items and not more_above:
            self._screen.close_find()
        if self.engine is not None:
            self._screen.composer.conversation_opened(self.engine.conversation_id)
        self.conversation.load(items, more_above=more_above)
        self._screen.show_talk(bool(items))
        self.inspect_item(self.live.latest_call if self.bridge else None)

    def conversation_completed(self, items: list[Item]) -> None:
        """All of what is on show: nothing in sight moves."""
        if not self.alive:
            return
        self.conversation.complete(items)
        self._screen.show_talk(bool(items))
        shown = self.inspector.item if self.inspector is not None else None
        if self.inspector is not None and shown is not None and self.bridge is not None:
            self.inspector.exchange(self.bridge.transcript.call(shown.key))

    def conversation_changed(self, changes: list[Change]) -> None:
        """Hand changes to the conversation pane and to whoever shows one of the items."""
        if not self.alive:
            return
        self._screen.show_talk(True)
        self.conversation.apply(changes)
        inspector = self.inspector
        if inspector is not None:
            inspector.items_changed({id(change.item) for change in changes}, self.live.latest_call)

    def state_changed(self) -> None:
        """Redraw everything around the conversation."""
        if not self.alive:
            return
        self.draw_header()
        self.draw_status()
        self.draw_hints()
        self.draw_welcome()
        self._show_cards()
        if self.sidebar is not None and self._screen.is_open("sidebar"):
            self.sidebar.show()

    def live_event(self, event: EventBase) -> None:
        """Effects of live events: toasts and the bell."""
        if event.type == "model_request_started":
            self._model_up = True
        elif event.type == "notice":
            notice = cast("Any", event)
            self._toast(notice.message, notice.hint, notice.severity)
        elif event.type == "input_returned":
            returned = cast("Any", event)
            self._screen.composer.put_before(returned.text)
            self._toast(f"Not sent: {returned.reason.message}", returned.reason.hint, "error")
        elif event.type in ("approval_requested", "question_asked") and self._asks_here(event.turn_id):
            self._app.bell()

    def _runs_here(self, turn_id: str | None) -> bool:
        """Whether a turn is this window's: another one's is answered there."""
        return self.engine is None or self.engine.runs_here(turn_id)

    def _asks_here(self, turn_id: str | None) -> bool:
        """Whether somebody who looks elsewhere has to be called: what another window's turn asks waits there."""
        return not self._app.app_focus and self._runs_here(turn_id)

    def _toast(self, message: str, hint: str, severity: str) -> None:
        """What to do about it has a line of its own; the more there is to read, the longer it stays."""
        timeout = 6 if severity == "information" else 12
        self._app.say(f"{message}\n{hint}".strip(), severity=severity, timeout=timeout)

    def failed(self, error: Exception) -> None:
        """Say that a part of the screen could not be drawn, once for each kind of fault."""
        if self.alive and type(error) not in self._faults:
            self._faults.add(type(error))
            self._app.say(
                f"Part of the screen could not be drawn ({type(error).__name__}); see the log.", severity="error"
            )

    # -- parts ---------------------------------------------------------------------------------

    @property
    def live(self) -> LiveState:
        """What waits and runs."""
        assert self.bridge is not None
        return self.bridge.live

    @property
    def conversation(self) -> ConversationView:
        """The conversation pane; mounted by `adopt_conversation`."""
        assert self._conversation is not None
        return self._conversation

    async def adopt_conversation(self) -> None:
        """Mount the conversation pane; its Markdown machinery is not needed for the first paint."""
        if self._conversation is None:
            from mcp_tui.ui.widgets.conversation import ConversationView

            self._conversation = ConversationView(id="conversation", runs_here=self._runs_here)
            self._conversation.branching = True
            await self._screen.query_one("#centre").mount(self._conversation)

    @property
    def inspector(self) -> Inspector | None:
        """The inspector, once it was opened."""
        found = self._screen.query("#inspector")
        return cast("Inspector", found.first()) if found else None

    @property
    def sidebar(self) -> ServerSidebar | None:
        """The server sidebar, once it was opened."""
        found = self._screen.query("#sidebar")
        return cast("ServerSidebar", found.first()) if found else None

    @property
    def card(self) -> ApprovalCard | None:
        """The approval card, once a call waited."""
        found = self._screen.query("#approval")
        return cast("ApprovalCard", found.first()) if found else None

    @property
    def question_card(self) -> QuestionCard | None:
        """The card of a guard's question, once one was asked."""
        found = self._screen.query("#question")
        return cast("QuestionCard", found.first()) if found else None

    def inspect_item(self, item: ToolCallItem | None, *, pin: bool = False) -> None:
        """Show ``item`` in the inspector, if that exists."""
        if self.inspector is not None:
            self.inspector.show(item, pin=pin, wanted=self.conversation.wanted if pin else None)

    def calls(self) -> list[ToolCallItem]:
        """All tool calls of the conversation, oldest first."""
        from mcp_tui.conversation.items import ToolCallItem

        items = self.bridge.transcript.items if self.bridge is not None else []
        return [item for item in items if isinstance(item, ToolCallItem)]

    def current_call(self) -> ToolCallItem | None:
        """The call under the conversation's cursor; else the one in the inspector; else the latest."""
        from mcp_tui.conversation.items import ToolCallItem

        under = self._conversation.cursor_item if self._conversation is not None else None
        if isinstance(under, ToolCallItem):
            return under
        calls = self.calls()
        return (self.inspector.item if self.inspector is not None else None) or (calls[-1] if calls else None)

    # -- drawing -------------------------------------------------------------------------------

    def draw_header(self) -> None:
        """Name, title, origin, demo label; on the right what the turn does.  The origin gives way, then the title."""
        engine, line, right = self.engine, self._screen.line("header"), self._activity()
        label = f"  {DEMO_LABEL}" if engine is not None and engine.demo else ""
        label += "  read only" if engine is not None and engine.read_only else ""
        words = status.origin_words(engine.transcript, line.content_size.width) if engine is not None else ""
        given = engine.title if engine is not None else ""
        origin = f"  ({words})" if words and given else ""
        taken = len("mcp-tui  ") + len(label) + sum(len(text) for text, _ in right)
        room = line.content_size.width - taken - 2
        if room - len(origin) < min(len(given), _TITLE_ROOM):
            origin = ""
        room -= len(origin)
        title = shorten(given or words or "new conversation", max(0, room))
        left: list[Part] = [("mcp-tui", "$primary bold"), (f"  {title if room > 3 else ''}", "$foreground")]
        line.show((*left, (origin, "$muted"), (label, "$warning")), right)

    def _activity(self) -> tuple[Part, ...]:
        if self.engine is None:
            return (("not started", "$error"),) if self._failed() else (("starting", "$warning"),)
        if self.bridge is None:
            return ()
        return status.activity(self.engine, self.live, self._app.clock(), model_up=self._model_up)

    def draw_status(self) -> None:
        """Servers, model, context with the tools' share, money, what waits: in this order."""
        line = self._screen.line("status")
        if self.engine is None:
            line.show((("starting the engine; you can type already", "$muted"),))
            return
        waiting = self.live.unanswered if self.bridge is not None else 0
        line.show(*status.status_parts(self.engine, waiting, line.content_size.width))

    def draw_hints(self) -> None:
        """Keys of the focused pane."""
        line = self._screen.line("hints")
        pane, card = self._app.focused_pane(self._screen), self.card
        guarded = card is not None and card.item is not None and card.item.guarded
        without = ["approval.conversation", "approval.rule"] if guarded else []
        if self.inspector is not None and not self.inspector.paged:
            without += ["inspector.next_page", "inspector.previous_page"]
        line.show(
            status.hints(
                pane,
                self._app.key_overrides,
                line.content_size.width,
                waiting=self._what_waits(),
                without=without,
            )
        )

    def _what_waits(self) -> str:
        if self.bridge is None or not self.live.unanswered:
            return ""
        return "approvals" if self.live.waiting else "the question"

    def draw_welcome(self) -> None:
        """What an empty conversation shows."""
        engine = self.engine
        if engine is None or self._screen.talking:
            return
        servers = () if self._screen.is_open("sidebar") else engine.servers
        notes = tuple(self._server_note(server) for server in servers)
        origin = status.origin_words(engine.transcript, self._screen.size.width)
        self._screen.welcome.show(demo=engine.demo, servers=notes, examples=self.examples, origin=origin)

    def _server_note(self, server: ServerStatus) -> ServerNote:
        failed = server.state == "failed"
        return ServerNote(STATE_MARKS[server.state], strict(server.name), self._state_words(server), failed)

    @staticmethod
    def _state_words(server: ServerStatus) -> str:
        if server.state == "running":
            return formats.plural(server.tools, "tool")
        if server.state == "failed" and server.failure is not None:
            return f"failed: {prose(shorten(server.failure.message, 60))}"
        if server.state == "untrusted" and server.enabled:
            return "waits for you: /trust shows its command"
        return "off" if not server.enabled else server.state.replace("_", " ")

    def stopping(self) -> None:
        """The person asked the running turn to stop: say so until it has ended."""
        if self.bridge is not None and self.engine is not None and self.engine.busy:
            self.live.stopping = True
            self.draw_header()

    # -- cards ---------------------------------------------------------------------------------

    def _show_cards(self) -> None:
        """Approvals and questions have one place: what is on a card stays there until it is answered."""
        waiting, questions = list(self.live.waiting.values()), list(self.live.questions.values())
        card, question = self.card, self.question_card
        if question is not None and question.question is not None and questions:
            waiting = []
        elif waiting:
            questions = []
        if question is not None:
            question.show(questions)
        elif questions:
            self._app.run_worker(self._mount_question(), exit_on_error=True)
        if card is not None:
            card.show(waiting)
        elif waiting:
            self._app.run_worker(self._mount_card(), exit_on_error=True)

    async def _mount_card(self) -> None:
        from mcp_tui.ui.widgets.approval import ApprovalCard

        assert self.engine is not None
        if self.card is None:
            card = ApprovalCard(self.engine, clock=self._app.clock)
            await self._screen.mount(card, before="#completions")
            self._show_cards()

    async def _mount_question(self) -> None:
        from mcp_tui.ui.widgets.question import QuestionCard

        assert self.engine is not None
        if self.question_card is None:
            await self._screen.mount(QuestionCard(self.engine, clock=self._app.clock), before="#completions")
            self._show_cards()
