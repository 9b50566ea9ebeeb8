"""Two results of one tool call, place by place: the recorded one and today's.

What a server returned is compared, not how long it took or under which ids it crossed the wire.  The places come in
a stable order; their number and the length of what they quote are bounded, so that a comparison can be stored.
What looks like a key is masked before it is quoted: a comparison is shown and exported as it is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import islice, zip_longest
from typing import Any, Literal

from mcp_tui.conversation.items import ToolCallItem
from mcp_tui.events.content import (
    AudioContent,
    Content,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    UnknownContent,
)
from mcp_tui.events.tools import Difference, ToolDefinition
from mcp_tui.safety.secrets import MASK, holds_key, mask_keys

MOST_DIFFERENCES = 50
"""Places that are listed; one more says that there are others."""
MOST_TEXT = 1_000
"""Characters that are quoted of one side of a place."""
MOST_LINES = 1_000
"""Lines, or items of a list, that are aligned with each other; more are compared as a whole, or one by one."""
MOST_NAMES = 8
"""Tools that a summary names."""
MOST_DEPTH = 64
"""Levels of JSON that are gone into."""

_MARGIN = 80
"""Characters before the first one that differs which are quoted of a long text."""

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
    labels: dict[Verdict, list[str]] = {"same": [], "differs": [], "not_run": []}
    for item in items:
        labels[verdict(item)].append(item.label)
    differs, not_run = labels["differs"], labels["not_run"]
    words = [f"{len(labels['same'])} same"] if labels["same"] or not (differs or not_run) else []
    if differs:
        words.append(f"{len(differs)} {'differs' if len(differs) == 1 else 'differ'} ({_names(differs)})")
    if not_run:
        words.append(f"{len(not_run)} could not be run ({_names(not_run)})")
    return ", ".join(words)


def _names(labels: Sequence[str]) -> str:
    """Each name once, the first ones of many."""
    names = list(dict.fromkeys(labels))
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def compare(recorded: ToolCallItem, new: ToolCallItem) -> tuple[Difference, ...]:
    """Where ``new`` differs from ``recorded``: outcome, error, definition, arguments, structured content, content.

    Empty when they are the same.  With more than `MOST_DIFFERENCES` places the last entry, without a path, says so.
    """
    found: list[Difference] = []
    sensitive = recorded.sensitive or new.sensitive
    for difference in _differences(recorded, new, sensitive):
        if len(found) == MOST_DIFFERENCES:
            found.append(Difference(path="", kind="changed", after="there are more differences"))
            break
        found.append(difference)
    return tuple(found)


def compare_texts(path: str, before: str, after: str) -> tuple[Difference, ...]:
    """Two texts line by line, or as JSON where both are; bounded as `compare` is."""
    return tuple(islice(_text(path, before, after, False), MOST_DIFFERENCES))


def difference_words(differences: Sequence[Difference]) -> str:
    """How many there are, such as ``3 differences``; ``same`` where there are none."""
    if len(differences) > MOST_DIFFERENCES:
        return f"more than {MOST_DIFFERENCES} differences"
    return "same" if not differences else f"{len(differences)} difference{'s' if len(differences) > 1 else ''}"


def _differences(recorded: ToolCallItem, new: ToolCallItem, sensitive: bool) -> Iterator[Difference]:
    if recorded.state != new.state:
        yield Difference(path="outcome", kind="changed", before=recorded.state, after=new.state)
    yield from _texts("error", _error(recorded), _error(new))
    yield from _definitions(recorded.definition, new.definition)
    yield from _compared("arguments", recorded.arguments, new.arguments, sensitive=True)
    yield from _compared("structuredContent", recorded.structured_content, new.structured_content, sensitive)
    repeated = _repeats(recorded) and _repeats(new)
    for index, (before, after) in enumerate(zip_longest(recorded.content, new.content)):
        if not (repeated and isinstance(before, TextContent) and isinstance(after, TextContent)):
            yield from _blocks(f"content[{index}]", before, after, sensitive)


def _error(item: ToolCallItem) -> str:
    return mask_keys(f"{item.error.kind}: {item.error.message}") if item.error is not None else ""


def _repeats(item: ToolCallItem) -> bool:
    """Whether the text is only the structured content again, as the specification asks of servers."""
    texts = [part.text for part in item.content if isinstance(part, TextContent)]
    if item.structured_content is None or not texts:
        return False
    return all(_canonical(_parsed(text)) == _canonical(item.structured_content) for text in texts)


def _definitions(before: ToolDefinition | None, after: ToolDefinition | None) -> Iterator[Difference]:
    if before is None or after is None or before.digest == after.digest:
        return
    named = False
    for name in _DEFINITION:
        for difference in _values(f"definition.{name}", getattr(before, name), getattr(after, name), 0):
            named = True
            yield difference
    if not named:
        yield Difference(path="definition", kind="changed", before=before.digest[:12], after=after.digest[:12])


# -- content -------------------------------------------------------------------------------------


def _blocks(path: str, before: Content | None, after: Content | None, sensitive: bool) -> Iterator[Difference]:
    match before, after:
        case TextContent(), TextContent():
            yield from _text(f"{path}.text", before.text, after.text, sensitive)
        case EmbeddedResource(text=str() as old), EmbeddedResource(text=str() as new):
            assert isinstance(before, EmbeddedResource)
            assert isinstance(after, EmbeddedResource)
            yield from _texts(f"{path}.uri", _quotable(before.uri, sensitive), _quotable(after.uri, sensitive))
            yield from _text(f"{path}.text", old, new, sensitive)
        case (ResourceLink() as one, ResourceLink() as other) | (UnknownContent() as one, UnknownContent() as other):
            yield from _compared(path, one.model_dump(mode="json"), other.model_dump(mode="json"), sensitive)
        case _:
            yield from _texts(path, _summary(before, sensitive), _summary(after, sensitive))


def _summary(block: Content | None, sensitive: bool) -> str:
    match block:
        case None:
            return ""
        case TextContent():
            return f"text: {_quotable(block.text, sensitive)}"
        case ImageContent() | AudioContent() | EmbeddedResource():
            return _described(block)
        case _:
            return _quotable(_canonical(block.model_dump(mode="json")), sensitive)


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


# -- text ----------------------------------------------------------------------------------------


def _text(path: str, before: str, after: str, sensitive: bool) -> Iterator[Difference]:
    """As JSON where both are, else line by line."""
    if before == after:
        return
    old, new = _parsed(before), _parsed(after)
    if isinstance(old, dict | list) and isinstance(new, dict | list):
        if _canonical(old) == _canonical(new):
            return
        yield from _compared(path, old, new, sensitive)
        return
    one, other = _quotable(before, sensitive), _quotable(after, sensitive)
    if one == other:
        yield _masked(path)
    yield from _lines(path, one.split("\n"), other.split("\n"))


def _lines(path: str, old: Sequence[str], new: Sequence[str]) -> Iterator[Difference]:
    single = len(old) == len(new) == 1
    for tag, a, b, c, d in _aligned(old, new):
        line = c if tag == "added" else a
        where = path if single else f"{path}:{line + 1}"
        before, after = _excerpts("\n".join(old[a:b]), "\n".join(new[c:d]))
        yield Difference(
            path=where,
            kind=tag,
            before=before or ("(an empty line)" if b > a else ""),
            after=after or ("(an empty line)" if d > c else ""),
        )


_Kind = Literal["added", "removed", "changed"]


def _aligned(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[_Kind, int, int, int, int]]:
    """Runs that differ, as in `SequenceMatcher.get_opcodes`; what is too long is one run."""
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
    if max(len(middle_old), len(middle_new)) > MOST_LINES:
        runs = [("replace", 0, len(middle_old), 0, len(middle_new))]
    else:
        runs = list(SequenceMatcher(None, middle_old, middle_new, autojunk=False).get_opcodes())
    for _, a, b, c, d in runs:
        if a < b or c < d:
            kind: _Kind = "added" if a == b else "removed" if c == d else "changed"
            if middle_old[a:b] != middle_new[c:d]:
                yield kind, head + a, head + b, head + c, head + d


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    count = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        count += 1
    return count


def _texts(path: str, before: str, after: str) -> Iterator[Difference]:
    """Two texts as a whole; an empty one is none."""
    if before != after:
        kind: _Kind = "added" if not before else "removed" if not after else "changed"
        one, other = _excerpts(before, after)
        yield Difference(path=path, kind=kind, before=one, after=other)


def _excerpts(before: str, after: str) -> tuple[str, str]:
    """Both sides cut to `MOST_TEXT` characters, from shortly before where they begin to differ."""
    if max(len(before), len(after)) <= MOST_TEXT:
        return before, after
    start = 0
    if before and after:
        start = max(0, _common(before, after) - _MARGIN)
    return _excerpt(before, start), _excerpt(after, start)


def _excerpt(text: str, start: int) -> str:
    if not text:
        return ""
    more = len(text) - start - MOST_TEXT
    head = f"[{start:,} characters the same] " if start else ""
    return f"{head}{text[start : start + MOST_TEXT]}{f' [{more:,} more characters]' if more > 0 else ''}"


# -- JSON ----------------------------------------------------------------------------------------


def _compared(path: str, before: Any, after: Any, sensitive: bool) -> Iterator[Difference]:
    """Two JSON values; what looks like a key takes part in the comparison and is not quoted."""
    if not sensitive:
        yield from _values(path, before, after, 0)
        return
    one, other = _without_keys(before), _without_keys(after)
    if _canonical(one) == _canonical(other):
        if _canonical(before) != _canonical(after):
            yield _masked(path)
        return
    yield from _values(path, one, other, 0)


def _masked(path: str) -> Difference:
    return Difference(path=path, kind="changed", before=MASK, after=f"{MASK} (what is masked differs)")


def _values(path: str, before: Any, after: Any, depth: int) -> Iterator[Difference]:
    if before is None and after is None:
        return
    if depth < MOST_DEPTH and isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            place = _member(path, key)
            if key not in after:
                yield _removed(place, before[key])
            elif key not in before:
                yield _added(place, after[key])
            else:
                yield from _values(place, before[key], after[key], depth + 1)
    elif depth < MOST_DEPTH and isinstance(before, list | tuple) and isinstance(after, list | tuple):
        yield from _items(path, before, after, depth)
    elif not _equal(before, after):
        if depth == 0 and before is None:
            yield _added(path, after)
        elif depth == 0 and after is None:
            yield _removed(path, before)
        else:
            one, other = _excerpts(_canonical(before), _canonical(after))
            yield Difference(path=path, kind="changed", before=one, after=other)


def _items(path: str, before: Sequence[Any], after: Sequence[Any], depth: int) -> Iterator[Difference]:
    """Items of lists: those that are the same on both sides are aligned, the others are compared pair by pair."""
    for _, a, b, c, d in _aligned([_canonical(item) for item in before], [_canonical(item) for item in after]):
        pairs = min(b - a, d - c)
        for offset in range(pairs):
            yield from _values(f"{path}[{a + offset}]", before[a + offset], after[c + offset], depth + 1)
        for index in range(a + pairs, b):
            yield _removed(f"{path}[{index}]", before[index])
        for index in range(c + pairs, d):
            yield _added(f"{path}[{index}]", after[index])


def _member(path: str, key: str) -> str:
    return f"{path}.{key}" if key.isidentifier() else f"{path}[{json.dumps(key, ensure_ascii=False)[:200]}]"


def _added(path: str, value: Any) -> Difference:
    return Difference(path=path, kind="added", after=_excerpt(_canonical(value), 0))


def _removed(path: str, value: Any) -> Difference:
    return Difference(path=path, kind="removed", before=_excerpt(_canonical(value), 0))


def _equal(before: Any, after: Any) -> bool:
    """As JSON: ``true`` is not 1, 1 is 1.0."""
    if isinstance(before, int | float) and isinstance(after, int | float):
        return isinstance(before, bool) == isinstance(after, bool) and (before == after or repr(before) == repr(after))
    return _canonical(before) == _canonical(after)


def _canonical(value: Any) -> str:
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    except (RecursionError, TypeError, ValueError):
        return f"({type(value).__name__} that is nested too deeply)"


def _parsed(text: str) -> Any:
    """The JSON object or list that a text is; ``None`` where it is none."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _quotable(text: str, sensitive: bool) -> str:
    return mask_keys(text) if sensitive else text


def _without_keys(value: Any) -> Any:
    if isinstance(value, str):
        return mask_keys(value)
    if isinstance(value, dict):
        return {
            key: MASK if isinstance(item, str) and holds_key(f"{key}={item}") else _without_keys(item)
            for key, item in value.items()
        }
    return [_without_keys(item) for item in value] if isinstance(value, list | tuple) else value
