"""What a block is drawn with."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from rich.style import Style

if TYPE_CHECKING:
    from mcp_tui.ui.widgets.document.colours import Colours

NO_STYLE = Style()


@dataclass(frozen=True, slots=True)
class Palette:
    """Styles by purpose.

    Each field is filled from the component class ``conversation--<field>`` of the conversation pane,
    so themes and stylesheets decide; the defaults draw without any colour.
    """

    text: Style = NO_STYLE
    muted: Style = field(default=Style(dim=True))
    bar: Style = NO_STYLE
    cursor: Style = field(default=Style(bold=True))
    user: Style = field(default=Style(bold=True))
    user_text: Style = NO_STYLE
    assistant: Style = field(default=Style(bold=True))
    tool: Style = field(default=Style(bold=True))
    reasoning: Style = field(default=Style(dim=True, italic=True))
    success: Style = NO_STYLE
    warning: Style = NO_STYLE
    error: Style = NO_STYLE
    running: Style = NO_STYLE
    heading: Style = field(default=Style(bold=True))
    subheading: Style = field(default=Style(bold=True))
    marker: Style = NO_STYLE
    quote: Style = field(default=Style(italic=True))
    rule: Style = field(default=Style(dim=True))
    link: Style = field(default=Style(underline=True))
    url: Style = field(default=Style(dim=True))
    inline_code: Style = NO_STYLE
    code: Style = NO_STYLE
    code_label: Style = field(default=Style(dim=True))
    code_keyword: Style = NO_STYLE
    code_name: Style = NO_STYLE
    code_type: Style = NO_STYLE
    code_string: Style = NO_STYLE
    code_number: Style = NO_STYLE
    code_comment: Style = field(default=Style(italic=True))
    code_operator: Style = NO_STYLE
    table_line: Style = field(default=Style(dim=True))
    table_header: Style = field(default=Style(bold=True))
    found: Style = field(default=Style(underline=True))
    found_here: Style = field(default=Style(reverse=True))

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Every purpose."""
        return tuple(each.name for each in fields(cls))


@dataclass(frozen=True, slots=True)
class Pen:
    """The conditions under which blocks are drawn; another ``generation`` means other strips.

    ``width`` is the whole row in cells.
    """

    width: int
    palette: Palette
    generation: int = 0
    colours: Colours | None = None


def own_style(style: Style, base: Style) -> Style:
    """``style`` without what it only has from ``base``: its background, where that is the same."""
    background = style.bgcolor if style.bgcolor != base.bgcolor else None
    return Style(
        color=style.color,
        bgcolor=background,
        bold=style.bold or None,
        dim=style.dim or None,
        italic=style.italic or None,
        underline=style.underline or None,
        strike=style.strike or None,
        reverse=style.reverse or None,
    )
