"""The configuration reference of the README, made from the models."""

from __future__ import annotations

from pydantic import BaseModel

from mcp_tui.config.models import Config
from mcp_tui.config.problems import FieldPath
from mcp_tui.config.servers import ServerConfig
from mcp_tui.config.words import expected, leaves


def reference_markdown() -> str:
    """Two tables: every field of ``config.yaml``, every field of an entry of ``servers_config.json``."""
    return "\n".join(
        [
            "#### `config.yaml`",
            "",
            "Every field is required.",
            "",
            *_table(Config),
            "",
            "#### `servers_config.json`",
            "",
            "An entry needs exactly one of `command` and `url`; every other field may be left out.",
            "",
            *_table(ServerConfig, ("mcpServers", "<name>")),
            "",
        ]
    )


def _table(model: type[BaseModel], prefix: FieldPath = ()) -> list[str]:
    rows = ["| field | value | meaning |", "|---|---|---|"]
    for path, info in leaves(model, prefix):
        meaning = " ".join((info.description or "").replace("``", "`").split())
        cells = (f"`{'.'.join(str(part) for part in path)}`", expected(info), meaning)
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return rows
