"""The server sidebar: state of every server, and what the turn, the context, money and the queue are at."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from mcp_tui.safety.text import prose, shorten, strict
from mcp_tui.ui import formats
from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.marks import CALL_MARKS, STATE_MARKS

if TYPE_CHECKING:
    from mcp_tui.conversation.items import ToolCallItem
    from mcp_tui.engine.engine import Engine
    from mcp_tui.events.servers import ServerStatus
    from mcp_tui.ui.live import LiveState

Part = tuple[str, str]
BAR = 18
"""Cells of the context bar."""

ONE_LINE = 60
"""Columns from which on a server that is well, the context and the cost take one line each."""


HEAVY_MEMORY = 500_000_000
HEAVY_SHARE = 0.5
"""Bytes and share of a processor from which on a server's row says what it takes."""


class ServerList(OptionList, inherit_bindings=False):
    """The servers; paging is left to what is below them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "cursor_down", "Down", show=False),
        Binding("up,k", "cursor_up", "Up", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("end,G", "last", "Last", show=False),
    ]


class ServerSidebar(Vertical):
    """Servers on top, one row of keys each; sections below."""

    PANE = "servers"
    HELP = (
        "The MCP servers. Enter shows the command and standard error of one, R restarts it, Space turns it off or on "
        "until the end of the run. * ready, ~ on its way or waiting for you, x failed, - off, ! works, but look at it. "
        "Enter on a server that waits shows what it would start; V reviews tools that are held."
    )
    BINDINGS = bindings("servers")
    DEFAULT_CSS = """
    ServerSidebar {
        height: 1fr; background: $background;
        & #servers-title { height: 1; padding: 0 1; background: $surface; }
        & ServerList, & ServerList:focus {
            border: none; height: auto; max-height: 60%; background: $background; padding: 0 0 0 1;
            scrollbar-size-vertical: 1;
        }
        & #sections { height: 1fr; padding: 0 1; scrollbar-size-vertical: 1; }
        & #sections Static { height: auto; }
    }
    """

    class Requested(Message):
        """Something is to be done with the highlighted server."""

        def __init__(self, action: Literal["details", "review", "restart", "switch"], server: ServerStatus) -> None:
            super().__init__()
            self.action, self.server = action, server

    def __init__(self, engine: Engine, live: Callable[[], LiveState], *, widget_id: str = "sidebar") -> None:
        super().__init__(id=widget_id)
        self._engine, self._live = engine, live
        self._rows: list[Content] = []
        self._sections = Content("")

    def compose(self) -> ComposeResult:
        """Title, servers, sections."""
        yield Static(id="servers-title")
        yield ServerList(markup=False)
        with VerticalScroll(id="sections", can_focus=False):
            yield Static(id="section-text")

    def on_mount(self) -> None:
        """Draw what there is."""
        self.show()

    def on_resize(self) -> None:
        """Rows follow the width."""
        self.show()

    # -- drawing -------------------------------------------------------------------------------

    def show(self) -> None:
        """Draw the state as it is now; what is the same is not drawn again."""
        if not self.query("#section-text"):
            return
        servers = self._engine.servers
        up = sum(server.state == "running" for server in servers)
        title = Content.assemble(("SERVERS", "bold"), (f"  {up}/{len(servers)} up", "$muted"))
        self.query_one("#servers-title", Static).update(title)
        self._fill([server_row(server, self._width) for server in servers])
        sections = self._section_text()
        if sections != self._sections:
            self._sections = sections
            self.query_one("#section-text", Static).update(sections)

    @property
    def _width(self) -> int:
        return max(20, self.size.width - 2)

    @property
    def _one_line(self) -> bool:
        """Whether there is room for everything about one thing in one line."""
        return self._width >= ONE_LINE

    def _fill(self, rows: list[Content]) -> None:
        if rows == self._rows:
            return
        servers = self.query_one(ServerList)
        highlighted = servers.highlighted
        if len(rows) == len(self._rows):
            for index, (old, new) in enumerate(zip(self._rows, rows, strict=True)):
                if old != new:
                    servers.replace_option_prompt_at_index(index, new)
        else:
            servers.set_options([Option(row) for row in rows])
            if rows:
                servers.highlighted = min(highlighted or 0, len(rows) - 1)
        self._rows = rows

    def _section_text(self) -> Content:
        parts: list[Part] = []
        for title, body in (
            ("TOOLS THIS TURN", self._tools_part()),
            ("QUEUE", self._queue_part()),
            ("CONTEXT", self._context_part()),
            ("COST", self._cost_part()),
        ):
            if body:
                parts += [(f"\n{title}\n", "bold"), *body]
        return Content.assemble(*parts)

    def _tools_part(self) -> list[Part]:
        parts: list[Part] = []
        for call in self._live().turn_calls[-12:]:
            mark, style = CALL_MARKS.get(call.state, ("!!", "$error"))
            name = shorten(call.label, self._width - 11)
            parts += [(f"{mark} ", style), (f"{name:<{self._width - 11}}", ""), (f"{_duration(call):>7}\n", "$muted")]
            parts += self._progress(call)
        return parts

    def _progress(self, call: ToolCallItem) -> list[Part]:
        if call.state != "running" or call.progress is None:
            return []
        message = shorten(call.progress_message, max(0, self._width - 17)) if call.progress_message else ""
        if not call.progress_total:
            return [(f"   {call.progress:g} {message}\n", "$accent")]
        share = min(1.0, max(0.0, call.progress / call.progress_total))
        filled = round(8 * share)
        return [
            ("   ", ""),
            ("━" * filled, "$accent"),
            ("─" * (8 - filled), "$muted"),
            (f" {share:.0%} {message}\n", ""),
        ]

    def _context_part(self) -> list[Part]:
        share = self._engine.context
        if share is None:
            return []
        about, end = "~" if share.estimated else "", "  " if self._one_line else "\n"
        parts: list[Part] = []
        if share.window:
            part = min(1.0, share.used / share.window)
            filled = min(BAR, round(BAR * part))
            style = "$error" if part >= 0.9 else "$warning" if part >= 0.7 else "$success"
            parts += [("━" * filled, style), ("─" * (BAR - filled), "$muted"), (f" {part:.0%}{end}", "")]
            parts.append((f"{about}{formats.count(share.used)} of {formats.count(share.window)} tokens{end}", ""))
        else:
            parts.append((f"{about}{formats.count(share.used)} tokens{end}", ""))
        parts.append((f"{formats.count(share.tools)} in tool definitions\n", "$muted"))
        return parts

    def _cost_part(self) -> list[Part]:
        totals = self._engine.totals
        if not totals.model_requests:
            return []
        money = "unknown" if totals.unknown_cost and not totals.cost else formats.money(totals.cost)
        more = " and unknown" if totals.unknown_cost and totals.cost else ""
        tokens = f"in {formats.count(totals.prompt_tokens)}  out {formats.count(totals.completion_tokens)}"
        return [(f"{money}{more}{'  ' if self._one_line else chr(10)}", ""), (f"{tokens}\n", "$muted")]

    def _queue_part(self) -> list[Part]:
        return [
            (f"{number} {shorten(text, self._width - 4)}\n", "$accent")
            for number, text in enumerate(self._engine.queue, 1)
        ]

    # -- actions -------------------------------------------------------------------------------

    @property
    def selected(self) -> ServerStatus | None:
        """The highlighted server."""
        index = self.query_one(ServerList).highlighted
        servers = self._engine.servers
        return servers[index] if index is not None and index < len(servers) else None

    def action_page(self, step: int) -> None:
        """Scroll what is below the servers."""
        sections = self.query_one("#sections", VerticalScroll)
        sections.scroll_relative(y=step * max(1, sections.size.height - 1), animate=False)

    def on_option_list_option_selected(self) -> None:
        """Enter or a click."""
        self.action_details()

    def action_details(self) -> None:
        """Everything about the highlighted server."""
        self._request("details")

    def action_review(self) -> None:
        """The held tools of the highlighted server."""
        self._request("review")

    def action_restart(self) -> None:
        """Restart the highlighted server."""
        self._request("restart")

    def action_switch(self) -> None:
        """Turn the highlighted server off or on."""
        self._request("switch")

    def _request(self, action: Literal["details", "review", "restart", "switch"]) -> None:
        if (server := self.selected) is not None:
            self.post_message(self.Requested(action, server))


def server_row(server: ServerStatus, width: int) -> Content:
    """About a server: mark, name, tools; transport, era, latency or why it is not running.  One line or two."""
    mark, style = STATE_MARKS[server.state] if server.enabled or server.state != "failed" else STATE_MARKS["stopped"]
    if server.state == "running" and (server.warnings or server.set_aside or server.held):
        mark, style = "!", "$warning"
    tools = _right(server)
    name = shorten(server.name, max(4, width - len(tools) - 3))
    if width >= ONE_LINE and server.state == "running":
        gap, (line, dim) = " " * max(1, 24 - len(name)), _second_line(server, width)[0]
        return Content.assemble((f"{mark} ", style), (name, "bold"), gap, f"{tools:<10}", (line, dim))
    first = Content.assemble((f"{mark} ", style), (name, "bold"), " " * max(1, width - 2 - len(name) - len(tools)))
    return Content.assemble(first, (tools, "$muted"), "\n", *_second_line(server, width))


def _right(server: ServerStatus) -> str:
    if server.state == "untrusted" and server.enabled:
        return "waits for you"
    return formats.plural(server.tools, "tool") if server.state == "running" else server.state.replace("_", " ")


def _second_line(server: ServerStatus, width: int) -> list[Part]:
    if server.state == "untrusted" and server.enabled:
        return [("  Enter shows its command", "$warning")]
    if server.held:
        return [(f"  {formats.plural(server.held, 'tool')} held: v reviews", "$warning")]
    if server.state == "running":
        if heavy := formats.usage(server.memory_bytes, server.cpu_share, HEAVY_MEMORY, HEAVY_SHARE):
            return [(f"  {heavy}", "$warning")]
        latency = f"  {formats.seconds(server.latency_seconds)}" if server.latency_seconds is not None else ""
        line = f"  {server.transport} {strict(server.protocol_version or '')}{latency}"
        return [(line, "$muted")]
    if server.failure is None:
        return [("  off" if not server.enabled else f"  {server.transport}", "$muted")]
    parts: list[Part] = [(f"  {shorten(server.failure.message, width - 2)}", "$error")]
    if server.retry_at is not None:
        left = max(0.0, (server.retry_at - datetime.now(UTC)).total_seconds())
        parts.append((f"\n  again in {left:.0f} s", "$warning"))
    elif server.failure.suggestion:
        parts.append((f"\n  {shorten(prose(server.failure.suggestion), width - 2)}", "$muted"))
    return parts


def _duration(call: ToolCallItem) -> str:
    if call.timing is not None:
        return formats.seconds(call.timing.wire)
    if call.started_at is not None and call.state == "running":
        return formats.seconds(max(0.0, (datetime.now(UTC) - call.started_at).total_seconds()))
    return ""
