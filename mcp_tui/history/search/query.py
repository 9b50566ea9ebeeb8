"""The language of a search: words, "phrases", -without, and filters such as ``tool:time.*``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from typing import Literal

from mcp_tui.errors import UsageError
from mcp_tui.history.search.hits import KINDS
from mcp_tui.history.search.words import has_word, prefixable

Field = Literal["tool", "server", "status", "model", "tag", "kind", "in"]
"""Filters by a value.  ``in``: a conversation, by its id, the beginning of it, or words of its title."""

EXAMPLES: dict[str, str] = {
    "tool": "tool:time.*",
    "server": "server:git",
    "status": "status:error",
    "model": "model:*sonnet*",
    "before": "before:2026-08-01",
    "after": "after:7d",
    "tag": "tag:work",
    "kind": "kind:user",
    "in": 'in:"nightly failures"',
}
"""Every filter with an example."""

STATUSES: dict[str, frozenset[str]] = {
    "ok": frozenset({"success"}),
    "success": frozenset({"success"}),
    "error": frozenset({"error", "timeout", "invalid_arguments", "invalid_result", "unknown"}),
    "timeout": frozenset({"timeout"}),
    "cancelled": frozenset({"cancelled"}),
    "denied": frozenset({"denied"}),
    "invalid": frozenset({"invalid_arguments", "invalid_result"}),
    "unknown": frozenset({"unknown"}),
}
"""What can be written after ``status:``, and the outcomes of calls that it stands for."""

_KINDS_BY_NAME: dict[str, str] = {
    **{str(kind): str(kind) for kind in KINDS},
    "you": "user",
    "model": "assistant",
    "answer": "assistant",
    "thinking": "reasoning",
    "tool": "call",
}
_OTHER_WORDS = {"since": "after", "from": "after", "until": "before", "to": "before", "date": "after", "role": "kind",
                "type": "kind", "label": "tag", "outcome": "status", "llm": "model", "conversation": "in"}  # fmt: skip
_PIECE = re.compile(
    r"""\s*(?P<minus>-(?=[^\s-]))?
        (?: (?P<name>[A-Za-z]+):(?P<value>(?:"[^"]*(?:"|\Z)|[^\s"])*)
          | "(?P<phrase>[^"]*)(?P<closed>"|\Z)
          | (?P<word>[^\s"]+)
          | (?P<nothing>\s+|\Z) )""",
    re.VERBOSE,
)
_DAY = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")
_AGO = re.compile(r"(\d{1,4})([hdwmy])")
_AGO_DAYS = {"h": 1 / 24, "d": 1.0, "w": 7.0, "m": 30.0, "y": 365.0}
_DATES = "Write a day as 2026-08-01, a month as 2026-08, or how long ago as 7d, 2w, 3m; today and yesterday work too."
LONGEST = 1000
"""Characters of a search."""


@dataclass(frozen=True, slots=True)
class Term:
    """Words that must occur, one after the other."""

    text: str
    """As it was written, without quotes."""
    prefix: bool = False
    """Its last word may go on."""
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """One of ``values`` must hold; ``*`` and ``?`` in them stand for any characters, and for one."""

    field: Field
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A search, understood."""

    terms: tuple[Term, ...] = ()
    filters: tuple[Filter, ...] = ()
    after: datetime | None = None
    """From then on."""
    before: datetime | None = None
    """Up to, but not including."""

    @property
    def empty(self) -> bool:
        """Whether nothing is asked for."""
        return not (self.terms or self.filters or self.after or self.before)

    @property
    def wanted(self) -> tuple[Term, ...]:
        """The terms that must occur."""
        return tuple(term for term in self.terms if not term.negated)


def parse_query(text: str, *, now: datetime | None = None) -> Query:
    """Understand a search as the person wrote it; an empty one is an empty query.

    The last word counts as the beginning of a word unless a blank follows it.  Raises `UsageError` that says
    what to write instead.
    """
    if len(text) > LONGEST:
        raise UsageError(f"A search has at most {LONGEST} characters.")
    now = now or datetime.now(UTC)
    terms: list[Term] = []
    filters: list[Filter] = []
    after = before = None
    position = 0
    while position < len(text) and (piece := _PIECE.match(text, position)):
        position = piece.end() if piece.end() > position else position + 1
        minus, name = bool(piece["minus"]), (piece["name"] or "").lower()
        if name in ("after", "before"):
            moment = _moment(name, _plain(piece["value"]), minus, now)
            after, before = (moment, before) if name == "after" else (after, moment)
        elif name and name in EXAMPLES:
            filters.append(_filter(name, piece["value"], minus))
        elif piece["nothing"] is None:
            last = position >= len(text)
            terms += _terms(piece, minus, last)
    query = Query(tuple(terms), tuple(filters), after, before)
    if not query.empty and not query.wanted and not any(not each.negated for each in filters) and not (after or before):
        raise UsageError("Only what must not occur was given.", hint="Add a word or a filter that must.")
    return query


def _terms(piece: re.Match[str], minus: bool, last: bool) -> list[Term]:
    if piece["name"]:
        _refuse_near_miss(piece["name"].lower(), piece["value"])
    phrase = piece["phrase"]
    words = phrase if phrase is not None else piece["word"] or f"{piece['name']}:{_plain(piece['value'])}"
    if not has_word(words):
        if not (words if phrase is None else phrase).strip(" -"):
            return []
        raise UsageError(
            f"{words[:40]!r} holds no letter and no digit.", hint="Search for a word that stands beside it."
        )
    still_typing = last and (phrase is None or not piece["closed"])
    return [Term(words, prefix=still_typing and not minus and prefixable(words), negated=minus)]


def _refuse_near_miss(name: str, value: str) -> None:
    """A filter that there is not would silently be searched as text."""
    close = _OTHER_WORDS.get(name) or next(iter(get_close_matches(name, EXAMPLES, 1, 0.75)), "")
    if close and value and not value.startswith(("/", ":")):
        raise UsageError(
            f"There is no filter {name}:.", hint=f'Write {EXAMPLES[close]}, or "{name}:{_plain(value)}" for the text.'
        )


def _filter(name: str, raw: str, minus: bool) -> Filter:
    quoted = raw.startswith('"')
    values = tuple(value for value in ([_plain(raw)] if quoted else raw.split(",")) if value.strip())
    if not values:
        raise UsageError(f"{name}: needs a value.", hint=f"For example {EXAMPLES[name]}")
    if name == "kind":
        values = tuple(_one_of(value, _KINDS_BY_NAME, "kind", KINDS) for value in values)
    elif name == "status":
        found = [_one_of(value, {key: key for key in STATUSES}, "status", tuple(STATUSES)) for value in values]
        values = tuple(sorted(frozenset().union(*(STATUSES[value] for value in found))))
    return Filter(_field(name), values, minus)


def _field(name: str) -> Field:
    match name:
        case "tool" | "server" | "status" | "model" | "tag" | "kind" | "in":
            return name
    raise AssertionError(name)


def _one_of(value: str, known: dict[str, str], name: str, shown: tuple[str, ...]) -> str:
    found = known.get(value.strip().lower())
    if found is None:
        raise UsageError(f"There is no {name} {value[:40]!r}.", hint=f"There are {', '.join(shown)}.")
    return found


def _moment(name: str, value: str, minus: bool, now: datetime) -> datetime:
    """The beginning of what was written; ``before:`` and ``after:`` both mean that."""
    if minus:
        other = "before" if name == "after" else "after"
        raise UsageError(f"-{name}: does not work.", hint=f"Write {other}:{value}")
    if not value:
        raise UsageError(f"{name}: needs a day.", hint=_DATES)
    local = now.astimezone()
    days = {"today": 0, "yesterday": 1}.get(value.lower())
    if days is not None:
        return _midnight(local.date() - timedelta(days=days))
    if ago := _AGO.fullmatch(value.lower()):
        return now - timedelta(days=int(ago[1]) * _AGO_DAYS[ago[2]])
    try:
        if day := _DAY.fullmatch(value):
            return _midnight(date(int(day[1]), int(day[2] or 1), int(day[3] or 1)))
        exact = datetime.fromisoformat(value)
        return exact if exact.tzinfo else exact.astimezone()
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"{name}:{value[:40]} is no day.", hint=_DATES) from None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day).astimezone()


def _plain(value: str) -> str:
    return value.replace('"', "")
