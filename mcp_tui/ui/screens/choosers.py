"""Choosers: model, theme, earlier prompt, tools.  What becomes of the choice is up to who shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from mcp_tui.safety.text import shorten, strict
from mcp_tui.ui.formats import plural
from mcp_tui.ui.screens.chooser import Chooser, Row

if TYPE_CHECKING:
    from mcp_tui.config.theme_data import ThemeData
    from mcp_tui.engine.engine import Engine
    from mcp_tui.events.tools import ToolDefinition


def model_chooser(engine: Engine, title: str = "model") -> Chooser:
    """The provider entries, by name."""
    rows = []
    for choice in engine.providers:
        parts = [(f"{strict(choice.name):<16} ", "bold"), (strict(choice.model), "$foreground")]
        if choice.problem:
            parts.append((f"\n{'':<17}{shorten(choice.problem, 56)}", "$warning"))
        rows.append(Row(choice.name, Content.assemble(*parts), f"{choice.name} {choice.model}"))
    return Chooser(title, rows, chosen=engine.provider, placeholder="filter models")


def theme_chooser(themes: Mapping[str, ThemeData], chosen: str, preview: Callable[[str], None]) -> Chooser:
    """The themes, by name; the highlighted one is given to ``preview``."""
    rows = [
        Row(name, Content.assemble((f"{strict(name):<24} ", ""), ("dark" if data.dark else "light", "$muted")), name)
        for name, data in sorted(themes.items())
    ]
    return Chooser("theme", rows, chosen=chosen, placeholder="filter themes", on_highlight=preview)


def prompt_chooser(prompts: Sequence[str]) -> Chooser:
    """Earlier prompts, by their index in ``prompts``."""
    rows = [Row(str(index), Content(shorten(prompt, 72)), prompt) for index, prompt in enumerate(prompts)]
    return Chooser("earlier prompts", rows, placeholder="search")


def tool_list(tools: Sequence[ToolDefinition]) -> Chooser:
    """The tools that the model is offered; choosing one does nothing but close the list."""
    rows = []
    for tool in tools:
        name = f"{tool.server}.{tool.name}"
        content = Content.assemble((strict(name), "$role-tool"), (f"\n  {shorten(tool.description, 70)}", "$muted"))
        rows.append(Row(name, content, f"{name} {tool.description}"))
    title = plural(len(rows), "tool") if rows else "no tools: no server is running"
    return Chooser(title, rows, placeholder="filter tools", foot="Esc goes back")
