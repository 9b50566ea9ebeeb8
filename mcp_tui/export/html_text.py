"""Outside text as HTML: a small set of elements without attributes, and links that say where they lead.

Nothing of a text reaches the page but through `words`.
"""

from __future__ import annotations

from html import escape

from mcp_tui.export.marked_up import Node, address_words, alignment, followable, harmless, text_of, tree
from mcp_tui.safety.text import strict

_HEADINGS_BELOW = 2
_PLAIN = {
    "strong": "strong", "em": "em", "s": "s", "blockquote": "blockquote", "bullet_list": "ul", "list_item": "li",
    "thead": "thead", "tbody": "tbody", "tr": "tr",
}  # fmt: skip


def words(text: str) -> str:
    """Any text, between tags or in a quoted attribute."""
    return escape(harmless(text), quote=True)


def typed(text: str) -> str:
    """What a person typed, as typed."""
    return f'<div class="typed">{words(text.strip())}</div>'


def code(text: str) -> str:
    """A block of code, or a result."""
    return f"<pre><code>{words(text)}</code></pre>"


def answer(text: str) -> str:
    """An answer of a model: its Markdown."""
    blocks = tree(text)
    return typed(text) if blocks is None else f'<div class="text">{_all(blocks)}</div>'


def _all(nodes: list[Node]) -> str:
    return "".join(map(_node, nodes))


def _node(node: Node) -> str:
    inner = _all(node.children)
    match node.type:
        case "inline":
            return inner
        case "paragraph":
            return f"{inner}\n" if node.hidden else f"<p>{inner}</p>\n"
        case "heading":
            tag = f"h{min(6, int(node.tag[1:]) + _HEADINGS_BELOW)}"
            return f"<{tag}>{inner}</{tag}>\n"
        case "fence" | "code_block":
            return code(node.content.rstrip("\n"))
        case "code_inline":
            return f"<code>{words(node.content)}</code>"
        case "softbreak":
            return "\n"
        case "hardbreak":
            return "<br>\n"
        case "hr":
            return "<hr>\n"
        case "ordered_list":
            return f'<ol start="{int(node.attrs.get("start", 1))}">{inner}</ol>\n'
        case "table":
            return f'<div class="table"><table>{inner}</table></div>\n'
        case "th" | "td":
            side = f' class="{side}"' if (side := alignment(node)) else ""
            return f"<{node.type}{side}>{inner}</{node.type}>"
        case "link":
            return _link(str(node.attrs.get("href", "")), inner, text_of(node))
        case "image":
            label = words(strict(text_of(node) or node.content))
            shown = f"[image{': ' if label else ''}{label}]"
            return _link(str(node.attrs.get("src", "")), shown, "")
        case kind if kind in _PLAIN:
            return f"<{_PLAIN[kind]}>{inner}</{_PLAIN[kind]}>"
        case _:
            return words(node.content)


def _link(url: str, shown: str, text: str) -> str:
    """The text, and behind it the address, host first; only an ordinary web address can be followed."""
    address, target = address_words(url, text), followable(url)
    if not target:
        return f'{shown} <span class="address">({words(address)})</span>' if address else shown
    anchor = f'<a href="{words(target)}" rel="noreferrer noopener">'
    if not address:
        return f"{anchor}{shown}</a>"
    return f'{shown} <span class="address">({anchor}{words(address)}</a>)</span>'
