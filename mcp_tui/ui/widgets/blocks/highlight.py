"""Colours for code: lexers loaded beside the event loop, text coloured a slice at a time."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from rich.style import Style

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mcp_tui.ui.widgets.document.colours import Code, Coloured

MAX_CHARACTERS = 400_000
"""Longer code stays plain."""

_DRAFT_CHARACTERS = 6_000
"""A piece of unfinished code beyond this stays plain until it is finished."""

_PURPOSES = (
    ("Comment", "code_comment"),
    ("Keyword.Type", "code_type"),
    ("Keyword.Constant", "code_number"),
    ("Keyword", "code_keyword"),
    ("Name.Function", "code_name"),
    ("Name.Class", "code_name"),
    ("Name.Decorator", "code_name"),
    ("Name.Tag", "code_keyword"),
    ("Name.Attribute", "code_name"),
    ("Name.Builtin", "code_type"),
    ("Name.Exception", "code_type"),
    ("Literal.String", "code_string"),
    ("Literal", "code_number"),
    ("Operator.Word", "code_keyword"),
    ("Operator", "code_operator"),
    ("Generic.Deleted", "error"),
    ("Generic.Inserted", "success"),
    ("Generic.Heading", "code_keyword"),
    ("Generic.Subheading", "code_name"),
    ("Generic.Prompt", "code_comment"),
)
"""First match wins; everything else has the colour of code."""


class Lexer(Protocol):
    """What is needed of a Pygments lexer (Pygments has no types)."""

    def get_tokens_unprocessed(self, text: str) -> Iterable[tuple[int, Any, str]]:
        """Position, token type and text of each token."""


class Highlighter:
    """Colours code in the order in which it was seen.

    ``wake`` is called when there is something to do for `work`.  A lexer is imported and prepared in a thread
    (both take tens of milliseconds); until it is there, code stays plain.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lexers: dict[str, Lexer | None] = {}
        self._loading: dict[str, list[Code]] = {}
        self._futures: set[asyncio.Future[Any]] = set()
        self._styles: dict[str, dict[str, Style]] = {}
        self.restyled = False
        """Whether `styles` has a better answer, since somebody last reset this."""
        self._queue: deque[Code] = deque()
        self._current: tuple[Code, Iterator[Coloured]] | None = None
        self._purposes: dict[Any, str] = {}
        self.coloured = False
        """Whether what was drawn got other colours since somebody last reset this."""

    @property
    def busy(self) -> bool:
        """Whether something is loading or waits for `work`."""
        return bool(self._futures or self._queue) or self._current is not None

    def styles(self, name: str) -> dict[str, Style]:
        """Colours by purpose of a Pygments style; empty until it was loaded, and where there is none."""
        if name and name not in self._styles:
            self._styles[name] = {}
            future = asyncio.get_running_loop().run_in_executor(None, load_style, name)
            self._futures.add(future)
            future.add_done_callback(lambda done: self._styled(name, done))
        return self._styles.get(name, {})

    def _styled(self, name: str, future: asyncio.Future[dict[str, Style]]) -> None:
        self._futures.discard(future)
        if not future.cancelled():
            self._styles[name] = future.result()
            self.restyled = True
            self._wake()

    def request(self, code: Code) -> None:
        """Colour finished code as soon as there is time."""
        if code.requested or code.size > MAX_CHARACTERS:
            return
        code.requested = True
        language = code.language
        if language in self._lexers:
            if self._lexers[language] is not None:
                self._queue.append(code)
                self._wake()
        else:
            self._load(language, code)

    def draft(self, language: str, lines: list[str]) -> list[Coloured] | None:
        """Colours for a piece of code on its own, guessing that it starts outside strings and comments."""
        if language not in self._lexers:
            self._load(language, None)
            return None
        lexer = self._lexers[language]
        if lexer is None or sum(map(len, lines)) > _DRAFT_CHARACTERS:
            return None
        return list(self._colour(lexer, lines))

    def work(self, seconds: float) -> bool:
        """Colour for about ``seconds``; whether there is more to do."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            if self._current is None:
                if not self._queue:
                    return False
                code = self._queue.popleft()
                lexer = self._lexers[code.language]
                if lexer is None:
                    continue
                self._current = (code, self._colour(lexer, code.lines))
            self._advance(*self._current, end)
        return True

    def _advance(self, code: Code, lines: Iterator[Coloured], end: float) -> None:
        since = len(code.colours)
        for line in lines:
            code.colours.append(line)
            if time.perf_counter() >= end:
                break
        else:
            self._current = None
        self.coloured |= code.coloured(len(code.colours), since)

    def _load(self, language: str, code: Code | None) -> None:
        waiting = self._loading.get(language)
        if waiting is not None:
            if code is not None:
                waiting.append(code)
            return
        self._loading[language] = [code] if code is not None else []
        future = asyncio.get_running_loop().run_in_executor(None, load_lexer, language)
        self._futures.add(future)
        future.add_done_callback(lambda done: self._loaded(language, done))

    def _loaded(self, language: str, future: asyncio.Future[Lexer | None]) -> None:
        self._futures.discard(future)
        if future.cancelled():
            return
        self._lexers[language] = future.result()
        waiting = self._loading.pop(language, [])
        if self._lexers[language] is not None:
            self._queue.extend(waiting)
            self.coloured = True
            self._wake()

    def _colour(self, lexer: Lexer, lines: list[str]) -> Iterator[Coloured]:
        """The coloured form of each of ``lines``, as the lexer gets to it."""
        line: Coloured = []
        for _index, token, value in lexer.get_tokens_unprocessed("\n".join(lines)):
            purpose = self._purposes.get(token) or self._purpose(token)
            first, *others = value.split("\n")
            if first:
                line.append((first, purpose))
            for other in others:
                yield line
                line = [(other, purpose)] if other else []
        yield line

    def _purpose(self, token: Any) -> str:
        name = str(token).removeprefix("Token.") + "."
        purpose = next((purpose for prefix, purpose in _PURPOSES if name.startswith(prefix + ".")), "code")
        self._purposes[token] = purpose
        return purpose


_TOKENS = {
    "code_keyword": "Keyword",
    "code_name": "Name.Function",
    "code_type": "Name.Builtin",
    "code_string": "Literal.String",
    "code_number": "Literal.Number",
    "code_comment": "Comment",
    "code_operator": "Operator",
}
"""Purpose -> the token of a Pygments style that gives its colour."""


def load_style(name: str) -> dict[str, Style]:
    """Colours by purpose of a Pygments style; empty where there is none of that name."""
    from pygments.styles import get_style_by_name  # type: ignore[import-untyped]  # has no types
    from pygments.token import string_to_tokentype  # type: ignore[import-untyped]  # has no types
    from pygments.util import ClassNotFound  # type: ignore[import-untyped]

    try:
        style = get_style_by_name(name)
    except ClassNotFound:
        return {}
    out: dict[str, Style] = {}
    for purpose, token in _TOKENS.items():
        found = style.style_for_token(string_to_tokentype(token))
        if found["color"]:
            bold, italic = found["bold"] or None, found["italic"] or None
            out[purpose] = Style(color=f"#{found['color']}", bold=bold, italic=italic)
    return out


def load_lexer(language: str) -> Lexer | None:
    """The lexer for a language name, ready to run; ``None`` where there is none."""
    from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]  # has no types
    from pygments.util import ClassNotFound

    try:
        lexer: Lexer = get_lexer_by_name(language)
    except ClassNotFound:
        return None
    for _token in lexer.get_tokens_unprocessed("x = 1\n"):
        pass
    return lexer
