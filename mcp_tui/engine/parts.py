"""What an engine is built from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from mcp_tui.config.rules_file import RulesFile
from mcp_tui.engine.services import EngineSettings
from mcp_tui.gateway.base import ModelGateway
from mcp_tui.gateway.tokens import TokenCounter
from mcp_tui.history.base import HistoryStore
from mcp_tui.history.search import SearchIndex
from mcp_tui.host.base import EventSink, ToolHost
from mcp_tui.permissions.base import Fallback, Rule
from mcp_tui.safety.secrets import Redactor
from mcp_tui.trust.keeper import TrustKeeper


@dataclass(frozen=True, slots=True)
class ProviderChoice:
    """A model that can be selected; ``problem`` says why it is not ready, such as a missing key."""

    name: str
    model: str
    problem: str = ""

    @property
    def ready(self) -> bool:
        """Whether it can be asked."""
        return not self.problem


@dataclass(frozen=True, slots=True)
class EngineParts:
    """Concrete parts, built by the command line; ``make_host`` is given the sink for server events."""

    settings: EngineSettings
    store: HistoryStore
    gateway: ModelGateway
    make_host: Callable[[EventSink], ToolHost]
    counter: TokenCounter
    providers: tuple[ProviderChoice, ...]
    provider: str
    redactor: Redactor
    rules: Sequence[Rule] = ()
    """Guards and rules of the command line; those of ``permissions.yaml`` come from ``rules_file``."""
    fallback: Fallback | None = None
    rules_file: RulesFile = field(default_factory=RulesFile)
    server_cwds: Mapping[str, str] = field(default_factory=dict)
    """Server -> its working directory, where it has one of its own."""
    trust: TrustKeeper | None = None
    """What the host's gatekeeper decides with; ``None`` where it admits everything."""
    search: SearchIndex | None = None
    """Search over the store's conversations; ``None`` where they are not on a disk."""
