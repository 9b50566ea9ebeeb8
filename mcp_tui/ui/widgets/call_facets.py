"""What the inspector's tabs show of a tool call: pure functions from the call to text.

``whole`` is complete and as it came, for copying and writing; ``shown`` is safe, coloured and bounded, so that a
result of many megabytes costs no more to look at than a small one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from textual.content import Content

from mcp_tui.safety.secrets import mask_keys
from mcp_tui.safety.text import prose, removed_words, strict
from mcp_tui.ui import formats
from mcp_tui.ui.literal import json_content, to_json
from mcp_tui.ui.widgets.diff_text import origin_words, recorded_diff, verdict_words

if TYPE_CHECKING:
    from mcp_tui.conversation.items import ToolCallItem

Facet = Literal["args", "result", "raw", "schema", "time", "diff"]

FACETS: tuple[Facet, ...] = ("args", "result", "raw", "schema", "time", "diff")

MAX_CHARACTERS = 60_000
MAX_LINES = 2_000
"""What a tab shows at most; copy and write take all of it."""

ALL_OF_IT = "> shows it by the page, y copies, w writes all of it"
"""Stands where something was left out."""

MARGIN = 4_000
"""Characters at the end of a part that was cut off which are left out where keys are masked."""

Part = tuple[str, str] | Content


def whole(item: ToolCallItem, facet: Facet) -> str:
    """All of it, unchanged; empty where there is nothing."""
    match facet:
        case "args":
            return json.dumps(item.arguments, ensure_ascii=False, indent=2)
        case "result":
            return _whole_result(item)
        case "raw":
            messages = [{"direction": wire.direction, "at": wire.at.isoformat(), **wire.message} for wire in item.wire]
            return json.dumps(messages, ensure_ascii=False, indent=2) if messages else ""
        case "schema":
            return json.dumps(_definition(item), ensure_ascii=False, indent=2)
        case "time":
            return timing(item).plain
        case "diff":
            return recorded_diff(item).plain


def shown(item: ToolCallItem, facet: Facet) -> Content:
    """What the tab draws."""
    match facet:
        case "args":
            return _args(item)
        case "result":
            return _result(item)
        case "raw":
            return _raw(item)
        case "schema":
            return _schema(item)
        case "time":
            return timing(item)
        case "diff":
            return recorded_diff(item)


def paged(text: str) -> bool:
    """Whether a tab shows only the beginning of ``text``, and all of it by the page."""
    return len(text) > MAX_CHARACTERS or text.count("\n") >= MAX_LINES


def bounded(text: str) -> tuple[str, str]:
    """The first part of ``text``, and a note on what was left out."""
    head = text[:MAX_CHARACTERS]
    lines = head.split("\n", MAX_LINES)
    if len(lines) > MAX_LINES:
        head = "\n".join(lines[:MAX_LINES])
    rest = len(text) - len(head)
    return head, f"\n... {rest:,} more characters: {ALL_OF_IT}" if rest else ""


def bounded_json(value: Any) -> tuple[str, str]:
    """The first part of ``value`` as JSON, made no further than needed, and a note on what was left out."""
    pieces: list[str] = []
    length = 0
    for piece in json.JSONEncoder(ensure_ascii=False, indent=2, default=str).iterencode(value):
        pieces.append(piece[: MAX_CHARACTERS + 1])
        length += len(pieces[-1])
        if length > MAX_CHARACTERS:
            head, _ = bounded("".join(pieces))
            return head, f"\n... more: {ALL_OF_IT}"
    return bounded("".join(pieces))


def _json(value: Any, sensitive: bool = False) -> Content:
    text, note = bounded_json(value)
    if sensitive:
        text = _masked(text)
    return Content.assemble(json_content(strict(text, one_line=False)), (note, "$warning"))


def _masked(text: str) -> str:
    """``text`` without what looks like a key; of a part that was cut off, nothing that may be the half of one."""
    masked = mask_keys(text)
    return masked[: max(0, len(masked) - len(mask_keys(text[-MARGIN:])))] if len(text) >= MAX_CHARACTERS else masked


def _args(item: ToolCallItem) -> Content:
    parts: list[Part] = []
    if item.edited:
        parts += [("edited by you; the model asked for:\n", "$warning"), _json(item.asked_arguments), "\n\nwhat ran:\n"]  # type: ignore[list-item]
    parts.append(_json(item.arguments))
    for problem in item.validation_errors:
        field = f"{strict(problem.field)}: " if problem.field else ""
        parts.append((f"\n! {field}{strict(problem.message)}", "$error"))
    return Content.assemble(*parts)


def _result(item: ToolCallItem) -> Content:
    parts: list[Part] = []
    if item.error is not None:
        parts.append((f"{prose(item.error.kind)}: {prose(item.error.message)}\n", "$error"))
        if item.error.hint:
            parts.append((f"{prose(item.error.hint)}\n", "$muted"))
    if not item.finished:
        parts.append((f"{item.state}: no result yet\n", "$warning"))
    for block in item.content:
        if _repeats(block, item.structured_content):
            parts.append(("text: the structured content as JSON\n", "$muted"))
        else:
            parts += _block(block, item.sensitive)
    if item.structured_content is not None:
        parts += [("structured content\n", "$muted"), _json(item.structured_content, item.sensitive), ("\n", "")]
    if item.sensitive:
        words = "\nWhat looks like a key is masked here; y and w take it whole, the conversation's file keeps it.\n"
        parts.append((words, "$warning"))
    if hidden := removed_words(*(block.text for block in item.content if block.type == "text")):
        parts.append((f"\n! {hidden}: the tab Raw spells them out\n", "$warning"))
    if item.truncated:
        parts.append(("\nThe model was given less than this (tab Time).\n", "$warning"))
    if not parts:
        parts += _without_content(item)
    return Content.assemble(*parts)


def _without_content(item: ToolCallItem) -> list[Part]:
    """A call without a result of a server: why it has none, and what the model was told instead."""
    parts: list[Part] = []
    if item.state == "success":
        return [("the result is empty", "$muted")]
    if item.started_at is None:
        why = item.decision or item.state.replace("_", " ")
        parts.append((f"it did not run: {prose(why)}\n", "$warning"))
    for problem in item.validation_errors:
        field = f"{strict(problem.field)}: " if problem.field else ""
        parts.append((f"! {field}{strict(problem.message)}\n", "$error"))
    if item.model_text:
        parts += [("\nthe model was told\n", "$muted"), *_text(item.model_text, item.sensitive)]
    return parts or [(f"{item.state.replace('_', ' ')}, without a result", "$warning")]


def _repeats(block: Any, structured: Any) -> bool:
    """Whether a text block is only the structured content again, as the specification asks of servers."""
    if structured is None or block.type != "text" or len(block.text) > MAX_CHARACTERS:
        return False
    try:
        return bool(json.loads(block.text) == structured)
    except (ValueError, RecursionError):
        return False


def _block(block: Any, sensitive: bool) -> list[Part]:
    """One content block: text as text, anything else as what it is and how big."""
    match block.type:
        case "text":
            return _text(block.text, sensitive)
        case "image" | "audio":
            return [(f"[{block.type} {strict(block.mime_type)}, {_decoded_size(block.data)}]\n", "$accent")]
        case "resource_link":
            described = f"  {strict(block.description)}" if block.description else ""
            words = f"[link {strict(block.uri)}  {strict(block.name)}{described}]\n"
            return [(mask_keys(words) if sensitive else words, "$accent")]
        case "resource":
            head: Part = (f"[resource {strict(block.uri)}]\n", "$accent")
            if block.text is not None:
                return [head, *_text(block.text, sensitive)]
            return [head, (f"[binary, {_decoded_size(block.blob or '')}]\n", "$accent")]
        case _:
            return [
                (f"[{strict(getattr(block, 'kind', block.type))}: a kind this release does not know]\n", "$warning")
            ]


def _text(text: str, sensitive: bool) -> list[Part]:
    if text[:1] in ("{", "[") and len(text) <= MAX_CHARACTERS:
        try:
            return [_json(json.loads(text), sensitive), ("\n", "")]
        except (ValueError, RecursionError):
            pass
    head, note = bounded(text)
    if sensitive:
        head = _masked(head)
    return [(prose(head), ""), (note, "$warning"), ("\n", "")]


def _decoded_size(data: str) -> str:
    return formats.size(len(data) * 3 // 4)


def _raw(item: ToolCallItem) -> Content:
    if not item.wire:
        words = "nothing was sent to the server" if item.started_at is None else "nothing came back or was kept"
        return Content.styled(words, "$muted")
    parts: list[Part] = []
    for wire in item.wire:
        arrow, style = ("-> sent", "$primary") if wire.direction == "sent" else ("<- received", "$success")
        parts.append((f"{arrow}  {formats.local_time(wire.at)}\n", style))
        parts += [_json(wire.message, item.sensitive), ("\n\n", "")]
    return Content.assemble(*parts)


def _definition(item: ToolCallItem) -> dict[str, Any]:
    definition = item.definition
    if definition is None:
        return {}
    return {
        "name": definition.name,
        "title": definition.title,
        "description": definition.description,
        "annotations": definition.annotations,
        "inputSchema": definition.input_schema,
        "outputSchema": definition.output_schema,
    }


def _schema(item: ToolCallItem) -> Content:
    definition = item.definition
    if definition is None:
        return Content.styled("no server offered this tool", "$muted")
    parts: list[Part] = [(f"{strict(item.label)}\n", "$role-tool bold")]
    if definition.description:
        parts.append((f"{strict(bounded(definition.description)[0], one_line=False)}\n", ""))
    for note in definition.notes:
        parts.append((f"! {strict(note)}\n", "$warning"))
    if definition.annotations:
        parts += [("\nannotations, claimed by the server, unverified\n", "$muted"), _json(definition.annotations)]
    parts += [("\n\ninput schema\n", "$muted"), _json(definition.input_schema)]
    if definition.output_schema is not None:
        parts += [("\n\noutput schema\n", "$muted"), _json(definition.output_schema)]
    return Content.assemble(*parts)


def timing(item: ToolCallItem) -> Content:
    """State, decision, where the time went, what the model was given."""
    rows: list[tuple[str, str]] = [("state", item.state.replace("_", " "))]
    if item.decision:
        rows.append(("decision", item.decision))
    if item.decided_by:
        rows.append(("decided by", item.decided_by + (f" {item.rule_id}" if item.rule_id else "")))
    rows.append(("asked", formats.local_time(item.at)))
    if item.rerun_of is not None:
        rows.append(("asked by", f"you: {origin_words(item)}, {verdict_words(item)[0] or item.state}"))
    if item.started_at is not None:
        rows.append(("started", formats.local_time(item.started_at)))
    if item.timing is not None:
        rows += [
            ("queued", formats.seconds(item.timing.queued)),
            ("approval", formats.seconds(item.timing.approval)),
            ("wire", formats.seconds(item.timing.wire)),
        ]
    if item.progress is not None and not item.finished:
        total = f" of {item.progress_total:g}" if item.progress_total is not None else ""
        rows.append(("progress", f"{item.progress:g}{total} {item.progress_message}".strip()))
    if item.finished and item.rerun_of is not None:
        rows.append(("to the model", "nothing: the model is not told of it"))
    elif item.finished:
        clipped = ", less than the whole result" if item.truncated else ""
        rows.append(("to the model", f"{formats.count(item.model_tokens)} tokens{clipped}"))
    rows += [("hop", str(item.hop)), ("call id", item.key)]
    parts: list[Part] = []
    for name, value in rows:
        parts += [(f"{name:<14}", "$muted"), (f"{strict(value)}\n", "")]
    return Content.assemble(*parts)


def file_name(item: ToolCallItem, facet: Facet) -> str:
    """A name for a file with this facet: only harmless characters of outside names."""
    label = "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "-" for char in item.label)[:40]
    ending = "txt" if facet in ("result", "time", "diff") else "json"
    return f"{label}-{item.at.astimezone():%Y%m%d-%H%M%S}-{facet}.{ending}"


def _whole_result(item: ToolCallItem) -> str:
    texts = []
    for block in item.content:
        text = getattr(block, "text", None)
        texts.append(text if isinstance(text, str) else to_json(block.model_dump(mode="json", by_alias=True)))
    if item.structured_content is not None and not texts:
        texts.append(json.dumps(item.structured_content, ensure_ascii=False, indent=2))
    if item.error is not None and not texts:
        texts.append(item.error.message)
    return "\n".join(texts)
