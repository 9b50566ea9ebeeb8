"""Styled text to lines that fit, counted in terminal cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len, split_graphemes
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

Span = tuple[str, Style]
"""Text in one style."""

Line = list[Span]


def breaks(text: str, width: int) -> list[tuple[int, int]]:
    """Where to cut one line of ``text``: pairs of character indices, spaces at the cuts left out.

    Words longer than ``width`` are cut; a grapheme never is, unless it is wider than the line.
    """
    width = max(1, width)
    if text.isascii():
        return [(0, len(text))] if len(text) <= width else _ascii_breaks(text, width)
    if cell_len(text) <= width:
        return [(0, len(text))]
    return _cell_breaks(text, width)


def _ascii_breaks(text: str, width: int) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    start, size = 0, len(text)
    while size - start > width:
        end = start + width
        space = end if text[end] == " " else text.rfind(" ", start + 1, end)
        if space > start and not text[start:space].isspace():
            out.append((start, len(text[:space].rstrip()) if text[space - 1] == " " else space))
            start = space + 1
            while start < size and text[start] == " ":
                start += 1
        else:
            out.append((start, end))
            start = end
    if start < size or not out:
        out.append((start, size))
    return out


def _cell_breaks(text: str, width: int) -> list[tuple[int, int]]:
    """The same for text with wide characters: a line may also break beside one of those."""
    graphemes, _total = split_graphemes(text)
    out: list[tuple[int, int]] = []
    start = used = 0
    candidate: tuple[int, int, int] | None = None  # end of the line, start of the next, cells before that start
    previous_wide = False
    for begin, end, cells in graphemes:
        space = text[begin:end] == " "
        if not space and begin > start and (cells > 1 or previous_wide):
            candidate = (begin, begin, used)
        previous_wide = cells > 1
        if used + cells > width and not space and begin > start:
            cut, resume, before = candidate or (begin, begin, used)
            out.append((start, start + len(text[start:cut].rstrip(" "))))
            start, used, candidate = resume, used - before, None
        used += cells
        if space and text[start:end].strip(" "):
            candidate = (begin, end, used)
    out.append((start, start + len(text[start:].rstrip(" "))))
    return out


def wrap(spans: Sequence[Span], width: int) -> list[Line]:
    """``spans`` cut into lines of at most ``width`` cells; newlines in the text start lines too."""
    text = "".join(span[0] for span in spans)
    if not text:
        return [[]]
    cuts: list[tuple[int, int]] = []
    offset = 0
    for row in text.split("\n"):
        cuts.extend((start + offset, end + offset) for start, end in breaks(row, width))
        offset += len(row) + 1
    return list(slice_spans(spans, cuts))


def slice_spans(spans: Sequence[Span], cuts: Iterable[tuple[int, int]]) -> Iterator[Line]:
    """The part of ``spans`` between each pair of ``cuts``, which ascend."""
    index, begin = 0, 0
    for start, end in cuts:
        line: Line = []
        while index < len(spans):
            text, style = spans[index]
            stop = begin + len(text)
            if start < stop and end > begin:
                line.append((text[max(0, start - begin) : end - begin], style))
            if stop > end:
                break
            begin = stop
            index += 1
        yield line


def fold_cuts(text: str, width: int) -> list[tuple[int, int]]:
    """Where to cut one line of code at ``width`` cells: nothing is left out, words are no reason to break."""
    width = max(1, width)
    if len(text) <= width and text.isascii():
        return [(0, len(text))]
    if text.isascii():
        return [(start, min(len(text), start + width)) for start in range(0, len(text), width)]
    graphemes, total = split_graphemes(text)
    if total <= width:
        return [(0, len(text))]
    out: list[tuple[int, int]] = []
    start = used = 0
    for begin, _end, cells in graphemes:
        if used + cells > width and begin > start:
            out.append((start, begin))
            start, used = begin, 0
        used += cells
    return [*out, (start, len(text))]


def fold_height(text: str, width: int) -> int:
    """How many rows `fold_cuts` makes."""
    if text.isascii():
        return max(1, -(-len(text) // max(1, width)))
    return len(fold_cuts(text, width))


def clip(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells, ending in ``…`` where it was cut."""
    if cell_len(text) <= width:
        return text
    out, used = [], 0
    for begin, end, cells in split_graphemes(text)[0]:
        if used + cells > width - 1:
            break
        out.append(text[begin:end])
        used += cells
    return "".join(out) + "…" if width > 0 else ""


def cells_of(line: Iterable[Span]) -> int:
    """Width of a line in cells."""
    return sum(cell_len(text) for text, _style in line)


def strip_of(line: Iterable[Span], width: int, base: Style) -> Strip:
    """A line as a strip of exactly ``width`` cells: ``base`` lies under every style and fills the rest."""
    segments: list[Segment] = []
    used = 0
    for text, style in line:
        if text:
            segments.append(Segment(text, base + style if style else base))
            used += cell_len(text)
    if used < width:
        segments.append(Segment(" " * (width - used), base))
    strip = Strip(segments, max(used, width))
    return strip if used <= width else strip.adjust_cell_length(width)


def rows_estimate(characters: int, newlines: int, width: int) -> int:
    """A guess at the rows of wrapped text, good to some ten per cent."""
    return max(1, newlines + 1 + characters // max(8, width + width // 8) if characters > width else newlines + 1)
