"""Emphasis, code, links and images inside Markdown text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from rich.style import Style

from mcp_tui.safety.links import described
from mcp_tui.safety.text import strict
from mcp_tui.ui.widgets.document.wrapping import Span

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

    from mcp_tui.ui.widgets.document.style import Palette

_PLAIN = re.compile(r"[^\\`*_~\[\]!<>]*\Z")
MAX_BRACKETS = 100
"""A text with more opening brackets is shown as it stands: to look for links in it takes quadratic time."""

_BOLD, _ITALIC, _STRIKE = Style(bold=True), Style(italic=True), Style(strike=True)


def warm_up() -> None:
    """Import and build the parser now: tens of milliseconds, best spent in a thread before it is needed."""
    _parser()


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    """CommonMark with strikethrough.

    Entities stay as written (``&#x202e;`` would bring back what was made harmless), bare URLs need no
    markup, HTML is text.  URLs are shown, never followed, so none is refused or rewritten.
    """
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("strikethrough").disable(["entity", "html_inline"])
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    parser.normalizeLinkText = lambda link: link  # type: ignore[method-assign]
    return parser


def inline(text: str, palette: Palette, base: Style) -> list[Span]:
    """Markdown ``text`` (already harmless) as styled spans; ``base`` lies under every style."""
    if _PLAIN.match(text) or text.count("[") > MAX_BRACKETS:
        return [(text.replace("\n", " ") if "\n" in text else text, base)] if text else []
    parser = _parser()
    tokens: list[Token] = []
    parser.inline.parse(text, parser, {}, tokens)
    return _Spans(palette, base).read(tokens)


class _Spans:
    """Walks the tokens of one text with a stack of styles."""

    def __init__(self, palette: Palette, base: Style) -> None:
        self.palette = palette
        self.styles = [base]
        self.links: list[tuple[str, int]] = []
        self.out: list[Span] = []

    def read(self, tokens: list[Token]) -> list[Span]:
        for token in tokens:
            self._token(token)
        return self.out

    def _token(self, token: Token) -> None:
        style = self.styles[-1]
        match token.type:
            case "text" | "text_special" | "html_inline":
                self._add(token.content, style)
            case "code_inline":
                self._add(token.content, style + self.palette.inline_code)
            case "softbreak":
                self._add(" ", style)
            case "hardbreak":
                self._add("\n", style)
            case "strong_open":
                self.styles.append(style + _BOLD)
            case "em_open":
                self.styles.append(style + _ITALIC)
            case "s_open":
                self.styles.append(style + _STRIKE)
            case "link_open":
                self.links.append((_attribute(token, "href"), len(self.out)))
                self.styles.append(style + self.palette.link)
            case "link_close":
                self._close_link()
            case "strong_close" | "em_close" | "s_close":
                self.styles.pop()
            case "image":
                label = f"[image: {token.content}]" if token.content else "[image]"
                self._add(f"{label} ({_address(_attribute(token, 'src'), '')})", style + self.palette.url)
            case _:
                self._add(token.content, style)

    def _close_link(self) -> None:
        self.styles.pop()
        url, start = self.links.pop()
        shown = "".join(text for text, _style in self.out[start:])
        if url and (words := _address(url, shown)):
            self._add(f" ({words})", self.styles[-1] + self.palette.url)

    def _add(self, text: str, style: Style) -> None:
        if text:
            self.out.append((text, style))


def _address(url: str, text: str) -> str:
    """Where a link leads, host first; a decoded host may hold anything."""
    return strict(described(url, text))


def _attribute(token: Any, name: str) -> str:
    value = token.attrs.get(name, "")
    return value if isinstance(value, str) else str(value)
