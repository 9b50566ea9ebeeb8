"""What is known of code while it gets its colours: neither blocks nor whoever colours them know more of each other."""

from __future__ import annotations

from typing import Protocol

Coloured = list[tuple[str, str]]
"""One line of code: text and its purpose in the palette."""


class Code(Protocol):
    """Code whose lines are coloured one after the other."""

    requested: bool
    """Whether somebody colours it, or is going to."""

    @property
    def language(self) -> str:
        """Its name in lower case; empty for plain text."""

    @property
    def lines(self) -> list[str]:
        """The code itself."""

    @property
    def size(self) -> int:
        """Characters of it, about."""

    @property
    def colours(self) -> list[Coloured]:
        """The first lines, as far as their colours are known; whoever colours appends."""

    def coloured(self, upto: int, since: int) -> bool:
        """Colours of the lines from ``since`` to ``upto`` arrived; whether something drawn without them was dropped."""


class Colours(Protocol):
    """Who colours code."""

    def request(self, code: Code) -> None:
        """Colour finished code as soon as there is time; its blocks are dropped then."""

    def draft(self, language: str, lines: list[str]) -> list[Coloured] | None:
        """Colours for a piece of unfinished code; ``None``: draw it plain."""
