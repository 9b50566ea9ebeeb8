"""The lines of Markdown's block structure, as regular expressions (CommonMark 0.31, GFM tables and task lists).

All are linear: a line of `mcp_tui.ui.widgets.blocks.markdown.MAX_LINE` characters costs no more than its length.
"""

from __future__ import annotations

import re

FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)\Z")
HEADING = re.compile(r" {0,3}(#{1,6})(?: (.*))?\Z")
RULE = re.compile(r" {0,3}(?:(?:\* *){3,}|(?:- *){3,}|(?:_ *){3,})\Z")
SETEXT = re.compile(r" {0,3}(=+|-+) *\Z")
ITEM = re.compile(r"( {0,3})([-+*]|\d{1,9}[.)])( +|\Z)")
QUOTE = re.compile(r" {0,3}> ?")
TASK = re.compile(r"\[([ xX])\] +(?=\S)")
_DELIMITERS = re.compile(r"\|? *:?-+:? *(?:\| *:?-+:? *)*\|?\Z")
HTML = re.compile(
    r" {0,3}<(?:!--|\?|![A-Za-z]|/?(?:address|article|aside|base|blockquote|body|center|details|dialog|dd|div|dl|dt|"
    r"fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|header|hr|html|iframe|legend|li|link|main|menu|"
    r"nav|ol|optgroup|option|p|param|script|search|section|style|summary|table|tbody|td|textarea|tfoot|th|thead|title|"
    r"tr|track|ul|pre)(?:\s|/?>|\Z))",
    re.IGNORECASE,
)
_CELL = re.compile(r"(?<!\\)\|")


def starts_block(rest: str) -> bool:
    """Whether a line ends a paragraph by starting something else."""
    if rest.startswith("    "):
        return False
    fence = FENCE.match(rest)
    if fence is not None:
        return not (fence[1][0] == "`" and "`" in fence[2])
    return bool(HEADING.match(rest) or RULE.match(rest) or HTML.match(rest))


def heading_text(text: str) -> str:
    """Without the closing marks (CommonMark 4.2)."""
    text = text.strip()
    bare = text.rstrip("#")
    return bare.rstrip() if not bare or bare.endswith(" ") else text


def is_table(header: str, rest: str) -> bool:
    """Whether ``rest`` is the delimiter row below ``header`` (GFM 4.10)."""
    if "|" not in header and "|" not in rest:
        return False
    return bool(_DELIMITERS.match(rest.strip())) and len(cells(header)) == len(cells(rest))


def cells(row: str) -> list[str]:
    r"""The cells of a table row; ``\|`` is a bar inside a cell (GFM 4.10)."""
    row = row.strip()
    row = row.removeprefix("|")
    if row.endswith("|") and not row.endswith("\\|"):
        row = row[:-1]
    return [cell.strip().replace("\\|", "|") for cell in _CELL.split(row)]


def alignment(cell: str) -> str:
    """``left``, ``center`` or ``right``, from a cell of the delimiter row."""
    left, right = cell.startswith(":"), cell.endswith(":")
    return "center" if left and right else "right" if right else "left"
