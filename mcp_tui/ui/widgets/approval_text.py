"""What the approval card says: pure functions from a call to text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.content import Content

from mcp_tui.safety.text import hidden_report, prose, strict
from mcp_tui.ui import formats
from mcp_tui.ui.keymap import effective, show_keys
from mcp_tui.ui.widgets.arguments import annotation_words, argument_rows, json_lines, show_padding
from mcp_tui.ui.widgets.diff_text import origin_words
from mcp_tui.ui.widgets.review_text import field_diff

NO_RULE = "no rule allows it"
"""The reason of a call that no rule concerns."""

ASLEEP = "Tab or Ctrl+O a to answer; nothing runs until then; your draft is kept"
LOCKED = "locked until you have scrolled to the end (End, PgDn)"

if TYPE_CHECKING:
    from mcp_tui.conversation.items import ToolCallItem
    from mcp_tui.engine.assessment import Assessment
    from mcp_tui.ui.widgets.review_text import FieldDiff

ROWS = (
    (("once", "once"), ("conversation", "this tool, this conversation"), ("rule", "rule"), ("edit", "edit")),
    (("deny", "deny"), ("deny_message", "deny + message"), ("stop", "stop turn"), ("json", "JSON"), ("full", "full")),
)
"""Actions of the card and their labels, in one line or in two."""

Part = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the card shows of a call."""

    item: ToolCallItem
    arguments: Mapping[str, Any]
    """Exactly what would run."""
    edited: bool = False
    assessment: Assessment | None = None
    """``None`` while the earlier calls are still being read."""

    @property
    def changed(self) -> bool:
        """Whether the tool's definition is another one than when it was last allowed."""
        return self.assessment is not None and bool(self.assessment.changed)


def title(shown: Shown, transport: str, position: str) -> Content:
    """Which of the waiting calls, and whose it is."""
    where = f"{transport}, local" if transport == "stdio" else transport
    server = strict(shown.item.server) + (f" ({where})" if where else "")
    return Content(f"approval {position}: {server}" if shown.item.server else f"approval {position}")


def head(shown: Shown, width: int) -> Content:
    """Which tool, what its server claims of it, which rule, how often it ran.

    Why a guard asks, what of the definition changed, what hides in the arguments and what was edited have lines of
    their own: they must not be overlooked.
    """
    item, assessment = shown.item, shown.assessment
    segments = [(strict(item.label), "$role-tool bold")]
    if words := annotation_words(item.definition.annotations) if item.definition is not None else "":
        segments.append((f"server says: {words} (unverified)", "$warning"))
    if not item.guarded:
        segments.append(("rule: none", "$muted") if not _reason(item) else ("rule: asks", "$warning"))
    if assessment is not None:
        segments.append(_seen(assessment))
    lines = [_flow(segments, width)]
    if item.rerun_of is not None:
        words = f"{origin_words(item)}, by you: the model did not ask for it and is not told"
        lines.append(Content.styled(words, "$accent"))
    if item.guarded:
        lines.append(Content.styled(f"! always asks: {prose(item.approval_reason)}", "$error bold"))
        lines.append(Content.styled("  a guard: it can be allowed once only, and no rule can answer for you", "$error"))
    elif _reason(item):
        lines.append(Content.styled(f"asks because {prose(item.approval_reason)}", "$muted"))
    if assessment is not None and assessment.changed:
        words = f"! changed since it was last allowed: {', '.join(assessment.changed)}"
        lines.append(Content.styled(f"{words}  (f: the difference)", "$warning bold"))
    if hidden := sum(hidden_report(_strings(shown.arguments)).values()):
        words = f"! the arguments contain {formats.plural(hidden, 'hidden character')}, spelled out below"
        lines.append(Content.styled(words, "$error"))
    if shown.edited:
        lines.append(Content.styled("! arguments edited by you", "$warning"))
    return Content("\n").join(lines)


def _reason(item: ToolCallItem) -> str:
    """Why it asks, where that is more than that no rule concerns the call."""
    return "" if item.approval_reason in ("", NO_RULE) and not item.guarded else item.approval_reason


def _seen(assessment: Assessment) -> Part:
    """How often the tool ran, and how that ended."""
    refused = f", {assessment.refusals:,} denied" if assessment.refusals else ""
    if not assessment.runs:
        return f"seen: never ran{refused}", "$warning"
    failed = f", {assessment.failures:,} failed" if assessment.failures else ""
    return f"seen: {formats.plural(assessment.runs, 'run')}{failed}{refused}", "$muted"


def _flow(segments: Sequence[Part], width: int) -> Content:
    """Segments side by side, in as many lines as they need; none is torn where it fits a line."""
    lines: list[list[Part]] = [[]]
    used = 0
    for text, style in segments:
        length = Content(text).cell_length
        if lines[-1] and used + 3 + length > width:
            lines.append([])
            used = 0
        if lines[-1]:
            lines[-1].append(("   ", ""))
            used += 3
        lines[-1].append((text, style))
        used += length
    return Content("\n").join(Content.assemble(*line) for line in lines)


def body(shown: Shown, width: int, *, as_json: bool) -> Content:
    """The complete arguments, as rows or as JSON."""
    if as_json:
        return json_lines(shown.arguments, width)
    item = shown.item
    schema = item.definition.input_schema if item.definition is not None else {}
    unusual = shown.assessment.unusual_fields if shown.assessment is not None else {}
    return argument_rows(shown.arguments, schema, item.arguments if shown.edited else None, unusual, width)


def definition(shown: Shown, diffs: Sequence[FieldDiff]) -> Content:
    """What the server says of the tool; field by field against what was last allowed, where that is known."""
    tool = shown.item.definition
    if tool is None:
        return Content("")
    if diffs:
        parts: list[Part] = [
            ("\n\ndefinition, against the one that was last allowed: [-removed-] {+added+}\n", "$warning")
        ]
        for diff in diffs:
            parts += field_diff(diff)
        return Content.assemble(*parts).rstrip("\n")
    words = "the server describes it so, unverified:" if tool.description else "the server does not describe it"
    text = show_padding(strict(tool.description, one_line=False))
    return Content.assemble((f"\n\n{words}\n", "$muted"), (text, "")).rstrip("\n")


def keys_text(overrides: Mapping[str, str], width: int, *, guarded: bool = False) -> Content:
    """The keys of the card, in two lines where one is too long; what a guard forbids is left out."""
    keys = effective(overrides)
    rows = []
    for row in ROWS:
        parts: list[str | tuple[str, str]] = []
        for name, label in row:
            if guarded and name in ("conversation", "rule"):
                continue
            parts += [(show_keys(keys[f"approval.{name}"][:1]), "$accent bold"), f" {label}  "]
        rows.append(Content.assemble(*parts))
    return Content("\n" if sum(row.cell_length for row in rows) > width else "").join(rows)


def state_text(*, focused: bool, seconds: float, locked: str, narrow: bool, unready: str = "") -> Part:
    """Whether keys count, and why not; with its style.

    ``seconds`` are left until they wake up; ``locked`` names the keys that wait for the end to be seen; ``unready``
    says what is not known yet.
    """
    if not focused:
        return ("Tab answers; F1 lists keys" if narrow else ASLEEP), "$muted"
    if seconds > 0:
        return f"keys wake up in {seconds:.1f} s{'' if narrow else '; your draft below is kept'}", "$warning"
    if unready:
        return unready, "$warning"
    if locked:
        verb = "are" if " " in locked else "is"
        words = f"{locked} locked: scroll to the end (End)" if narrow else f"{locked} {verb} {LOCKED}"
        return words, "$warning"
    return "keys are awake", "$success"


def _strings(value: Any) -> str:
    """All strings of a JSON value, for counting what hides in them."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "".join(f"{_strings(key)}{_strings(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return "".join(_strings(item) for item in value)
    return ""
