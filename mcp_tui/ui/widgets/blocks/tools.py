"""A tool call: one line, and below it what was asked and what came back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from mcp_tui.conversation.items import ToolCallItem
from mcp_tui.safety.secrets import mask_keys
from mcp_tui.safety.text import prose, removed_words, shorten, strict
from mcp_tui.ui.formats import count, plural, seconds, size
from mcp_tui.ui.literal import to_json, to_json_part
from mcp_tui.ui.widgets.blocks.chrome import Header, Note, Parts
from mcp_tui.ui.widgets.blocks.code import Fence
from mcp_tui.ui.widgets.blocks.flow import PlainText
from mcp_tui.ui.widgets.blocks.item import ItemView
from mcp_tui.ui.widgets.blocks.leaves import MARGIN, Frame
from mcp_tui.ui.widgets.call_facets import paged
from mcp_tui.ui.widgets.diff_text import origin_words, verdict_words
from mcp_tui.ui.widgets.document.section import Canvas, Section, Spot

if TYPE_CHECKING:
    from mcp_tui.ui.widgets.document.block import Block

MAX_RESULT_LINES = 200
MAX_RESULT_CHARACTERS = 20_000
"""What an opened call shows of one text; the inspector has all of it."""

LOOKAHEAD = 4_000
"""Characters beyond the shown ones that are looked at for keys, so that none is cut into halves that look like none."""

MOST_JSON = 5 * MAX_RESULT_CHARACTERS
"""Characters of a structured result that are made: how much more there is stands in the inspector."""

_STATES = {
    "proposed": ("..", "muted"),
    "waiting": ("?? waiting", "warning"),
    "running": (".. running", "running"),
    "success": ("ok", "success"),
    "error": ("error", "error"),
    "timeout": ("timeout", "error"),
    "cancelled": ("cancelled", "warning"),
    "denied": ("denied", "warning"),
    "invalid_arguments": ("invalid arguments", "error"),
    "invalid_result": ("invalid result", "error"),
    "unknown": ("may have run", "warning"),
}
"""State -> words and purpose: never colour alone."""

_OPEN_BY_THEMSELVES = frozenset({"error", "timeout", "invalid_arguments", "invalid_result", "unknown"})

LEAST_PREVIEW = 12
"""Cells of the arguments for which lesser facts give way."""

_BAR = 12
"""Cells of a progress bar."""


class ToolCallView(ItemView):
    """Sections: the line, what is going on, the opened call."""

    item: ToolCallItem

    def __init__(self, item: ToolCallItem, canvas: Canvas) -> None:
        super().__init__(item, canvas)
        self._open: bool | None = None

    @property
    def open(self) -> bool:
        """As the person decided; failed calls open by themselves."""
        return self._open if self._open is not None else self.item.state in _OPEN_BY_THEMSELVES

    @property
    def live(self) -> bool:
        """Until its end."""
        return not self.item.finished

    @property
    def expandable(self) -> bool:
        """Always."""
        return True

    def estimate(self) -> int:
        """One row, more when open."""
        return 12 if self.open else 1

    def make(self) -> list[Section]:
        """Line, progress or decision, arguments and result, what a re-run differs in."""
        head = Section(self.canvas, [Header(self.describe, self.gap)])
        going_on = Section(self.canvas, [Note(self._going_on, indent=5)])
        again = Section(self.canvas, [Note(self._again, indent=5)])
        return [head, going_on, Section(self.canvas, self.details() if self.open else []), again]

    def update(self) -> None:
        """A running call changes its first two sections often, the third when it ends."""
        if self.item.finished or self.open or self.sections[2].blocks:
            self.sections = self.make()
        else:
            for section in (0, 1, 3):
                self.redraw(section)

    def tick(self) -> None:
        """Time went by."""
        if self._built and self.live:
            self.redraw(0)

    # -- the line ------------------------------------------------------------------------------------

    def describe(self) -> tuple[Parts, Parts]:
        """``tool``, name, arguments; state, time, tokens, [+], number.  Lesser facts give way to the name."""
        item = self.item
        lead, label = "  tool ", strict(item.label)
        left: Parts = [(lead, "muted"), (label, "tool")]
        preview = arguments_preview(item.arguments or item.asked_arguments)
        if preview:
            left.append((f"  {preview}", "muted"))
        needed = cell_len(lead + label) + min(cell_len(preview), LEAST_PREVIEW) + 2
        return left, self._facts(self.canvas.pen.width - needed - MARGIN - 2)

    def _facts(self, room: int) -> Parts:
        """The right side in at most ``room`` cells, as far as what always has to be seen lets it."""
        item = self.item
        words, purpose = _STATES[item.state]
        facts: list[tuple[int, str, str]] = [(0, f"  {words}", purpose)]
        """How soon each gives way, its words and their purpose."""
        if item.decided_by == "rule":
            facts.insert(0, (1, f"  rule {shorten(item.rule_id, 18)}" if item.rule_id else "  granted", "muted"))
        if item.sensitive:
            facts.append((0, "  key masked", "warning"))
        if elapsed := self._elapsed():
            facts.append((2, f"  {elapsed}", "muted"))
        if item.finished and item.model_tokens:
            facts.append((3, f"  {count(item.model_tokens)} tok", "muted"))
        facts.append((0, "  [-]" if self.open else "  [+]", "muted"))
        facts += [(0, *part) for part in self.number()]
        while sum(len(text) for _rank, text, _purpose in facts) > room and (first := max(facts))[0]:
            facts.remove(first)
        return [(text, purpose) for _rank, text, purpose in facts]

    def _elapsed(self) -> str:
        item = self.item
        if item.timing is not None and item.timing.wire:
            return seconds(item.timing.wire)
        if item.state == "running" and item.started_at is not None:
            return f"{max(0.0, (self.canvas.now() - item.started_at).total_seconds()):.0f}s"
        return ""

    def _going_on(self) -> Parts:
        item = self.item
        if item.state == "running" and item.progress is not None:
            return _progress(item)
        if item.state == "waiting" and item.approval_reason:
            whom = "asks you" if self.canvas.runs_here(item.turn_id) else "waits in another window"
            return [(f"{whom}: {prose(item.approval_reason)}", "muted")]
        if item.state == "denied" and item.decision and not self.open:
            return [(prose(item.decision), "muted")]
        return []

    def _again(self) -> Parts:
        """Which call it runs again, and what came of that; on a line of its own, opened or not."""
        if self.item.rerun_of is None:
            return []
        words, style = verdict_words(self.item)
        purpose = {"$success": "success", "$warning": "warning"}.get(style, "muted")
        head: Parts = [(origin_words(self.item), "muted")]
        return [*head, (": ", "muted"), (words, purpose)] if words else head

    # -- opened --------------------------------------------------------------------------------------

    def details(self) -> list[Block]:
        """What the opened call shows."""
        item = self.item
        blocks: list[Block] = [*self._arguments()]
        if item.error is not None:
            hint = f"  {prose(item.error.hint)}" if item.error.hint else ""
            blocks.append(_note([("x ", "error"), (prose(item.error.message), "error"), (hint, "muted")]))
        for problem in item.validation_errors:
            where = strict(problem.field) or "arguments"
            parts: Parts = [("x ", "error"), (where, "text"), (f": {prose(problem.message)}", "error")]
            blocks.append(_note([*parts, (f" ({strict(problem.type)})", "muted")]))
        blocks.extend(self._result())
        if closing := self._closing():
            blocks.append(_note([(closing, "muted")]))
        return blocks

    def _arguments(self) -> list[Block]:
        item = self.item
        frame = Frame(bar="bar")
        if not item.edited:
            shown = item.arguments or item.asked_arguments
            return [*Fence.whole(frame, to_json(shown), "json", "arguments")]
        asked = Fence.whole(frame, to_json(item.asked_arguments), "json", "asked by the model")
        return [*asked, *Fence.whole(frame, to_json(item.arguments), "json", "arguments, edited by you")]

    def _result(self) -> list[Block]:
        item = self.item
        blocks: list[Block] = []
        structured = item.structured_content is not None
        if structured:
            made = to_json_part(item.structured_content, MOST_JSON)
            text, more = _cut(made, item.sensitive, whole=len(made) <= MOST_JSON)
            blocks += Fence.whole(Frame(bar="bar"), text, "json", "structured result")
            blocks += more
        for content in item.content:
            if content.type == "text":
                if not (structured and _same_json(content.text, item.structured_content)):
                    blocks += _text(content.text, item.sensitive)
            else:
                words = placeholder(content)
                blocks.append(_note([(mask_keys(words) if item.sensitive else words, "muted")]))
        return blocks

    def _closing(self) -> str:
        item = self.item
        words = []
        if item.decision:
            words.append(prose(item.decision))
        if item.sensitive:
            words.append("what looks like a key is masked here and kept in the conversation's file")
        if hidden := removed_words(*(content.text for content in item.content if content.type == "text")):
            words.append(hidden)
        if item.truncated:
            words.append(f"the model was given the first {count(item.model_tokens)} tokens of it")
        return ", ".join(words)

    # -- actions -------------------------------------------------------------------------------------

    def toggle(self) -> bool:
        """Open or close."""
        self._open = not self.open
        if self._built:
            self.sections = self.make()
        else:
            self._height = -1
        return True

    def toggles_at(self, spot: Spot) -> bool:
        """On the line."""
        return spot.section == 0

    def source(self) -> str:
        """Call and result as JSON."""
        item = self.item
        call: dict[str, Any] = {"tool": item.label, "arguments": item.arguments or item.asked_arguments}
        call["state"] = item.state
        if item.structured_content is not None:
            call["structuredContent"] = item.structured_content
        if item.content:
            call["content"] = [content.model_dump(mode="json", by_alias=True) for content in item.content]
        if item.error is not None:
            call["error"] = item.error.message
        if item.validation_errors:
            call["validation_errors"] = [problem.model_dump(mode="json") for problem in item.validation_errors]
        return json.dumps(call, ensure_ascii=False, indent=2, default=str)

    def code(self) -> list[tuple[str, str]]:
        """Arguments, then each text of the result."""
        item = self.item
        out = [("json", json.dumps(item.arguments or item.asked_arguments, ensure_ascii=False, indent=2, default=str))]
        if item.structured_content is not None:
            out.append(("json", json.dumps(item.structured_content, ensure_ascii=False, indent=2, default=str)))
        return out + [("", content.text) for content in item.content if content.type == "text"]


def arguments_preview(arguments: dict[str, Any]) -> str:
    """``path="a.txt"  lines=10`` on one line, each value shortened; strict, for it is relied on."""
    words = []
    for name, value in list(arguments.items())[:8]:
        text = json.dumps(value, ensure_ascii=False, default=str) if not isinstance(value, str) else f'"{value[:200]}"'
        words.append(f"{shorten(name, 24)}={shorten(text, 60)}")
    return "  ".join(words)


def placeholder(content: Any) -> str:
    """What stands for content that a terminal cannot show."""
    match content.type:
        case "image" | "audio":
            return f"[{content.type} {strict(content.mime_type)}, {size(len(content.data) * 3 // 4)}]"
        case "resource_link":
            label = content.title or content.name
            return f"[resource {strict(label)}, {strict(content.uri)}]"
        case "resource":
            amount = len(content.text.encode(errors="replace")) if content.text is not None else 0
            amount = amount or len(content.blob or "") * 3 // 4
            return f"[embedded resource {strict(content.uri)}, {size(amount)}]"
        case _:
            kind = getattr(content, "kind", content.type)
            return f"[{strict(kind)}, {size(len(json.dumps(getattr(content, 'raw', {}), default=str)))}]"


def _note(parts: Parts) -> Note:
    return Note(lambda: parts, hang=2, bar="bar")


def _progress(item: ToolCallItem) -> Parts:
    message = f"  {prose(item.progress_message).strip()}" if item.progress_message else ""
    progress, total = item.progress or 0.0, item.progress_total
    if not total or total <= 0:
        return [(f"{progress:g}", "running"), (message, "muted")]
    share = min(1.0, max(0.0, progress / total))
    done = round(share * _BAR)
    bar: Parts = [("━" * done, "running"), ("━" * (_BAR - done), "bar")]
    return [*bar, (f" {share:.0%}", "text"), (message, "muted")]


def _cut(text: str, sensitive: bool, *, whole: bool = True) -> tuple[str, list[Block]]:
    """The part of a result that is shown, keys masked where it has any, and a note about the rest.

    ``whole``: ``text`` is all of it.
    """
    shown = text[:MAX_RESULT_CHARACTERS]
    if sensitive:
        head = mask_keys(text[: MAX_RESULT_CHARACTERS + LOOKAHEAD])
        if len(text) > MAX_RESULT_CHARACTERS + LOOKAHEAD:
            rest = mask_keys(text[MAX_RESULT_CHARACTERS : MAX_RESULT_CHARACTERS + LOOKAHEAD])
            shown = head[: max(0, len(head) - len(rest))]
        else:
            text, shown = head, head[:MAX_RESULT_CHARACTERS]
    lines = shown.split("\n", MAX_RESULT_LINES)
    if len(lines) > MAX_RESULT_LINES:
        shown = "\n".join(lines[:MAX_RESULT_LINES])
    if len(shown) == len(text):
        return text, []
    left, total, noun = len(text) - len(shown), len(text), "character"
    if lines_left := text.count("\n", len(shown)) - text.endswith("\n"):
        left, total, noun = lines_left, shown.count("\n") + 1 + lines_left, "line"
    words = f"… {plural(left, f'more {noun}')}" + (f" of {total:,}" if whole else " and more")
    pages = ", > turns pages" if not whole or paged(text) else ""
    return shown, [_note([(f"{words}: Enter opens the inspector{pages}", "muted")])]


def _text(text: str, sensitive: bool) -> list[Block]:
    shown, more = _cut(text, sensitive)
    flow = PlainText(bar="bar")
    flow.append(shown)
    return [*flow.blocks, *more]


def _same_json(text: str, value: Any) -> bool:
    if len(text) > MOST_JSON:
        return False
    try:
        return bool(json.loads(text) == value)
    except (ValueError, RecursionError):
        return False
