"""Conversations and hits for tests of the history screen."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from mcp_tui.conversation.summary import Amounts, ConversationSummary
from mcp_tui.events.turns import Origin
from mcp_tui.history.base import TrashedConversation
from mcp_tui.history.search import SearchHit
from tests.ui.support import AT, ScriptedEngine, ScriptedHistory


def summary(key: str, title: str, days: float, **more: object) -> ConversationSummary:
    """A conversation last changed ``days`` before `AT`."""
    given: dict[str, object] = {
        "events": 90, "user_messages": 7, "messages": 14, "tool_calls": 9, "model": "openai/gpt-x",
        "models": ("openai/gpt-x",), "cost": 0.05, "servers": ("fs", "gh", "jira"), "demo": False, "size": 412_000,
        "created_at": AT - timedelta(days=days, minutes=40), "updated_at": AT - timedelta(days=days),
    }  # fmt: skip
    return ConversationSummary(id=key, title=title, **{**given, **more})  # type: ignore[arg-type]


def conversations() -> tuple[ConversationSummary, ...]:
    """What a person may have after some weeks."""
    fork = Origin(kind="fork", conversation_id="c-nightly", event_id="e9", title="nightly failures")
    again = Origin(kind="fork", conversation_id="c-fork", event_id="e12", title="nightly failures")
    verified = Origin(kind="verification", conversation_id="c-login", title="login-timeouts")
    local = {"model": "ollama_chat/local-q", "models": ("openai/gpt-x", "ollama_chat/local-q"), "cost": None}
    return (
        summary("c-login", "login-timeouts", 0, tags=("work", "urgent")),
        summary("c-proxy", "proxy keep-alive", 1.2, messages=32, tool_calls=21, model="anthropic/claude-x-large",
                models=("anthropic/claude-x-large",), cost=0.41, servers=("gh",)),
        summary("c-verify", "verification of login-timeouts", 2, messages=0, tool_calls=9, cost=None,
                models=(), model="", origin=verified),
        summary("c-fork", "nightly failures, with the local model", 3, messages=6, tool_calls=4, servers=("ci",),
                origin=fork, copied=Amounts(messages=4, tool_calls=3), **local),
        summary("c-again", "", 4, messages=1200, tool_calls=0, servers=(), origin=again, **local),
        summary("c-nightly", "nightly failures", 9, messages=11, tool_calls=17, cost=0.09, servers=("gh", "ci")),
        summary("c-demo", "what can you do? 日本語のタイトル and a title that goes on and on and on", 30, demo=True,
                model="demo", models=("demo",), cost=0.0, servers=("time",), tags=("later",)),
        summary("c-new", "from the future", 40, newer_schema=True),
    )  # fmt: skip


def hits() -> tuple[SearchHit, ...]:
    """Three places in one conversation and one in another."""

    def hit(conversation: str, seq: int, kind: str, label: str, text: str) -> SearchHit:
        first = text.index("timeout")
        return SearchHit(
            conversation_id=conversation, title="", event_id=f"e{seq}", seq=seq, at=AT - timedelta(minutes=seq),
            kind=kind, label=label, snippet=text, marks=((first, first + 7),),
        )  # type: ignore[arg-type]  # fmt: skip

    return (
        hit("c-login", 31, "result", "gh.search_issues", "#812 Login timeout behind proxy, #790 first login"),
        hit("c-login", 5, "call", "gh.search_issues", 'q="login timeout" state="open" per_page=30'),
        hit("c-login", 3, "user", "you", "Which open issues mention the login timeout?"),
        hit("c-proxy", 12, "assistant", "claude-x-large", "… keep-alive before the proxy timeout closes the socket …"),
    )


def history_engine() -> ScriptedEngine:
    """An engine with all of these, one of them open, and one in the trash."""
    engine = ScriptedEngine(conversation_id="c-login", stored=conversations())
    trashed = TrashedConversation(summary("c-gone", "an old idea", 80), AT)
    engine.history = ScriptedHistory(
        conversations(), (trashed,), hits(), place=Path.home() / ".local" / "share" / "mcp-tui" / "history"
    )
    return engine
