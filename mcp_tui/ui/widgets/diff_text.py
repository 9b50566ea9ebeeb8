"""What two results differ in, as text: what went with a minus, what came with a plus, never by colour alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from mcp_tui.safety.text import prose, strict
from mcp_tui.ui import formats
from mcp_tui.ui.widgets.arguments import show_padding

if TYPE_CHECKING:
    from mcp_tui.conversation.items import ToolCallItem
    from mcp_tui.events.tools import Difference

Part = tuple[str, str]

MARKS = {"added": ("+", "$success"), "removed": ("-", "$error"), "changed": ("~", "$warning")}
"""Kind of a difference -> what stands before its path."""

SIDES = (("-", "$error", "before"), ("+", "$success", "after"))


def origin_words(item: ToolCallItem) -> str:
    """Which call it runs again: ``re-run of #7``, or ``re-run`` where that one is in another conversation."""
    return f"re-run of #{item.rerun_number}" if item.rerun_number else "re-run of a recorded call"


def verdict_words(item: ToolCallItem) -> Part:
    """What became of a call that was run again, with its style: ``same``, ``3 differences``, ``not run``."""
    from mcp_tui.conversation.comparison import difference_words, verdict

    if item.comparison is None:
        return ("not compared", "$warning") if item.finished else ("", "$muted")
    match verdict(item):
        case "same":
            return "same result", "$success"
        case "differs":
            return difference_words(item.comparison.differences), "$warning"
        case _:
            return "not run", "$warning"


def recorded_diff(item: ToolCallItem) -> Content:
    """A call that was run again beside the recorded one."""
    from mcp_tui.conversation.comparison import ignored_words

    words, style = verdict_words(item)
    parts: list[Part] = [(origin_words(item), "bold"), (": " if words else "", ""), (f"{words or item.state}\n", style)]
    if item.comparison is not None:
        if item.comparison.same:
            parts.append(("outcome, content, structured content and definition are as recorded\n", "$muted"))
        elif not item.comparison.differences:
            why = item.error.message if item.error is not None else item.decision or item.state.replace("_", " ")
            parts.append((f"{prose(why)}\n", "$muted"))
        else:
            parts += [*_legend("recorded", "today"), *differences(item.comparison.differences)]
        if words := ignored_words([one for one in item.comparison.ignored if one.places or one.gave_up]):
            parts.append((f"\n{strict(words)}\n", "$muted"))
    return Content.assemble(*parts)


def previous_diff(item: ToolCallItem, previous: ToolCallItem | None, found: Sequence[Difference] | None) -> Content:
    """A call beside the one before it; ``found`` is ``None`` while they are being compared."""
    if previous is None:
        return Content.styled(f"the first call of {strict(item.label)} in this conversation", "$muted")
    if not item.finished:
        return Content.styled("no result yet", "$warning")
    head = f"beside #{previous.number}, the call of this tool before, {formats.local_time(previous.at)}"
    parts: list[Part] = [(f"{head}\n", "bold")]
    if found is None:
        parts.append(("comparing", "$muted"))
    elif not found:
        parts.append(("same arguments, same result\n", "$success"))
    else:
        parts += [*_legend(f"#{previous.number}", f"#{item.number}"), *differences(found)]
    return Content.assemble(*parts)


def _legend(before: str, after: str) -> list[Part]:
    return [(f"- {before}", "$error"), ("   ", ""), (f"+ {after}\n", "$success")]


def differences(found: Sequence[Difference]) -> Iterator[Part]:
    """Place by place."""
    for difference in found:
        if not difference.path:
            yield f"\n... {prose(difference.after)}\n", "$warning"
            continue
        mark, style = MARKS[difference.kind]
        yield f"\n{mark} ", style
        yield f"{strict(difference.path)}\n", "$accent"
        for sign, colour, side in SIDES:
            if text := getattr(difference, side):
                shown = show_padding(strict(text, one_line=False))
                yield "".join(f"  {sign} {_ending(line)}\n" for line in shown.split("\n")), colour


def _ending(line: str) -> str:
    """A line whose blanks at the end can be seen."""
    text = line.rstrip(" ")
    return text + "·" * (len(line) - len(text))
