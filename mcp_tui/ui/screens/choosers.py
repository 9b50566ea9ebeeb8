"""Choosers: model, theme, earlier prompt, tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.content import Content

from mcp_tui.safety.text import shorten, strict
from mcp_tui.ui.screens.chooser import Chooser, Row

if TYPE_CHECKING:
    from mcp_tui.ui.catalog_app import CatalogApp


def choose_model(app: CatalogApp, then: Callable[[str], object] | None = None, *, title: str = "model") -> None:
    """Pick a provider entry: it answers from the next turn on, unless ``then`` does something else with it."""
    engine = app.require_engine()
    rows = []
    for choice in engine.providers:
        parts = [(f"{strict(choice.name):<16} ", "bold"), (strict(choice.model), "$foreground")]
        if choice.problem:
            parts.append((f"\n{'':<17}{shorten(choice.problem, 56)}", "$warning"))
        rows.append(Row(choice.name, Content.assemble(*parts), f"{choice.name} {choice.model}"))

    def chosen(name: str | None) -> None:
        if name is not None:
            app.attempt(lambda: (then or app.select_model)(name))

    app.push_screen(Chooser(title, rows, chosen=engine.provider, placeholder="filter models"), chosen)


def choose_theme(app: CatalogApp) -> None:
    """Pick a theme; the highlighted one is tried on, Esc brings the old one back."""
    before = app.theme
    rows = [
        Row(name, Content.assemble((f"{strict(name):<24} ", ""), ("dark" if data.dark else "light", "$muted")), name)
        for name, data in sorted(app.theme_data.items())
    ]

    def chosen(name: str | None) -> None:
        app.use_theme(name or before, remember=name is not None)

    def preview(name: str) -> None:
        app.use_theme(name, remember=False)

    app.push_screen(Chooser("theme", rows, chosen=before, placeholder="filter themes", on_highlight=preview), chosen)


def choose_prompt(app: CatalogApp) -> None:
    """Pick one of the earlier prompts; it replaces the draft, which undo brings back."""
    composer = app.chat.composer
    prompts = list(dict.fromkeys(reversed(composer.history_of_prompts.prompts)))
    rows = [Row(str(index), Content(shorten(prompt, 72)), prompt) for index, prompt in enumerate(prompts)]

    def chosen(index: str | None) -> None:
        if index is not None:
            composer.set_draft(prompts[int(index)])

    app.push_screen(Chooser("earlier prompts", rows, placeholder="search"), chosen)


def show_tools(app: CatalogApp) -> None:
    """The tools that the model is offered; choosing one does nothing but close the list."""
    rows = []
    for tool in app.require_engine().tools():
        name = f"{tool.server}.{tool.name}"
        content = Content.assemble((strict(name), "$role-tool"), (f"\n  {shorten(tool.description, 70)}", "$muted"))
        rows.append(Row(name, content, f"{name} {tool.description}"))
    title = f"{len(rows)} tools" if rows else "no tools: no server is running"
    app.push_screen(Chooser(title, rows, placeholder="filter tools", foot="Esc goes back"))
