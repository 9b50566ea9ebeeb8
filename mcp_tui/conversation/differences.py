"""Where two texts or two JSON values differ, place by place.

Places are written as in ``content[0].text.items[2].id``; a text that is no JSON has lines, as in ``content[0].text:3``.
What is quoted of a place is bounded, and masked where it may hold keys.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from mcp_tui.conversation.alignment import Kind, common, differing
from mcp_tui.events.tools import Difference
from mcp_tui.safety.secrets import MASK, holds_key, mask_keys

MOST_TEXT = 1_000
"""Characters that are quoted of one side of a place."""
MOST_DEPTH = 64
"""Levels of JSON that are gone into."""

_MARGIN = 80
"""Characters before the first one that differs which are quoted of a long text."""

# -- text ----------------------------------------------------------------------------------------


def text_differences(path: str, before: str, after: str, sensitive: bool) -> Iterator[Difference]:
    """Two texts, as JSON where both are, else line by line."""
    if before == after:
        return
    old, new = parsed_json(before), parsed_json(after)
    if isinstance(old, dict | list) and isinstance(new, dict | list):
        if canonical(old) == canonical(new):
            return
        yield from json_differences(path, old, new, sensitive)
        return
    one, other = quotable(before, sensitive), quotable(after, sensitive)
    if one == other:
        yield _masked(path)
    yield from _lines(path, one.split("\n"), other.split("\n"))


def _lines(path: str, old: Sequence[str], new: Sequence[str]) -> Iterator[Difference]:
    single = len(old) == len(new) == 1
    for tag, a, b, c, d in differing(old, new):
        line = c if tag == "added" else a
        where = path if single else f"{path}:{line + 1}"
        before, after = _excerpts("\n".join(old[a:b]), "\n".join(new[c:d]))
        yield Difference(
            path=where,
            kind=tag,
            before=before or ("(an empty line)" if b > a else ""),
            after=after or ("(an empty line)" if d > c else ""),
        )


def whole_differences(path: str, before: str, after: str) -> Iterator[Difference]:
    """Two texts as a whole; an empty one is none."""
    if before != after:
        kind: Kind = "added" if not before else "removed" if not after else "changed"
        one, other = _excerpts(before, after)
        yield Difference(path=path, kind=kind, before=one, after=other)


def _excerpts(before: str, after: str) -> tuple[str, str]:
    """Both sides cut to `MOST_TEXT` characters, from shortly before where they begin to differ."""
    if max(len(before), len(after)) <= MOST_TEXT:
        return before, after
    start = 0
    if before and after:
        start = max(0, common(before, after) - _MARGIN)
    return _excerpt(before, start), _excerpt(after, start)


def _excerpt(text: str, start: int) -> str:
    if not text:
        return ""
    more = len(text) - start - MOST_TEXT
    head = f"[{start:,} characters the same] " if start else ""
    return f"{head}{text[start : start + MOST_TEXT]}{f' [{more:,} more characters]' if more > 0 else ''}"


# -- JSON ----------------------------------------------------------------------------------------


def json_differences(path: str, before: Any, after: Any, sensitive: bool) -> Iterator[Difference]:
    """Two JSON values; what looks like a key takes part in the comparison and is not quoted."""
    if not sensitive:
        yield from value_differences(path, before, after, 0)
        return
    one, other = _without_keys(before), _without_keys(after)
    if canonical(one) == canonical(other):
        if canonical(before) != canonical(after):
            yield _masked(path)
        return
    yield from value_differences(path, one, other, 0)


def _masked(path: str) -> Difference:
    return Difference(path=path, kind="changed", before=MASK, after=f"{MASK} (what is masked differs)")


def value_differences(path: str, before: Any, after: Any, depth: int = 0) -> Iterator[Difference]:
    """Two JSON values as they are; ``depth`` is how far below the first pair they stand.  ``None`` there is none."""
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
                yield from value_differences(place, before[key], after[key], depth + 1)
    elif depth < MOST_DEPTH and isinstance(before, list | tuple) and isinstance(after, list | tuple):
        yield from _items(path, before, after, depth)
    elif not _equal(before, after):
        if depth == 0 and before is None:
            yield _added(path, after)
        elif depth == 0 and after is None:
            yield _removed(path, before)
        else:
            one, other = _excerpts(canonical(before), canonical(after))
            yield Difference(path=path, kind="changed", before=one, after=other)


def _items(path: str, before: Sequence[Any], after: Sequence[Any], depth: int) -> Iterator[Difference]:
    """Items of lists: those that are the same on both sides are aligned, the others are compared pair by pair."""
    for _, a, b, c, d in differing([canonical(item) for item in before], [canonical(item) for item in after]):
        pairs = min(b - a, d - c)
        for offset in range(pairs):
            yield from value_differences(f"{path}[{a + offset}]", before[a + offset], after[c + offset], depth + 1)
        for index in range(a + pairs, b):
            yield _removed(f"{path}[{index}]", before[index])
        for index in range(c + pairs, d):
            yield _added(f"{path}[{index}]", after[index])


def _member(path: str, key: str) -> str:
    return f"{path}.{key}" if key.isidentifier() else f"{path}[{json.dumps(key, ensure_ascii=False)[:200]}]"


def _added(path: str, value: Any) -> Difference:
    return Difference(path=path, kind="added", after=_excerpt(canonical(value), 0))


def _removed(path: str, value: Any) -> Difference:
    return Difference(path=path, kind="removed", before=_excerpt(canonical(value), 0))


def _equal(before: Any, after: Any) -> bool:
    """As JSON: ``true`` is not 1, 1 is 1.0."""
    if isinstance(before, int | float) and isinstance(after, int | float):
        return isinstance(before, bool) == isinstance(after, bool) and (before == after or repr(before) == repr(after))
    return canonical(before) == canonical(after)


def canonical(value: Any) -> str:
    """JSON with sorted keys: equal for equal values."""
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
    except (RecursionError, TypeError, ValueError):
        return f"({type(value).__name__} that is nested too deeply)"


def parsed_json(text: str) -> Any:
    """The JSON object or list that a text is; ``None`` where it is none."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def quotable(text: str, sensitive: bool) -> str:
    """The text with its keys masked, if it may hold any."""
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
