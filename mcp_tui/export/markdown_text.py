"""Outside text as Markdown that stays what it is in whatever reads it.

An answer is taken apart and written anew: no raw HTML is left in it, nothing is loaded, no fence, list or quote of it
reaches beyond it, and its headings stand below ours.
"""

from __future__ import annotations

import html
import re

from mcp_tui.export.marked_up import Node, address_words, alignment, followable, harmless, text_of, tree
from mcp_tui.safety.text import strict

_HEADINGS_BELOW = 2
_SPECIAL = re.compile(
    r"""
      (?P<backslash>\\(?=[!-/:-@\[-`{-~]|\Z))
    | (?P<mark>[*`\[\]~]|(?<![^\W_])_|_(?![^\W_]))
    | (?P<html>[<&](?=[#A-Za-z/!?]|\Z))
    """,
    re.VERBOSE,
)
_LINE_START = re.compile(
    r"^(\#{1,6}(?=\s|$)|>|\||[-+](?=\s|$)|[-=](?=[-=\s]*$)|\d{1,9}(?=[.)](?:\s|$))|:?-+:?(?=\s*\|))"
)
"""What would begin a block, or rule off a table."""
_HTML_IN_CODE = re.compile(r"[<&][A-Za-z#/!?]")
_CLOSING = re.compile(r"#(?=\s*$)")
_RUN = re.compile(r"`+")
_INFO = re.compile(r"[A-Za-z0-9_+#.-]{1,30}")


def escaped(text: str) -> str:
    """Harmless text, one line of it, so that it reads as it is."""
    text = _SPECIAL.sub(_escape, text)
    match = _LINE_START.match(text)
    if match is None:
        return text
    if match[0][0].isdigit():
        return f"{match[0]}\\{text[match.end() :]}"
    return f"\\{text}"


def _escape(match: re.Match[str]) -> str:
    return html.escape(match[0]) if match.lastgroup == "html" else f"\\{match[0]}"


def fence(text: str, info: str = "") -> list[str]:
    """Lines of a block of code that its content cannot end."""
    ticks = "`" * max(3, 1 + max((len(run) for run in _RUN.findall(text)), default=0))
    return [f"{ticks}{info}", *text.rstrip("\n").split("\n"), ticks]


def typed(text: str) -> list[str]:
    """What a person typed, line by line as typed: code stays code, everything else is a quotation."""
    text = harmless(text).strip("\n")
    if "```" in text or re.search(r"^(?: {2,}|\t)\S", text, re.MULTILINE):
        return fence(text, "text")
    *lines, last = [escaped(line.strip()) for line in text.split("\n")]
    return [*(f"> {line}  " if line else ">" for line in lines), f"> {last}".rstrip()]


def code(text: str) -> str:
    """A span of code on one line."""
    text = text.replace("\n", " ")
    if not text.strip():
        return ""
    if _HTML_IN_CODE.search(text):
        return f"<code>{''.join(_entity(char) for char in text)}</code>"
    ticks = "`" * (1 + max((len(run) for run in _RUN.findall(text)), default=0))
    blank = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{ticks}{blank}{text}{blank}{ticks}"


def _entity(char: str) -> str:
    return f"&#{ord(char)};" if char in "<>&\"'`*_[]~\\|!" else char


def answer(text: str) -> list[str]:
    """An answer of a model, written anew."""
    blocks = tree(text)
    return fence(harmless(text), "text") if blocks is None else _blocks(blocks)


def _blocks(nodes: list[Node], *, tight: bool = False) -> list[str]:
    out: list[str] = []
    before, alternate = "", False
    for node in nodes:
        alternate = node.type == before and not alternate
        before = node.type
        lines = _block(node, alternate=alternate)
        if out and lines and not (tight and node.type in ("paragraph", "bullet_list", "ordered_list")):
            out.append("")
        out += lines
    return out


def _block(node: Node, *, alternate: bool) -> list[str]:
    """The lines of a block; ``alternate`` keeps a list apart from the one before it."""
    match node.type:
        case "paragraph":
            return _paragraph(node)
        case "heading":
            level = min(6, int(node.tag[1:]) + _HEADINGS_BELOW)
            words = _CLOSING.sub(r"\\#", " ".join(_paragraph(node)))
            return [f"{'#' * level} {words}".rstrip()]
        case "fence" | "code_block":
            info = _INFO.match(node.info.strip()) if node.type == "fence" else None
            return fence(node.content, info[0] if info else "")
        case "blockquote":
            return [f"> {line}".rstrip() for line in _blocks(node.children)]
        case "bullet_list":
            return _list(node, ["*" if alternate else "-"] * len(node.children))
        case "ordered_list":
            start = int(node.attrs.get("start", 1))
            end = ")" if alternate else "."
            return _list(node, [f"{start + number}{end}" for number in range(len(node.children))])
        case "table":
            return _table(node)
        case "hr":
            return ["---"]
        case _:
            return [escaped(line) for line in node.content.split("\n")] if node.content else []


def _list(node: Node, markers: list[str]) -> list[str]:
    tight = all(child.hidden for item in node.children for child in item.children if child.type == "paragraph")
    out: list[str] = []
    for marker, item in zip(markers, node.children, strict=True):
        lines = _blocks(item.children, tight=tight) or [""]
        indent = " " * (len(marker) + 1)
        if out and not tight:
            out.append("")
        out.append(f"{marker} {lines[0]}".rstrip())
        out += [f"{indent}{line}".rstrip() for line in lines[1:]]
    return out


_RULES = {"": "---", "right": "---:", "center": ":---:"}


def _table(node: Node) -> list[str]:
    rows = [[_cell(cell) for cell in row.children] for section in node.children for row in section.children]
    if not rows:
        return []
    rule = [_RULES[alignment(cell)] for cell in node.children[0].children[0].children]
    return [f"| {' | '.join(row)} |" for row in [rows[0], rule, *rows[1:]]]


def _cell(node: Node) -> str:
    return re.sub(r"(?<!\\)((?:\\\\)*)\|", r"\1\\|", " ".join(_paragraph(node)))


def _paragraph(node: Node) -> list[str]:
    """The lines of a block of words; each is escaped where it begins."""
    text = "".join(_inline(child) for child in node.children)
    return [_begin(line) for line in text.split("\n")]


def _begin(line: str) -> str:
    """A line whose words are escaped already, kept from beginning a block."""
    match = _LINE_START.match(line)
    if match is None:
        return line
    return f"{match[0]}\\{line[match.end() :]}" if match[0][0].isdigit() else f"\\{line}"


def _inline(node: Node) -> str:
    inner = "".join(_inline(child) for child in node.children)
    match node.type:
        case "inline":
            return inner
        case "strong":
            return f"**{inner}**" if inner.strip() else inner
        case "em":
            return f"*{inner}*" if inner.strip() else inner
        case "s":
            return f"~~{inner}~~" if inner.strip() else inner
        case "code_inline":
            return code(node.content)
        case "softbreak":
            return "\n"
        case "hardbreak":
            return "  \n"
        case "link":
            return inner + _address(str(node.attrs.get("href", "")), text_of(node))
        case "image":
            label = escaped(strict(text_of(node) or node.content))
            return f"\\[image{': ' if label else ''}{label}\\]" + _address(str(node.attrs.get("src", "")), "")
        case _:
            return _SPECIAL.sub(_escape, node.content)


def _address(url: str, text: str) -> str:
    words, target = address_words(url, text), followable(url)
    if not words:
        return ""
    if target:
        host = words.removesuffix(url).rstrip(": ")
        return f" ({escaped(host)}: <{target}>)" if host else f" (<{target}>)"
    return f" ({code(words)})"
