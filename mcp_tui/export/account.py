"""What the readable formats tell of a conversation: its facts, its calls, in words that are harmless already."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mcp_tui.conversation.comparison import ignored_words
from mcp_tui.conversation.items import AssistantItem, ToolCallItem
from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.conversation.transcript import Transcript
from mcp_tui.conversation.usage import Totals
from mcp_tui.events.base import EventBase
from mcp_tui.events.content import Content, ImageContent
from mcp_tui.events.turns import Origin
from mcp_tui.export.marked_up import harmless
from mcp_tui.safety.text import shorten, strict

MOST_PART = 200_000
"""Characters of one result that a readable format holds; the JSON format has all of it."""

STATES = {
    "proposed": "not decided",
    "waiting": "not decided",
    "running": "running",
    "success": "ok",
    "error": "error",
    "timeout": "timeout",
    "cancelled": "cancelled",
    "denied": "denied",
    "invalid_arguments": "invalid arguments",
    "invalid_result": "invalid result",
    "unknown": "may have run",
}
"""State of a call -> words."""

_ORIGINS = {
    "fork": "forked from",
    "verification": "verifies the calls of",
    "offline_replay": "asks another model, with the recorded results of",
    "import": "imported from",
}


@dataclass(frozen=True, slots=True)
class Account:
    """A conversation, folded."""

    transcript: Transcript
    totals: Totals
    summary: ConversationSummary
    masked: int
    missing: str = ""

    @classmethod
    def of(cls, events: Sequence[EventBase], summary: ConversationSummary, masked: int, missing: str = "") -> Account:
        """Fold the events."""
        transcript, totals = Transcript(), Totals()
        for event in events:
            transcript.apply(event)
            totals.apply(event)
        return cls(transcript, totals, summary, masked, missing)

    @property
    def title(self) -> str:
        """On one line; never empty."""
        return strict(self.transcript.title or self.summary.title).strip() or "Untitled conversation"

    def facts(self) -> Iterator[tuple[str, str]]:
        """What is known of the whole: (name, words)."""
        summary, totals = self.summary, self.totals
        yield "When", _period(summary.created_at, summary.updated_at)
        answered = [i.model for i in self.transcript.items if isinstance(i, AssistantItem) and i.model]
        if models := list(dict.fromkeys([*summary.models, *answered])):
            yield "Models" if len(models) > 1 else "Model", ", ".join(map(strict, models))
        calls = [item for item in self.transcript.items if isinstance(item, ToolCallItem)]
        said = sum(not isinstance(item, ToolCallItem) and bool(item.number) for item in self.transcript.items)
        yield "Length", plural(said, "message") + (f", {plural(len(calls), 'tool call')}" if calls else "")
        if servers := list(dict.fromkeys(call.server for call in calls if call.server)):
            yield "Servers", ", ".join(map(strict, servers))
        if totals.prompt_tokens or totals.completion_tokens:
            about = "about " if totals.estimated else ""
            yield "Tokens", f"{about}{totals.prompt_tokens:,} in, {totals.completion_tokens:,} out"
            yield "Cost", _cost(totals)
        if self.transcript.tags:
            yield "Tags", ", ".join(map(strict, self.transcript.tags))
        if self.transcript.origin is not None:
            yield "Origin", origin_words(self.transcript.origin)
        if self.transcript.demo:
            yield "Note", "the offline demo model talks here"
        if self.masked:
            yield "Masked", f"what looks like a key in {plural(self.masked, 'tool result')}"
        if self.missing:
            yield "Incomplete", self.missing


def origin_words(origin: Origin) -> str:
    """Where a conversation comes from."""
    of = strict(origin.title) or strict(origin.source) or "another conversation"
    if origin.source and origin.title:
        of = f"{strict(origin.source)}: {strict(origin.title)}"
    return f"{_ORIGINS[origin.kind]} {of}" + (f" ({strict(origin.conversation_id)})" if origin.conversation_id else "")


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of an opened call."""

    label: str
    text: str = ""
    language: str = ""
    image: ImageContent | None = None


def call_title(item: ToolCallItem) -> str:
    """``server.tool``."""
    return strict(item.label)


def call_preview(item: ToolCallItem) -> str:
    """``path="a.txt"  lines=10``, shortened."""
    arguments = item.arguments or item.asked_arguments
    words = [f"{shorten(name, 24)}={_short(value)}" for name, value in list(arguments.items())[:4]]
    return "  ".join(words)


def call_state(item: ToolCallItem) -> str:
    """Outcome, time, and what is special about it."""
    words = [STATES.get(item.state, item.state)]
    if item.rerun_of is not None:
        words.append("run again")
    if item.timing is not None and item.timing.wire:
        words.append(seconds(item.timing.wire))
    if item.edited:
        words.append("edited")
    return ", ".join(words)


def call_parts(item: ToolCallItem) -> Iterator[Part]:
    """Arguments, then everything that came back."""
    if item.edited:
        yield Part("Asked by the model", to_json(item.asked_arguments), "json")
        yield Part("Arguments, edited by the person", to_json(item.arguments), "json")
    else:
        yield Part("Arguments", to_json(item.arguments or item.asked_arguments), "json")
    if item.structured_content is not None:
        yield Part("Structured result", cut(to_json(item.structured_content)), "json")
    for content in item.content:
        if content.type == "text":
            if not _repeats(content.text, item.structured_content):
                yield Part("Result", cut(harmless(content.text)), _language(content.text))
        elif isinstance(content, ImageContent):
            yield Part(placeholder(content), image=content)
        else:
            yield Part(placeholder(content), cut(harmless(getattr(content, "text", None) or "")))


def call_notes(item: ToolCallItem) -> Iterator[str]:
    """Sentences below a call: who decided, what failed, what was compared."""
    if item.decision:
        yield strict(item.decision)
    if item.error is not None:
        yield strict(" ".join(part for part in (item.error.message, item.error.hint) if part))
    for problem in item.validation_errors:
        yield strict(f"{problem.field or 'arguments'}: {problem.message} ({problem.type})")
    if item.truncated:
        yield f"The model was given the first {item.model_tokens:,} tokens of the result."
    if item.sensitive:
        yield "The result holds what looks like a key."
    if item.rerun_of is not None:
        yield f"Runs call {strict(item.rerun_of.call_id)} of {strict(item.rerun_of.conversation_id)} again."
    if (compared := item.comparison) is not None:
        if compared.same:
            yield "The result is the same as the recorded one."
        elif not compared.differences:
            yield "It could not be compared with the recorded result."
        for difference in compared.differences:
            yield strict(_difference(difference.path, difference.kind, difference.before, difference.after))
        if words := ignored_words([one for one in compared.ignored if one.places or one.gave_up]):
            yield strict(f"{words[0].upper()}{words[1:]}.")


def answer_facts(item: AssistantItem) -> str:
    """Below an answer: tokens, cost, time."""
    words = []
    if item.usage is not None and (item.usage.prompt_tokens or item.usage.completion_tokens):
        words.append(f"{item.usage.prompt_tokens:,} tokens in, {item.usage.completion_tokens:,} out")
    if item.cost is not None:
        words.append(money(item.cost))
    if item.duration_seconds:
        words.append(seconds(item.duration_seconds))
    if not item.complete:
        words.append("cut off")
    if item.problem is not None:
        words.append(strict(item.problem.message))
    return " · ".join(words)


def placeholder(content: Content) -> str:
    """What stands for content that is no text."""
    match content.type:
        case "image" | "audio":
            return f"{content.type} {strict(content.mime_type)}, {size(len(content.data) * 3 // 4)}"
        case "resource_link":
            return f"resource {strict(content.title or content.name)}, {strict(content.uri)}"
        case "resource":
            amount = len((content.text or "").encode(errors="replace")) or len(content.blob or "") * 3 // 4
            return f"embedded resource {strict(content.uri)}, {size(amount)}"
        case "unknown":
            return f"{strict(content.kind)}, {size(len(json.dumps(content.raw, default=str)))}"
    return content.type


def to_json(value: Any) -> str:
    """``value`` for reading, what hides in it spelled out."""
    return strict(json.dumps(value, ensure_ascii=False, indent=2, default=str), one_line=False)


def cut(text: str) -> str:
    """At most `MOST_PART` characters, and a sentence about the rest."""
    if len(text) <= MOST_PART:
        return text
    return f"{text[:MOST_PART]}\n[{len(text) - MOST_PART:,} more characters: the JSON export has them]"


def stamp(at: datetime) -> str:
    """A minute in UTC: an export is read elsewhere."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def plural(number: int, noun: str) -> str:
    """``1 message``, ``4 messages``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def money(dollars: float) -> str:
    """``$0``, ``$0.0004``, ``$1.25``."""
    if dollars <= 0:
        return "$0"
    return f"${dollars:.4f}" if dollars < 0.1 else f"${dollars:.2f}"


def seconds(value: float) -> str:
    """``40 ms``, ``2.4 s``, ``3 min 5 s``."""
    if value < 0.9995:
        return f"{value * 1000:.0f} ms"
    if value < 99.95:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s"


def size(octets: int) -> str:
    """``812 B``, ``41.2 kB``, ``16.0 MB``."""
    if octets < 1000:
        return f"{octets} B"
    return f"{octets / 1000:.1f} kB" if octets < 999_950 else f"{octets / 1_000_000:.1f} MB"


def _cost(totals: Totals) -> str:
    if totals.unknown_cost:
        return f"{money(totals.cost)} and what could not be priced" if totals.cost else "unknown"
    return money(totals.cost)


def _period(first: datetime, last: datetime) -> str:
    begin, end = stamp(first), stamp(last)
    return begin if begin == end else f"{begin} to {end[11:] if begin[:10] == end[:10] else end}"


def _short(value: Any) -> str:
    text = f'"{value[:200]}"' if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return shorten(text, 48)


def _repeats(text: str, structured: Any) -> bool:
    """Whether the text is the structured result over again."""
    if structured is None or not text.lstrip().startswith(("{", "[")):
        return False
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return bool(value == structured or (isinstance(structured, dict) and list(structured.values()) == [value]))


def _language(text: str) -> str:
    return "json" if text.lstrip()[:1] in ("{", "[") and text.rstrip()[-1:] in ("}", "]") else ""


def _difference(path: str, kind: str, before: str, after: str) -> str:
    match kind:
        case "added":
            return f"differs at {path}: added {after}"
        case "removed":
            return f"differs at {path}: removed {before}"
    return f"differs at {path}: {before} became {after}"
