"""Rules of ``config.yaml`` that tie several fields together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from mcp_tui.config import sections
from mcp_tui.config.models import ConnectionConfig, ContextConfig, RequestConfig, ToolsConfig
from mcp_tui.config.problems import FieldPath, Problem
from mcp_tui.config.source import Document
from mcp_tui.config.validate import describe, nearest

CheckKeys = Callable[[dict[str, str]], Sequence[tuple[str, str]]]
"""Takes ``ui.keys``, gives (binding id, what is wrong with it): only the screen knows its bindings."""


_REQUEST: FieldPath = ("llm", "request")
TOOLS: FieldPath = ("chat", "service", "tools")
_CONTEXT: FieldPath = ("chat", "service", "context")
_CONNECTION: FieldPath = ("mcp", "connection")

_ORDERED = (
    (_REQUEST, RequestConfig, "idle_timeout", "total_timeout"),
    (_REQUEST, RequestConfig, "connect_timeout", "total_timeout"),
    (_REQUEST, RequestConfig, "initial_retry_delay", "max_retry_delay"),
    (TOOLS, ToolsConfig, "idle_timeout", "total_timeout"),
    (_CONNECTION, ConnectionConfig, "initial_reconnect_delay", "max_reconnect_delay"),
)
"""Fields of a section of which the first must not exceed the second."""


def check_rules(document: Document, themes: Collection[str], check_keys: CheckKeys | None) -> list[Problem]:
    """All rules over the parts of ``config.yaml`` that are valid by themselves; providers have theirs elsewhere."""
    return [*_ordered(document), *_context(document), *_theme(document, themes), *_keys(document, check_keys)]


def _ordered(document: Document) -> Iterable[Problem]:
    for path, model, low_name, high_name in _ORDERED:
        part = sections.section(document, path, model)
        if part is None:
            continue
        low, high = getattr(part, low_name), getattr(part, high_name)
        if low > high:
            yield document.problem((*path, low_name), f"is larger than {high_name} ({low:g} > {high:g})")


def _context(document: Document) -> Iterable[Problem]:
    context = sections.section(document, _CONTEXT, ContextConfig)
    if context is None:
        return
    active = sections.providers(document).get(str(sections.raw(document, ("llm", "active"))))
    limits = (
        ("max_tokens", context.max_tokens),
        ("the active model's context_window", active.context_window if active else None),
    )
    for name, limit in limits:
        if limit is not None and context.reserve_tokens >= limit:
            message = f"leaves nothing of {name} ({context.reserve_tokens} >= {limit})"
            yield document.problem((*_CONTEXT, "reserve_tokens"), message)


def _theme(document: Document, themes: Collection[str]) -> Iterable[Problem]:
    theme = sections.raw(document, ("ui", "theme"))
    if not isinstance(theme, str) or theme in themes:
        return
    close = nearest(theme, list(themes))
    known = f"Known themes: {', '.join(sorted(themes))}."
    hint = f"Did you mean `{close}`? {known}" if close else known
    yield document.problem(("ui", "theme"), "names no theme", found=describe(theme, ""), hint=hint)


def _keys(document: Document, check_keys: CheckKeys | None) -> Iterable[Problem]:
    keys = sections.raw(document, ("ui", "keys"))
    if check_keys is None or not isinstance(keys, dict):
        return
    for binding, message in check_keys({name: key for name, key in keys.items() if isinstance(key, str)}):
        path = ("ui", "keys", binding)
        yield document.problem(path, message, at=document.mark(path))
