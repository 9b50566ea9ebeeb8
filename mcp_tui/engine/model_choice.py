"""The models that can answer, and the one that does."""

from __future__ import annotations

from mcp_tui.engine.background import Background
from mcp_tui.engine.parts import ProviderChoice
from mcp_tui.errors import McpTuiError, UsageError
from mcp_tui.gateway.base import ModelGateway
from mcp_tui.gateway.tokens import TokenCounter


class ModelChoice:
    """Which provider entry answers the next turn."""

    def __init__(
        self,
        providers: tuple[ProviderChoice, ...],
        provider: str,
        gateway: ModelGateway,
        counter: TokenCounter,
        background: Background,
    ) -> None:
        self.providers = providers
        self.provider = provider
        self.times = 0
        """How often an entry was selected, the same one again included."""
        self._gateway, self._counter, self._background = gateway, counter, background
        self._windows: dict[str, int | None] = {}

    @property
    def model(self) -> str:
        """The model of the selected entry, in LiteLLM's notation."""
        return self._choice(self.provider).model

    @property
    def window(self) -> int | None:
        """Its context window in tokens, where that is known."""
        return self._windows.get(self.provider)

    def select(self, provider: str) -> None:
        """Answer with this entry from the next turn on.  Raises `UsageError` for one that is not there."""
        choice = self._choice(provider)
        self.provider = choice.name
        self.times += 1
        self._counter.select(choice.model)
        self.learn_window()

    def keep(self, provider: str) -> None:
        """Answer with the entry that a conversation was held with, where it is still configured."""
        if any(choice.name == provider for choice in self.providers):
            self.select(provider)

    def learn_window(self) -> None:
        """Ask for the selected model's window; returns at once."""
        self._background.spawn(self._learn_window(self.provider), "model information")

    async def _learn_window(self, provider: str) -> None:
        try:
            info = await self._gateway.model_info(provider)
        except McpTuiError:
            return
        self._windows[provider] = info.context_window

    def _choice(self, provider: str) -> ProviderChoice:
        for choice in self.providers:
            if choice.name == provider:
                return choice
        names = ", ".join(choice.name for choice in self.providers)
        raise UsageError(f"There is no model {provider!r}.", hint=f"Configured: {names}.")
