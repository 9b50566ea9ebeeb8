"""The parts that a turn works with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mcp_tui.config.models import RequestConfig, ServiceConfig
from mcp_tui.engine.bus import EventBus
from mcp_tui.engine.questions import Questions
from mcp_tui.events.turns import Origin
from mcp_tui.gateway.base import ModelGateway
from mcp_tui.gateway.tokens import TokenCounter
from mcp_tui.host.base import ToolHost
from mcp_tui.permissions.base import CallFacts, Fallback, Rule, Verdict
from mcp_tui.permissions.guards import RepeatedCalls
from mcp_tui.permissions.service import PendingApprovals, evaluate, without_person
from mcp_tui.safety.secrets import Redactor


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What the engine needs to know of the configuration."""

    service: ServiceConfig
    request: RequestConfig
    app_version: str
    server_wait: float = 3.0
    """Seconds that a turn waits for servers that start for the first time."""
    fragment_interval: float = 2.0
    """Seconds between writes of a streaming answer: what a crash may cost."""
    refusals_to_stop: int = 3
    """Refusals in a row, by the person, that end the turn."""
    interactive: bool = False
    """Whether somebody can be asked the questions of a guard; without, the answer is "no"."""
    queue_pause: float = 1.0
    """Seconds between a stop and the next queued input: time to drop the queue too."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """What the first events of a conversation say that has none yet."""

    origin: Origin | None = None
    title: str = ""
    """Instead of one made from the first input."""


@dataclass(slots=True)
class Services:
    """Concrete parts, wired by the command line."""

    settings: EngineSettings
    bus: EventBus
    gateway: ModelGateway
    host: ToolHost
    counter: TokenCounter
    redactor: Redactor
    rules: Sequence[Rule] = ()
    fallback: Fallback | None = None
    """What happens to a call that nothing allows, where nobody can be asked."""
    beginning: Beginning = Beginning()
    """Of the open conversation, as long as nothing is recorded of it."""
    pending: PendingApprovals = field(default_factory=PendingApprovals)
    questions: Questions = field(init=False)
    """Asked of the person by the guards of a turn."""

    def __post_init__(self) -> None:
        self.questions = Questions(self.bus, interactive=self.settings.interactive)

    def verdict(self, call: CallFacts, repeats: RepeatedCalls | None = None) -> Verdict:
        """What the rules say of a call, the conversation's own grants included.

        ``repeats``, instead of the conversation's, counts what is about to be recorded too.
        """
        folds = self.bus.folds
        verdict = evaluate(call, [*self.rules, folds.cut, repeats or folds.repeats, folds.grants], self.fallback)
        return without_person(verdict, self.fallback)
