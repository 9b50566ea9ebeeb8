"""The configuration reference of the README, made from the models."""

from __future__ import annotations

from pydantic import BaseModel

from mcp_tui.config.models import Config
from mcp_tui.config.problems import FieldPath
from mcp_tui.config.rule_models import RuleEntry
from mcp_tui.config.servers import ServerConfig
from mcp_tui.config.words import expected, leaves


def reference_markdown() -> str:
    """Tables: every field of ``config.yaml``, of an entry of ``servers_config.json``, of a rule."""
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
            "#### `permissions.yaml`",
            "",
            "A list `rules` below `version: 1`. A rule needs `id`, `effect` and `server`; the rest may be left out.",
            "",
            *_table(RuleEntry, ("rules[]",)),
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
