"""The floor of the start: a Textual app with an Input, a Markdown, a Tree and a Footer, nothing else."""

from __future__ import annotations

import asyncio

from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.widgets import Footer, Input, Markdown, Tree


class BareApp(App[None]):
    """The same widgets as mcp-tui shows at its start, without any of its code."""

    def compose(self) -> ComposeResult:
        """Content beside a tree, an input below."""
        with Horizontal():
            yield Tree("servers")
            yield Markdown("# Welcome\n\nAsk something.")
        yield Input()
        yield Footer()

    def __init__(self) -> None:
        super().__init__()
        self.ready = asyncio.Event()
        """Set when its widgets are there."""

    def on_mount(self) -> None:
        """Type at once."""
        self.query_one(Input).focus()
        self.ready.set()


if __name__ == "__main__":
    BareApp().run()
