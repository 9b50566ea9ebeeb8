"""Where files are: explicit argument, then environment variable, then the system's user directories (A2, B4)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

APP_NAME = "mcp-tui"
CONFIG_VARIABLE = "MCP_CONFIG_PATH"
SERVERS_VARIABLE = "MCP_SERVERS_CONFIG_PATH"
DATA_VARIABLE = "MCP_TUI_DATA_DIR"
CONFIG_NAME = "config.yaml"
SERVERS_NAME = "servers_config.json"
RULES_NAME = "permissions.yaml"


@dataclass(frozen=True, slots=True)
class Paths:
    """Every place that this run uses.  Nothing here says that a file exists."""

    config_file: Path
    servers_file: Path
    data_dir: Path
    """Conversations; ``MCP_TUI_DATA_DIR`` overrides."""
    log_dir: Path
    """``logs`` inside the data directory when ``MCP_TUI_DATA_DIR`` is set: one variable isolates a run."""
    cache_dir: Path
    """What can be made again, such as the search index; ``cache`` inside the data directory, likewise."""

    @property
    def config_dir(self) -> Path:
        """The folder of ``config.yaml``."""
        return self.config_file.parent

    @property
    def rules_file(self) -> Path:
        """Permission rules, beside ``config.yaml``."""
        return self.config_dir / RULES_NAME

    @property
    def conversations_dir(self) -> Path:
        """Where the conversations' files are."""
        return self.data_dir / "conversations"

    @property
    def themes_dir(self) -> Path:
        """Themes of the user's own, beside ``config.yaml``."""
        return self.config_dir / "themes"


def resolve_paths(
    environ: Mapping[str, str], *, config: str | Path | None = None, servers: str | Path | None = None
) -> Paths:
    """Decide all paths from arguments and environment; touches no file.

    A servers file that nothing names is looked for in the user's configuration directory, wherever ``config`` is.
    A variable that is empty counts as not set; ``~`` is expanded and relative paths are made absolute.
    """
    data_override = _path(environ.get(DATA_VARIABLE))
    config_dir = _user_dir(environ, "XDG_CONFIG_HOME", platformdirs.user_config_dir(APP_NAME, appauthor=False))
    if data_override is None:
        data_dir = _user_dir(environ, "XDG_DATA_HOME", platformdirs.user_data_dir(APP_NAME, appauthor=False))
        log_dir = _user_dir(
            environ, "XDG_STATE_HOME", platformdirs.user_log_dir(APP_NAME, appauthor=False), suffix="log"
        )
        cache_dir = _user_dir(environ, "XDG_CACHE_HOME", platformdirs.user_cache_dir(APP_NAME, appauthor=False))
    else:
        data_dir, log_dir = data_override, data_override / "logs"
        cache_dir = data_override / "cache"
    return Paths(
        config_file=_path(config) or _path(environ.get(CONFIG_VARIABLE)) or config_dir / CONFIG_NAME,
        servers_file=_path(servers) or _path(environ.get(SERVERS_VARIABLE)) or config_dir / SERVERS_NAME,
        data_dir=data_dir,
        log_dir=log_dir,
        cache_dir=cache_dir,
    )


def _path(value: str | Path | None) -> Path | None:
    return Path(os.path.expanduser(value)).absolute() if value else None  # noqa: PTH111 - never raises


def _user_dir(environ: Mapping[str, str], variable: str, default: str, *, suffix: str = "") -> Path:
    """XDG's variable where it is set to an absolute path (its specification's rule), else the system's directory."""
    base = environ.get(variable, "")
    if base and Path(base).is_absolute():
        return Path(base) / APP_NAME / suffix
    return Path(default)
