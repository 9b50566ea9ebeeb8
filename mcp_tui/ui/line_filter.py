"""The last line of defence: a filter over every line of every widget (requirement J2).

It cannot know meaning, `mcp_tui.safety.text` does that at the source.  It guarantees that no control
character, bidi override, tag character or hyperlink from content reaches the terminal, whatever drew it.
"""

from __future__ import annotations

import re

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

_DANGEROUS = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e0fff]"
)


def _stand_in(match: re.Match[str]) -> str:
    """As wide as what it replaces, so that columns stay."""
    return "\ufffd" if cell_len(match[0]) else ""


class SafetyFilter(LineFilter):
    """Replaces what a terminal would act on and drops links and control segments."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments without anything that acts; ``background`` plays no part."""
        return [self._clean(segment) for segment in segments if not segment.control]

    @staticmethod
    def _clean(segment: Segment) -> Segment:
        text, style, _ = segment
        if style is not None and style.link:
            style = style.update_link(None)
        if not (text.isascii() and text.isprintable()) and _DANGEROUS.search(text):
            text = _DANGEROUS.sub(_stand_in, text)
        return segment if text is segment.text and style is segment.style else Segment(text, style)
