"""Everything about one server: how it was started, why it failed, what it wrote to its standard error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from mcp_tui.safety.text import strict
from mcp_tui.ui import formats
from mcp_tui.ui.screens.left_once import LeftOnce

if TYPE_CHECKING:
    from mcp_tui.engine.engine import Engine
    from mcp_tui.events.servers import ServerStatus
    from mcp_tui.events.tools import HeldTool

Part = tuple[str, str]


class ServerDetailsScreen(LeftOnce, ModalScreen[Literal["review"] | None]):
    """Text that stays up to date; Esc closes it.  ``review`` is what it is left for where its held tools are wanted."""

    PANE = "servers"
    HELP = "Command line, state, last failure, held tools, the last lines of standard error. R restarts, V reviews."
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,q,enter", "close", "Close"),
        ("R,r", "restart", "Restart"),
        ("v", "review", "Review held tools"),
    ]
    DEFAULT_CSS = """
    ServerDetailsScreen {
        align: center middle;
        background: $background 50%;
        & VerticalScroll {
            width: 94%; max-width: 110; height: auto; max-height: 90%; background: $surface; border: round $primary;
            border-title-color: $primary; border-subtitle-color: $muted; padding: 0 1; scrollbar-size-vertical: 1;
        }
    }
    """

    def __init__(self, engine: Engine, name: str, *, restart: Callable[[str], object]) -> None:
        super().__init__()
        self._engine, self._server, self._restart = engine, name, restart
        self._drawn = Content("")

    def compose(self) -> ComposeResult:
        """The text."""
        with VerticalScroll() as scroll:
            scroll.border_title = "server"
            scroll.border_subtitle = "R restarts, v reviews held tools, Esc closes"
            yield Static()

    def on_mount(self) -> None:
        """Draw, and draw again while it is open."""
        self._draw()
        self.set_interval(0.5, self._draw)

    def _draw(self) -> None:
        status = next((server for server in self._engine.servers if server.name == self._server), None)
        if status is None:
            return
        held = self._engine.trust.held(self._server) if status.held else ()
        content = details(status, self._engine.server_stderr(self._server), held)
        if content != self._drawn:
            self._drawn = content
            self.query_one(Static).update(content)

    def action_close(self) -> None:
        """Back to the chat."""
        self.dismiss(None)

    def action_review(self) -> None:
        """The held tools of this server, in the place of its details."""
        self.dismiss("review")

    def action_restart(self) -> None:
        """Restart this server."""
        self._restart(self._server)


def details(server: ServerStatus, stderr: tuple[str, ...], held: Sequence[HeldTool] = ()) -> Content:
    """The whole text about a server."""
    rows: list[Part] = [("name", server.name), ("state", f"{server.state}{'' if server.enabled else ', off'}")]
    rows += [("command", server.command), ("transport", server.transport)]
    rows += [("protocol", server.protocol_version or "not known yet")]
    if server.pid is not None:
        rows.append(("process", str(server.pid)))
    if server.started_at is not None:
        rows.append(("started", formats.local_time(server.started_at)))
    if server.latency_seconds is not None:
        rows.append(("latency", formats.seconds(server.latency_seconds)))
    if takes := formats.usage(server.memory_bytes, server.cpu_share):
        rows.append(("takes", takes))
    offers = ((server.tools, "tool"), (server.prompts, "prompt"), (server.resources, "resource"))
    rows.append(("offers", ", ".join(formats.plural(*offer) for offer in offers)))
    rows.append(("faults", f"{formats.plural(server.errors, 'error')}, {formats.plural(server.restarts, 'restart')}"))
    parts: list[Part] = []
    for name, value in rows:
        parts += [(f"{name:<11}", "$muted"), (f"{strict(value)}\n", "")]
    parts += _failure(server)
    for tool in held:
        words = "is new" if tool.reason == "new" else "changed"
        parts.append((f"! {strict(tool.definition.name)} {words}: held until you review it (v)\n", "$warning"))
    for warning in server.warnings:
        parts.append((f"! {strict(warning)}\n", "$warning"))
    for aside in server.set_aside:
        parts.append((f"! {strict(aside.name)} is set aside: {strict(aside.reason)}\n", "$warning"))
    last = f"standard error, last {formats.plural(len(stderr), 'line')}" if stderr else "nothing on standard error"
    parts.append((f"\n{last}\n", "bold"))
    parts += [(f"{strict(line)}\n", "$muted") for line in stderr]
    return Content.assemble(*parts)


def _failure(server: ServerStatus) -> list[Part]:
    failure = server.failure
    if failure is None:
        return []
    parts: list[Part] = [(f"\nlast failure, at {failure.step}\n", "bold"), (f"{strict(failure.message)}\n", "$error")]
    if failure.exit_code is not None:
        parts.append((f"exit status {failure.exit_code}\n", "$error"))
    if failure.signal:
        parts.append((f"ended by {strict(failure.signal)}\n", "$error"))
    if failure.suggestion:
        parts.append((f"{strict(failure.suggestion)}\n", "$accent"))
    return parts
