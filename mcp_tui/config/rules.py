"""Rules of ``config.yaml`` that tie several fields together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from mcp_tui.config.models import Config
from mcp_tui.config.problems import FieldPath, Problem
from mcp_tui.config.source import Document
from mcp_tui.config.validate import nearest

CheckKeys = Callable[[dict[str, str]], Sequence[tuple[str, str]]]
"""Takes ``ui.keys``, gives (binding id, what is wrong with it): only the screen knows its bindings."""


def check_config(
    document: Document, config: Config, themes: Collection[str], check_keys: CheckKeys | None
) -> list[Problem]:
    """All rules over a valid ``config.yaml``, keys of providers excepted."""
    return [
        *_ordered(document, config),
        *_context(document, config),
        *_theme(document, config, themes),
        *_keys(document, config, check_keys),
    ]


def _ordered(document: Document, config: Config) -> Iterable[Problem]:
    """Pairs of which the first must not exceed the second."""
    request, tools, connection = config.llm.request, config.chat.service.tools, config.mcp.connection
    at = ("llm", "request")
    pairs: list[tuple[FieldPath, str, float, str, float]] = [
        (at, "idle_timeout", request.idle_timeout, "total_timeout", request.total_timeout),
        (at, "connect_timeout", request.connect_timeout, "total_timeout", request.total_timeout),
        (at, "initial_retry_delay", request.initial_retry_delay, "max_retry_delay", request.max_retry_delay),
        (("chat", "service", "tools"), "idle_timeout", tools.idle_timeout, "total_timeout", tools.total_timeout),
        (("mcp", "connection"), "initial_reconnect_delay", connection.initial_reconnect_delay,
         "max_reconnect_delay", connection.max_reconnect_delay),
    ]  # fmt: skip
    for path, low_name, low, high_name, high in pairs:
        if low > high:
            yield document.problem((*path, low_name), f"is larger than {high_name} ({low:g} > {high:g})")


def _context(document: Document, config: Config) -> Iterable[Problem]:
    context = config.chat.service.context
    at = ("chat", "service", "context", "reserve_tokens")
    active = config.llm.providers.get(config.llm.active)
    if context.max_tokens is not None and context.reserve_tokens >= context.max_tokens:
        yield document.problem(at, f"leaves nothing of max_tokens ({context.reserve_tokens} >= {context.max_tokens})")
    elif active is not None and active.context_window is not None and context.reserve_tokens >= active.context_window:
        yield document.problem(
            at, f"leaves nothing of the model's context_window ({context.reserve_tokens} >= {active.context_window})"
        )


def _theme(document: Document, config: Config, themes: Collection[str]) -> Iterable[Problem]:
    if config.ui.theme in themes:
        return
    close = nearest(config.ui.theme, list(themes))
    known = f"Known themes: {', '.join(sorted(themes))}."
    hint = f"Did you mean `{close}`? {known}" if close else known
    yield document.problem(("ui", "theme"), f'names no theme: "{config.ui.theme}"', hint=hint)


def _keys(document: Document, config: Config, check_keys: CheckKeys | None) -> Iterable[Problem]:
    if check_keys is None:
        return
    for binding, message in check_keys(dict(config.ui.keys)):
        path = ("ui", "keys", binding)
        yield document.problem(path, message, at=document.mark(path))
