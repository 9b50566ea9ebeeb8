"""What was said: the entries of a person's inputs, of answers, and of the program's own notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.conversation.items import AssistantItem, NoticeItem, UserItem
from mcp_tui.safety.text import prose, removed_words, strict
from mcp_tui.ui.formats import count, money, seconds
from mcp_tui.ui.widgets.blocks.chrome import Header, Note, Parts
from mcp_tui.ui.widgets.blocks.flow import FlowSection, PlainText
from mcp_tui.ui.widgets.blocks.item import ItemView
from mcp_tui.ui.widgets.blocks.markdown import Markdown, code_of
from mcp_tui.ui.widgets.document.section import Canvas, Section, Spot
from mcp_tui.ui.widgets.document.wrapping import rows_estimate

if TYPE_CHECKING:
    from datetime import datetime

_SEVERITIES = {"information": ("·", "muted"), "warning": ("!", "warning"), "error": ("x", "error")}
"""Severity -> mark and purpose."""


class UserView(ItemView):
    """What the person said, as typed."""

    item: UserItem

    def estimate(self) -> int:
        """Header and text."""
        text = self.item.text
        return 1 + rows_estimate(len(text), text.count("\n"), self.canvas.pen.width - 4)

    def make(self) -> list[Section]:
        """Header and text."""
        body = FlowSection(self.canvas, PlainText("user_text", bar="user"))
        body.feed(self.item.text)
        body.finish()
        hidden = Section(self.canvas, [Note(lambda: hidden_note(self.item.text), bar="user")])
        return [Section(self.canvas, [Header(self.describe, self.gap, "user_text")]), body, hidden]

    def describe(self) -> tuple[Parts, Parts]:
        """``you``, time, number."""
        return [("▌", "user"), (" you", "user"), (f"  {clock_time(self.item.at)}", "muted")], self.number()

    def source(self) -> str:
        """The text."""
        return self.item.text


class NoticeView(ItemView):
    """A line of the program's own."""

    item: NoticeItem

    def estimate(self) -> int:
        """The wrapped text."""
        return rows_estimate(len(self.item.text) + len(self.item.hint), 0, self.canvas.pen.width - 5)

    def make(self) -> list[Section]:
        """One note."""
        return [Section(self.canvas, [Note(self._parts, indent=1, hang=2, gap=self.gap)])]

    def _parts(self) -> Parts:
        mark, purpose = _SEVERITIES.get(self.item.severity, ("·", "muted"))
        parts: Parts = [(f"{mark} ", purpose), (prose(self.item.text).strip(), purpose)]
        if self.item.hint:
            parts.append((f"  {prose(self.item.hint).strip()}", "muted"))
        return parts

    def source(self) -> str:
        """Text and hint."""
        return f"{self.item.text} {self.item.hint}".strip()


class AssistantView(ItemView):
    """A model answer: header, reasoning, text, what is to be said about its end."""

    item: AssistantItem

    def __init__(self, item: AssistantItem, canvas: Canvas, *, show_reasoning: bool = True) -> None:
        super().__init__(item, canvas)
        self.show_reasoning = show_reasoning
        self._raw = False
        self._open: bool | None = None
        self._body: FlowSection | None = None
        self._thoughts: FlowSection | None = None
        self._ended = False
        """Whether the sections were told that the text is complete."""
        self._shape = (False, False)
        """Whether reasoning is open, and whether there is any, as the sections were made."""

    @property
    def live(self) -> bool:
        """While it streams."""
        return self.item.streaming

    @property
    def expandable(self) -> bool:
        """Reasoning can be opened."""
        return bool(self.item.reasoning_pieces) and self.show_reasoning

    def estimate(self) -> int:
        """Header and text."""
        text = self.item.text
        if not text:
            return 1
        return 1 + rows_estimate(len(text), text.count("\n"), self.canvas.pen.width - 4)

    def make(self) -> list[Section]:
        """Header, reasoning header, reasoning, body, footer."""
        flow = PlainText(purpose="muted") if self._raw else Markdown()
        self._body = FlowSection(self.canvas, flow)
        self._thoughts = None
        self._ended = False
        self._shape = (self.reasoning_open, self.expandable)
        self.sections = [
            Section(self.canvas, [Header(self.describe, self.gap)]),
            Section(self.canvas, [Note(self._reasoning_parts)]),
            self._reasoning_section(),
            self._body,
            Section(self.canvas, [Note(self._footer)]),
        ]
        self._feed()
        return self.sections

    def _reasoning_section(self) -> Section:
        if not all(self._shape):
            return Section(self.canvas)
        self._thoughts = FlowSection(self.canvas, Markdown("reasoning"))
        return self._thoughts

    @property
    def reasoning_open(self) -> bool:
        """Open while the model only thinks, closed when it answers, unless the person decided."""
        return self._open if self._open is not None else self.item.streaming and not self.item.pieces

    def appended(self) -> None:
        """A delta arrived; `work` takes it in."""
        if not self._built:
            self._height = -1
        elif self._shape != (self.reasoning_open, self.expandable):
            self.stale = True

    def work(self, end: float) -> int:
        """Take new text in."""
        if self._built and self.item.streaming:
            self._feed()
        return super().work(end)

    def update(self) -> None:
        """Feed what is new; start afresh where the text is another one, as after a step back in a replay."""
        if self._body is None:
            return
        if not self._taken_back and (self.item.streaming or self._body.taken == len(self.item.text)):
            shape = (self.reasoning_open, self.expandable)
            if self._shape != shape:
                self._shape = shape
                self._thoughts = None
                self.sections[2] = self._reasoning_section()
            self._feed()
            for section in (0, 1, 4):
                self.redraw(section)
        else:
            self.sections = self.make()

    @property
    def _taken_back(self) -> bool:
        """Whether text that was shown has not come yet."""
        body, thoughts, item = self._body, self._thoughts, self.item
        return (
            (self._ended and item.streaming)
            or (body is not None and body.taken > len(item.text))
            or (thoughts is not None and thoughts.taken > len(item.reasoning))
        )

    def _feed(self) -> None:
        self._ended = not self.item.streaming
        for section, text in ((self._body, self.item.text), (self._thoughts, self.item.reasoning)):
            if section is None:
                continue
            section.feed(text[section.taken :])
            if not self.item.streaming:
                section.finish()

    # -- chrome --------------------------------------------------------------------------------------

    def describe(self) -> tuple[Parts, Parts]:
        """``assistant``, model, time; tokens, cost, duration, number."""
        item = self.item
        left: Parts = [("  assistant", "assistant")]
        if item.model:
            left.append((f"  {strict(item.model)}", "text"))
        left.append((f"  {clock_time(item.at)}", "muted"))
        if self._raw:
            left.append(("  source", "warning"))
        if item.streaming:
            return left, [("..", "running"), *self.number()]
        facts = []
        if item.usage is not None and item.usage.completion_tokens:
            facts.append(f"{'~' if item.usage.estimated else ''}{count(item.usage.completion_tokens)} tok")
        if item.cost:
            facts.append(money(item.cost))
        if item.duration_seconds:
            facts.append(seconds(item.duration_seconds))
        return left, [("  ".join(facts), "muted"), *self.number()]

    def _reasoning_parts(self) -> Parts:
        if not self.expandable:
            return []
        item = self.item
        mark = "[-]" if self.reasoning_open else "[+]"
        if item.streaming and not item.pieces:
            return [("thinking ..", "reasoning")]
        tokens = item.usage.reasoning_tokens if item.usage is not None else 0
        much, unit = (tokens, "token") if tokens else (len(item.reasoning.split()), "word")
        words = f"{count(much)} {unit}{'' if much == 1 else 's'}"
        return [(f"thought, {words} ", "reasoning"), (mark, "muted")]

    def _footer(self) -> Parts:
        item = self.item
        if item.writing_call and item.streaming:
            return [(".. ", "running"), (f"writing a call of {strict(item.writing_call)}", "muted")]
        if item.streaming:
            return []
        if item.problem is not None:
            words = f"incomplete: {prose(item.problem.message)}" if not item.complete else prose(item.problem.message)
            hint = f" {prose(item.problem.hint)}  " if item.problem.hint else "  "
            return [("! ", "warning"), (words, "warning"), (hint, "muted"), *hidden_note(item.text)]
        if not item.complete:
            return [("! ", "warning"), ("incomplete  ", "warning"), *hidden_note(item.text)]
        if item.finish_reason == "length":
            words = "cut off: the limit of output tokens was reached  "
            return [("! ", "warning"), (words, "warning"), *hidden_note(item.text)]
        return hidden_note(item.text)

    # -- actions -------------------------------------------------------------------------------------

    def toggle(self) -> bool:
        """Open or close the reasoning."""
        if not self.expandable:
            return False
        self._open = not self.reasoning_open
        self.refresh()
        return True

    def toggles_at(self, spot: Spot) -> bool:
        """On the reasoning's header."""
        return spot.section == 1 and self.expandable

    def toggle_raw(self) -> bool:
        """Markdown source, or rendered."""
        self._raw = not self._raw
        if self._built:
            self.sections = self.make()
        return True

    def source(self) -> str:
        """The Markdown."""
        return self.item.text

    def code(self) -> list[tuple[str, str]]:
        """Every fenced or indented code block of the answer."""
        return code_of(self.item.text)


def hidden_note(text: str) -> Parts:
    """The badge of a text that held what nobody would have seen."""
    words = removed_words(text)
    return [("! ", "warning"), (words, "warning")] if words else []


def clock_time(at: datetime) -> str:
    """Hours and minutes on the person's clock."""
    return at.astimezone().strftime("%H:%M")
