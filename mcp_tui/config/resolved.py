"""The configuration as the rest of the program uses it: references resolved, secrets wrapped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field, SecretStr

from mcp_tui.config.models import Config
from mcp_tui.config.problems import Problem
from mcp_tui.config.servers import ServerConfig
from mcp_tui.config.theme_data import ThemeData


@dataclass(frozen=True, slots=True)
class ResolvedProvider:
    """An entry of ``llm.providers`` with its key.  Prices are US dollars per million tokens."""

    name: str
    """Key of the entry in ``llm.providers``."""
    model: str
    """In LiteLLM's notation."""
    api_key: SecretStr | None
    """``None`` when the entry names none, or when its variable is missing (`missing_key_variable`)."""
    api_base: str | None
    temperature: float | None
    max_tokens: int | None
    top_p: float | None
    context_window: int | None
    input_price: float | None
    output_price: float | None
    missing_key_variable: str | None = None
    """Environment variable that holds the key but is not set: selecting this provider fails with its name."""


class ResolvedServer(ServerConfig):
    """An entry of ``mcpServers`` whose references are replaced by values."""

    missing_variables: tuple[str, ...] = Field(default=(), exclude=True)
    """Variables that a disabled entry needs and the environment lacks: it cannot be started until they are set."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Both files, valid and resolved."""

    config: Config
    servers: Mapping[str, ResolvedServer]
    """In the order of the file; disabled ones and those with a ``url`` included."""
    providers: Mapping[str, ResolvedProvider]
    themes: Mapping[str, ThemeData]
    """Shipped themes and those in the ``themes`` folder beside ``config.yaml``, by name."""
    warnings: tuple[Problem, ...]
    secrets: frozenset[str] = field(repr=False)
    """Every value that must never be shown, stored or logged."""
    config_path: Path
    servers_path: Path

    @property
    def active(self) -> ResolvedProvider:
        """The provider that answers at the start."""
        return self.providers[self.config.llm.active]
