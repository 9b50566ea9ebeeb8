"""Two results of one tool call, place by place: the recorded one and today's.

What a server returned is compared, not how long it took or under which ids it crossed the wire.  The places come in
a stable order; their number and the length of what they quote are bounded, so that a comparison can be stored.
What looks like a key is masked before it is quoted: a comparison is shown and exported as it is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice, zip_longest
from typing import Literal

from mcp_tui.conversation.differences import (
    canonical,
    json_differences,
    parsed_json,
    quotable,
    text_differences,
    value_differences,
    whole_differences,
)
from mcp_tui.conversation.items import ToolCallItem
from mcp_tui.conversation.result_mask import ResultMask
from mcp_tui.events.content import (
    AudioContent,
    Content,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    UnknownContent,
)
from mcp_tui.events.tools import Difference, Ignored, ToolDefinition
from mcp_tui.safety.secrets import mask_keys, mask_keys_in

MOST_DIFFERENCES = 50
"""Places that are listed; one more says that there are others."""
MOST_NAMES = 8
"""Tools that a summary names."""

_DEFINITION = ("title", "description", "input_schema", "output_schema", "annotations")

RESULTS = frozenset({"success", "error", "timeout", "invalid_result"})
"""Outcomes that are a server's: a call that ended otherwise has no result to compare with."""


def has_result(item: ToolCallItem) -> bool:
    """Whether a call ran and its server's answer is known."""
    return item.started_at is not None and item.state in RESULTS


def ran(item: ToolCallItem) -> bool:
    """Whether a call was sent and ended by itself; one whose server died under it did."""
    return item.started_at is not None and (item.state in RESULTS or item.state == "unknown")


Verdict = Literal["same", "differs", "not_run"]
"""What became of a call that was run again.  ``not_run``: denied, stopped, not available, or refused by its schema."""


def verdict(item: ToolCallItem) -> Verdict:
    """What became of a call that was run again and has its end."""
    if item.comparison is None or not ran(item):
        return "not_run"
    return "same" if item.comparison.same else "differs"


def summary_words(items: Iterable[ToolCallItem]) -> str:
    """Calls that were run again, counted: ``2 same, 1 differs (git.git_log), 1 could not be run (git.git_diff)``."""
    return counted_words((item.label, verdict(item)) for item in items)


def counted_words(verdicts: Iterable[tuple[str, Verdict]]) -> str:
    """The same of calls by name and what became of each."""
    labels: dict[Verdict, list[str]] = {"same": [], "differs": [], "not_run": []}
    for label, found in verdicts:
        labels[found].append(label)
    differs, not_run = labels["differs"], labels["not_run"]
    words = [f"{len(labels['same'])} same"] if labels["same"] or not (differs or not_run) else []
    if differs:
        words.append(f"{len(differs)} {'differs' if len(differs) == 1 else 'differ'} ({_names(differs)})")
    if not_run:
        words.append(f"{len(not_run)} could not be run ({_names(not_run)})")
    return ", ".join(words)


def ignored_in_all(items: Iterable[ToolCallItem]) -> tuple[Ignored, ...]:
    """What was left out of the comparisons of these calls, each rule once, with all that it left out."""
    found: dict[str, Ignored] = {}
    for one in (each for item in items if item.comparison is not None for each in item.comparison.ignored):
        known = found.get(one.rule, Ignored(rule=one.rule))
        found[one.rule] = Ignored(rule=one.rule, places=known.places + one.places, gave_up=known.gave_up or one.gave_up)
    return tuple(found.values())


def ignored_words(ignored: Sequence[Ignored]) -> str:
    """Such as ``ignored: structuredContent.time (2 places); matched nothing: content[9]``; empty without any rule."""
    met = [f"{one.rule} ({_places(one)})" for one in ignored if one.places]
    unused = [one.rule for one in ignored if not one.places and not one.gave_up]
    slow = [one.rule for one in ignored if one.gave_up]
    parts = {"ignored": met, "matched nothing": unused, "took too long for a text": slow}
    return "; ".join(f"{what}: {_names(rules)}" for what, rules in parts.items() if rules)


def _places(one: Ignored) -> str:
    what = "match" if one.rule.startswith("/") else "place"
    return f"{one.places:,} {what}{'' if one.places == 1 else 'es' if what == 'match' else 's'}"


def _names(labels: Sequence[str]) -> str:
    """Each name once, the first ones of many."""
    names = list(dict.fromkeys(labels))
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def compare(recorded: ToolCallItem, new: ToolCallItem, mask: ResultMask | None = None) -> tuple[Difference, ...]:
    """Where ``new`` differs from ``recorded``: outcome, error, definition, arguments, structured content, content.

    What ``mask`` ignores is left out.  Empty when they are the same.  With more than `MOST_DIFFERENCES` places the last
    entry, without a path, says so.
    """
    mask = mask or ResultMask()
    found: list[Difference] = []
    for difference in _differences(recorded, new, mask):
        if mask.hides(difference.path):
            continue
        if len(found) == MOST_DIFFERENCES:
            found.append(Difference(path="", kind="changed", after="there are more differences"))
            break
        found.append(difference)
    return tuple(found)


def compare_texts(path: str, before: str, after: str) -> tuple[Difference, ...]:
    """Two texts line by line, or as JSON where both are; bounded as `compare` is."""
    return tuple(islice(text_differences(path, before, after, False), MOST_DIFFERENCES))


def difference_words(differences: Sequence[Difference]) -> str:
    """How many there are, such as ``3 differences``; ``same`` where there are none."""
    if len(differences) > MOST_DIFFERENCES:
        return f"more than {MOST_DIFFERENCES} differences"
    return "same" if not differences else f"{len(differences)} difference{'s' if len(differences) > 1 else ''}"


def _differences(recorded: ToolCallItem, new: ToolCallItem, mask: ResultMask) -> Iterator[Difference]:
    sensitive = recorded.sensitive or new.sensitive
    new = _masked_alike(recorded, new)
    repeated = _repeats(recorded) and _repeats(new)
    recorded, new = mask.result(recorded), mask.result(new)
    if recorded.state != new.state:
        yield Difference(path="outcome", kind="changed", before=recorded.state, after=new.state)
    yield from whole_differences("error", _error(recorded), _error(new))
    yield from _definitions(recorded.definition, new.definition)
    yield from json_differences("arguments", recorded.arguments, new.arguments, sensitive=True)
    yield from json_differences("structuredContent", recorded.structured_content, new.structured_content, sensitive)
    for index, (before, after) in enumerate(zip_longest(recorded.content, new.content)):
        if not (repeated and isinstance(before, TextContent) and isinstance(after, TextContent)):
            yield from _blocks(f"content[{index}]", before, after, sensitive)


def _masked_alike(recorded: ToolCallItem, new: ToolCallItem) -> ToolCallItem:
    """The new result without its keys where those of the recorded one were taken out when it was exported.

    It is known by the flag that it held some, and by holding none: nobody can tell what they were.
    """
    return _without_keys(new) if recorded.sensitive and _without_keys(recorded) == recorded else new


def _without_keys(item: ToolCallItem) -> ToolCallItem:
    """As an export has it."""
    content = tuple(
        type(block).model_validate(mask_keys_in(block.model_dump(mode="json", exclude_unset=True)))
        for block in item.content
    )
    error = item.error
    if error is not None:
        error = error.model_copy(update={"message": mask_keys(error.message)})
    return replace(item, structured_content=mask_keys_in(item.structured_content), content=content, error=error)


def _error(item: ToolCallItem) -> str:
    return mask_keys(f"{item.error.kind}: {item.error.message}") if item.error is not None else ""


def _repeats(item: ToolCallItem) -> bool:
    """Whether the text is only the structured content again, as the specification asks of servers."""
    texts = [part.text for part in item.content if isinstance(part, TextContent)]
    if item.structured_content is None or not texts:
        return False
    return all(canonical(parsed_json(text)) == canonical(item.structured_content) for text in texts)


def _definitions(before: ToolDefinition | None, after: ToolDefinition | None) -> Iterator[Difference]:
    if before is None or after is None or before.digest == after.digest:
        return
    named = False
    for name in _DEFINITION:
        for difference in value_differences(f"definition.{name}", getattr(before, name), getattr(after, name)):
            named = True
            yield difference
    if not named:
        yield Difference(path="definition", kind="changed", before=before.digest[:12], after=after.digest[:12])


# -- content -------------------------------------------------------------------------------------


def _blocks(path: str, before: Content | None, after: Content | None, sensitive: bool) -> Iterator[Difference]:
    match before, after:
        case TextContent(), TextContent():
            yield from text_differences(f"{path}.text", before.text, after.text, sensitive)
        case EmbeddedResource(text=str() as old), EmbeddedResource(text=str() as new):
            assert isinstance(before, EmbeddedResource)
            assert isinstance(after, EmbeddedResource)
            yield from whole_differences(f"{path}.uri", quotable(before.uri, sensitive), quotable(after.uri, sensitive))
            yield from text_differences(f"{path}.text", old, new, sensitive)
        case (ResourceLink() as one, ResourceLink() as other) | (UnknownContent() as one, UnknownContent() as other):
            yield from json_differences(path, one.model_dump(mode="json"), other.model_dump(mode="json"), sensitive)
        case _:
            yield from whole_differences(path, _summary(before, sensitive), _summary(after, sensitive))


def _summary(block: Content | None, sensitive: bool) -> str:
    match block:
        case None:
            return ""
        case TextContent():
            return f"text: {quotable(block.text, sensitive)}"
        case ImageContent() | AudioContent() | EmbeddedResource():
            return _described(block)
        case _:
            return quotable(canonical(block.model_dump(mode="json")), sensitive)


def _described(block: ImageContent | AudioContent | EmbeddedResource) -> str:
    """What cannot be shown, by kind, size and hash."""
    if isinstance(block, EmbeddedResource):
        data, head = block.blob if block.text is None else block.text, f"resource {mask_keys(block.uri)}"
    else:
        data, head = block.data, block.type
    try:
        raw = base64.b64decode(data or "", validate=True)
    except (binascii.Error, ValueError):
        raw = (data or "").encode("utf-8", "surrogatepass")
    kind = block.mime_type or "unknown type"
    return f"{head} {kind}, {len(raw):,} bytes, sha256 {hashlib.sha256(raw).hexdigest()[:16]}"
