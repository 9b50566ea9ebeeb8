"""Tools that are held because they are new or changed: each is looked at before the model sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.content import Content

from mcp_tui.safety.text import strict
from mcp_tui.ui import formats
from mcp_tui.ui.base_app import overrides_in
from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.keymap import effective, show_keys
from mcp_tui.ui.screens.guarded import GuardedScreen, Part, Subject, key_line
from mcp_tui.ui.widgets import review_text

if TYPE_CHECKING:
    from mcp_tui.engine.engine import Engine
    from mcp_tui.events.tools import HeldTool


class ReviewScreen(GuardedScreen):
    """Held tools one by one, with what changed word by word."""

    PANE = "review"
    NAME = "held tools"
    HELP = (
        "These tools are new or changed since their server was accepted. The model does not see them and they cannot "
        "be called until you accept them here. Accepting a changed tool ends what you allowed for the old one."
    )
    BINDINGS = bindings("review")

    def __init__(self, engine: Engine, *, clock: Callable[[], float], server: str = "") -> None:
        super().__init__(clock=clock)
        self._engine, self._server = engine, server

    def subjects(self) -> list[Subject]:
        """The held tools of the chosen server, or of all."""
        return [Subject(_key(held), _label(held), "+" if held.reason == "new" else "!") for held in self._held()]

    def _held(self) -> list[HeldTool]:
        names = [self._server] if self._server else [server.name for server in self._engine.servers]
        return [held for name in names for held in self._engine.trust.held(name)]

    def _one(self, subject: Subject) -> HeldTool:
        return next(held for held in self._held() if _key(held) == subject.key)

    def text(self, subject: Subject, width: int) -> Content:
        """The definition, or what changed in it."""
        held = self._one(subject)
        return review_text.held_text(held, self._engine.trust.diff(held))

    def _left(self) -> int:
        return sum(subject.key not in self.looked_at for subject in self._subjects)

    def ready_text(self, subject: Subject) -> Part:
        """What the keys would do."""
        if left := self._left():
            return f"keys are awake; accepting all is locked: {formats.plural(left, 'tool')} not looked at", "$success"
        return "keys are awake", "$success"

    def keys_text(self) -> Content:
        """Keys."""
        keys = effective(overrides_in(self.app))
        shown: list[Part] = [(show_keys(keys["review.accept"][:1]), "accept this one")]
        if len(self._subjects) > 1:
            shown.append((show_keys(keys["review.accept_all"][:1]), f"accept all {len(self._subjects)}"))
            shown.append((show_keys((keys["review.previous"][0], keys["review.next"][0])), "tools"))
        shown.append((show_keys(keys["review.close"][:1]), "leave"))
        return key_line(shown)

    def action_accept(self) -> None:
        """Accept the definition on the screen."""
        subject = self.may_accept()
        if subject is not None:
            self._accept([self._one(subject)])

    def action_accept_all(self) -> None:
        """Accept everything that was looked at, once that is everything."""
        if self.may_accept() is not None and not self._left():
            self._accept(self._held())

    def _accept(self, accepted: list[HeldTool]) -> None:
        if self.attempt(lambda: self._accept_each(accepted)):
            names = ", ".join(_label(held) for held in accepted[:3]) + (" …" if len(accepted) > 3 else "")
            self.app.notify(f"Accepted: {names}.", markup=False)
        self.draw()

    def _accept_each(self, accepted: list[HeldTool]) -> None:
        for server in dict.fromkeys(held.definition.server for held in accepted):
            digests = [held.definition.digest for held in accepted if held.definition.server == server]
            self._engine.trust.accept_tools(server, digests)


def _key(held: HeldTool) -> tuple[str, str, str]:
    return held.definition.server, held.definition.name, held.definition.digest


def _label(held: HeldTool) -> str:
    return strict(f"{held.definition.server}.{held.definition.name}")
