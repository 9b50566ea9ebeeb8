from __future__ import annotations

from mcp_tui.config.models import Config
from mcp_tui.config.reference import reference_markdown
from mcp_tui.config.rule_models import RuleEntry
from mcp_tui.config.servers import ServerConfig
from mcp_tui.config.words import leaves


def test_every_field_has_a_row_with_a_type_and_a_meaning() -> None:
    rows = [line.strip("| ").split(" | ") for line in reference_markdown().splitlines() if line.startswith("| `")]
    wanted = [".".join(str(part) for part in path) for path, _ in leaves(Config)]
    wanted += [f"mcpServers.<name>.{name}" for name in ServerConfig.model_fields]
    wanted += [".".join(str(part) for part in path) for path, _ in leaves(RuleEntry, ("rules[]",))]
    assert [row[0].strip("`") for row in rows] == wanted
    assert all(len(row) == 3 and all(row) for row in rows)


def test_types_are_said_in_words() -> None:
    text = reference_markdown()
    assert "| `llm.providers.<name>.temperature` | a number (0 or more, 2 at most), or null |" in text
    assert "| `logging.level` | one of `debug`, `info`, `warning`, `error` |" in text
    assert "| `chat.service.max_tool_hops` | a whole number (1 or more) |" in text
    assert "annotated" not in text.lower()
    assert "typing" not in text
