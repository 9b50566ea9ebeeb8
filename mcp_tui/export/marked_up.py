"""Markdown of answers as a tree, for the readable formats.

Raw HTML is text, images are not images, entities stay as written (``&#x202e;`` would bring back what was made
harmless), and what would take quadratic time to read is not read as Markdown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from markdown_it import MarkdownIt
from markdown_it.token import Token

from mcp_tui.safety.links import WEB, described, host_of, remarks
from mcp_tui.safety.text import for_clipboard, strict

MOST_TEXT = 300_000
"""Characters of one text beyond which it is shown as it stands."""
MOST_BRACKETS = 400
"""Opening brackets in one paragraph: to look for links takes quadratic time."""

_URL_SAFE = "%/:=&?~#+!$,;@*."


@dataclass(slots=True)
class Node:
    """A piece of Markdown and what is in it.  It does not know its parent: a tree that nobody needs is gone at once."""

    type: str
    """Of the token, without ``_open``."""
    tag: str = ""
    content: str = ""
    info: str = ""
    attrs: dict[str, Any] = field(default_factory=dict)
    hidden: bool = False
    """A paragraph of a tight list."""
    children: list[Node] = field(default_factory=list)


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.disable(["entity", "html_inline", "html_block", "autolink"])
    parser.validateLink = lambda url: True  # type: ignore[method-assign]
    parser.normalizeLink = lambda url: url  # type: ignore[method-assign]
    parser.normalizeLinkText = lambda link: link  # type: ignore[method-assign]
    return parser


def tree(text: str) -> list[Node] | None:
    """The blocks of the text, made harmless, as Markdown; ``None`` where it should be shown as it stands."""
    text = harmless(text)
    if len(text) > MOST_TEXT:
        return None
    parser = _parser()
    env: dict[str, object] = {}
    tokens: list[Token] = []
    parser.block.parse(text, parser, env, tokens)
    for token in tokens:
        if token.type == "inline":
            token.children = _inline(token.content, parser, env)
    return _nodes(tokens)


def _nodes(tokens: Sequence[Token]) -> list[Node]:
    found: list[Node] = []
    open_lists = [found]
    for token in tokens:
        if token.nesting < 0:
            open_lists.pop()
            continue
        node = Node(
            token.type.removesuffix("_open"), token.tag, token.content, token.info, token.attrs, token.hidden,
            _nodes(token.children or ()),
        )  # fmt: skip
        open_lists[-1].append(node)
        if token.nesting > 0:
            open_lists.append(node.children)
    return found


def _inline(text: str, parser: MarkdownIt, env: dict[str, object]) -> list[Token]:
    children: list[Token] = []
    if text.count("[") <= MOST_BRACKETS:
        parser.inline.parse(text, parser, env, children)
        return children
    for number, line in enumerate(text.split("\n")):
        if number:
            children.append(Token("softbreak", "br", 0))
        children.append(Token("text", "", 0, content=line))
    return children


def harmless(text: str) -> str:
    """Outside text as an export keeps it: the source, without what acts or hides."""
    return for_clipboard(text)


def address_words(url: str, text: str) -> str:
    """What stands behind a link's text: where it leads, host first; empty where the text says it."""
    return strict(described(url, text))


def followable(url: str) -> str:
    """The address as a link may carry it; empty unless it is an ordinary web address in which nothing is odd."""
    if not url.lower().startswith(tuple(f"{scheme}://" for scheme in WEB)) or remarks(url) or not host_of(url):
        return ""
    if strict(url) != url or any(char in url for char in "\\\"'<>`{}|^ "):
        return ""
    return quote(url, safe=_URL_SAFE)


def alignment(cell: Node) -> str:
    """``right`` or ``center`` for a cell of a table; empty for what is on the left."""
    side = str(cell.attrs.get("style", "")).removeprefix("text-align:")
    return side if side in ("right", "center") else ""


def text_of(node: Node) -> str:
    """All words below a node."""
    if node.type in ("softbreak", "hardbreak"):
        return " "
    if not node.children:
        return node.content
    return "".join(text_of(child) for child in node.children)
