"""Servers that wait to be accepted: the command line in full, before anything of it runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.content import Content

from mcp_tui.safety.text import strict
from mcp_tui.ui.base_app import overrides_in
from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.keymap import effective, show_keys
from mcp_tui.ui.screens.guarded import GuardedScreen, Part, Subject, key_line
from mcp_tui.ui.widgets import trust_text

if TYPE_CHECKING:
    from mcp_tui.engine.engine import Engine
    from mcp_tui.events.servers import TrustRequest


class TrustScreen(GuardedScreen):
    """The waiting servers one by one; what was accepted here stays, with the tools that came with it."""

    PANE = "trust"
    NAME = "servers to accept"
    HELP = (
        "A server is a program that runs with your rights. It starts only after you accepted its command line, once; "
        "a changed one asks again. The tools that it lists then are accepted with it."
    )
    BINDINGS = bindings("trust")

    def __init__(self, engine: Engine, *, clock: Callable[[], float], server: str = "") -> None:
        super().__init__(clock=clock, first=strict(server))
        self._engine = engine
        self._accepted: list[str] = []
        self._requests: dict[str, TrustRequest] = {}
        """As they were drawn last."""

    def subjects(self) -> list[Subject]:
        """Accepted here, then what waits."""
        self._requests = requests = {request.server: request for request in self._engine.trust.requests()}
        done = [
            Subject(("accepted", name, self._server_state(name), len(self._tools(name))), strict(name), "*", open=False)
            for name in self._accepted
            if name not in requests
        ]
        return [*done, *(Subject(("asks", request), strict(name), "~") for name, request in requests.items())]

    def _server_state(self, name: str) -> str:
        return next((server.state for server in self._engine.servers if server.name == name), "gone")

    def _tools(self, name: str) -> list[str]:
        return [tool.name for tool in self._engine.tools() if tool.server == name]

    def _server_of(self, subject: Subject) -> str:
        names = [*self._accepted, *self._requests]
        return next((name for name in names if strict(name) == subject.label), "")

    def text(self, subject: Subject, width: int) -> Content:
        """The request, or what was accepted."""
        name = self._server_of(subject)
        request = self._requests.get(name)
        if request is not None:
            return trust_text.request_text(request, width)
        tools = [tool for tool in self._engine.tools() if tool.server == name]
        return trust_text.accepted_text(name, self._server_state(name), tools)

    def ready_text(self, subject: Subject) -> Part:
        """What a key would do."""
        if not subject.open:
            return "accepted", "$success"
        return "keys are awake; leaving accepts nothing", "$success"

    def keys_text(self) -> Content:
        """Keys of the subject on the screen."""
        keys = effective(overrides_in(self.app))
        shown: list[Part] = []
        if self.subject is not None and self.subject.open:
            shown.append((show_keys(keys["trust.accept"][:1]), "accept and start"))
        if len(self._subjects) > 1:
            both = show_keys((keys["trust.previous"][0], keys["trust.next"][0]))
            shown.append((both, "servers"))
        shown.append((show_keys(keys["trust.close"][:1]), "leave"))
        return key_line(shown)

    def action_accept(self) -> None:
        """Accept the command line on the screen."""
        subject = self.may_accept()
        if subject is None:
            return
        name = self._server_of(subject)
        if self.attempt(lambda: self._engine.trust.accept(name, self._requests[name])):
            self._accepted.append(name)
        self.draw()
