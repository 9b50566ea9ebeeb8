from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("section", "low", "high"),
    [
        ("llm.request", "idle_timeout", "total_timeout"),
        ("llm.request", "connect_timeout", "total_timeout"),
        ("llm.request", "initial_retry_delay", "max_retry_delay"),
        ("chat.service.tools", "idle_timeout", "total_timeout"),
        ("mcp.connection", "initial_reconnect_delay", "max_reconnect_delay"),
    ],
)
def test_the_first_must_not_exceed_the_second(files: Any, section: str, low: str, high: str) -> None:
    files.set(f"{section}.{low}", 5000)
    files.set(f"{section}.{high}", 4999)
    found = files.problems()
    assert found[f"{section}.{low}"].message == f"is larger than {high} (5000 > 4999)"
    files.set(f"{section}.{high}", 5000)
    files.set("llm.request.total_timeout", 5000)
    files.loaded()


@pytest.mark.parametrize(
    ("limit", "name"),
    [("chat.service.context.max_tokens", "max_tokens"), ("llm.providers.openai.context_window", "context_window")],
)
def test_the_reserve_must_leave_something(files: Any, limit: str, name: str) -> None:
    files.set(limit, 4096)
    assert name in files.problems()["chat.service.context.reserve_tokens"].message
    files.set(limit, 4097)
    files.loaded()


def test_rules_speak_while_other_parts_are_wrong(files: Any) -> None:
    files.set("logging.level", "loud")
    files.set("llm.active", "nobody")
    files.set("ui.theme", "mcp-drak")
    files.set("chat.service.tools.idle_timeout", 10_000)
    found = files.problems()
    assert set(found) == {"logging.level", "llm.active", "ui.theme", "chat.service.tools.idle_timeout"}
    assert found["ui.theme"].hint.startswith("Did you mean `mcp-dark`?")
    assert found["llm.active"].hint == "Known providers: openai, anthropic, ollama."
