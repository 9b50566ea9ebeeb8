"""Asking the index: from a query to hits, with their texts read back from the logs.

The index says where a text may match; the text itself decides wherever the search says more than words do.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from fnmatch import translate
from pathlib import Path
from typing import Any

from mcp_tui.history import lines, names
from mcp_tui.history.search.database import filter_word, row_of
from mcp_tui.history.search.extract import texts
from mcp_tui.history.search.files import JournalFile, blob_loader
from mcp_tui.history.search.gathering import NUMBER
from mcp_tui.history.search.hits import KINDS, HitKind, SearchHit
from mcp_tui.history.search.query import Filter, Query, Term
from mcp_tui.history.search.snippets import snippet
from mcp_tui.history.search.words import Matcher, fold, is_humped, parts_of, spaced, valid, without_short_end
from mcp_tui.safety.times import on_any_clock

MOST_READ = 20_000
"""Candidates whose text is read for one page of hits."""
_MOST_AS_WORDS = 200
"""Conversations that are asked for as words of the index."""
_WORDS_OF = {"tag": "conversation", "in": "conversation", "status": "outcome"}
"""Filters that are asked for by words of another name."""
_OPEN_FILES = 32
_ESCAPED = re.compile(r'[\s"\\]')
_ID_LENGTH = 26
_IDS = re.compile(r"[0-9a-hjkmnp-tv-z]{4,26}")


@dataclass(frozen=True, slots=True)
class Found:
    """Hits, and whether there are more."""

    hits: tuple[SearchHit, ...]
    more: bool


class Lookup:
    """One search on an open index."""

    def __init__(self, db: sqlite3.Connection, history_dir: Path, query: Query) -> None:
        self._db, self._directory, self._query = db, history_dir, query
        self.cancelled = False
        """Set from another thread to stop it."""
        self._wanted = [Matcher(term.text, prefix=term.prefix) for term in query.wanted]
        self._unwanted = [Matcher(term.text) for term in query.terms if term.negated]
        self._files: dict[str, JournalFile] = {}
        self._places: dict[tuple[int, int], tuple[str, str, str] | None] = {}
        self._literals = [
            fold(term.text).encode() for term, matcher in zip(query.wanted, self._wanted, strict=True)
            if matcher.exact and term.text.isascii() and not _ESCAPED.search(term.text)
        ]  # fmt: skip
        self._looks = any(matcher.exact for matcher in (*self._wanted, *self._unwanted))
        """Whether the texts of candidates decide."""

    def page(self, limit: int, offset: int) -> Found:
        """Hits from the ``offset``-th on, newest first.  Raises `sqlite3.Error`."""
        hits: list[SearchHit] = []
        skip, read = offset, 0
        try:
            for row in self._candidates():
                if self.cancelled:
                    break
                if skip and not self._looks:
                    skip -= 1
                    continue
                read += 1
                hit = self._hit(row)
                if hit is not None and skip:
                    skip -= 1
                elif hit is not None:
                    hits.append(hit)
                if len(hits) > limit or read >= MOST_READ:
                    break
        finally:
            for file in self._files.values():
                file.close()
            self._files.clear()
        return Found(tuple(hits[:limit]), len(hits) > limit or read >= MOST_READ)

    # -- candidates --------------------------------------------------------------------

    def _candidates(self) -> Iterator[tuple[Any, ...]]:
        conditions = ["d.conversation IS NOT NULL"]
        values: list[Any] = []
        expression = self._expression(conditions, values)
        if expression is None:
            return
        row = "d.id" if not expression else "w.rowid"
        if self._query.after is not None:
            conditions.append(f"{row} >= ?")
            values.append(row_of(self._query.after.timestamp()))
        if self._query.before is not None:
            conditions.append(f"{row} < ?")
            values.append(row_of(self._query.before.timestamp() + 60))
        source = "docs d"
        if expression:
            source = "words w CROSS JOIN docs d ON d.id = w.rowid"
            conditions.insert(0, "words MATCH ?")
            values.insert(0, expression)
        yield from self._db.execute(
            f"SELECT d.conversation, d.file, d.offset, d.length, d.seq, d.kind, d.tool FROM {source} "
            f"WHERE {' AND '.join(conditions)} ORDER BY {row} DESC",
            values,
        )

    def _expression(self, conditions: list[str], values: list[Any]) -> str | None:
        """The query in FTS5's language; empty where only dates are given, None where nothing can match."""
        must = [_term(term) for term in self._query.wanted]
        mustnt = [_term(term) for term in self._query.terms if term.negated and not Matcher(term.text).exact]
        for each in self._query.filters:
            words = self._filter_words(each)
            if each.field in ("tag", "in") and len(words) > _MOST_AS_WORDS:
                conditions.append(f"d.conversation {'NOT ' * each.negated}IN (SELECT value FROM json_each(?))")
                values.append(json.dumps(words))
                continue
            if not words and not each.negated:
                return None
            if words:
                (mustnt if each.negated else must).append(_any_of(_WORDS_OF.get(each.field, each.field), words))
        if not must and (mustnt or conditions[1:]):
            must = [_any_of("kind", range(len(KINDS)))]
        if not must:
            return "" if not mustnt else None
        return " AND ".join(must) + (f" NOT ({' OR '.join(mustnt)})" if mustnt else "")

    def _filter_words(self, each: Filter) -> list[int]:
        match each.field:
            case "kind":
                return [NUMBER[value] for value in each.values]
            case "tag" | "in":
                return self._conversations(each)
            case "status":
                return self._numbers("outcome", lambda name: name in each.values)
            case "model":
                patterns = [_pattern(value if _has_glob(value) else f"*{value}*") for value in each.values]
                return self._numbers("model", lambda name: any(_fits(p, name, "/") for p in patterns))
            case _:
                patterns = [_pattern(value) for value in each.values]
                return self._numbers(each.field, lambda name: any(_fits(p, name, ".") for p in patterns))

    def _numbers(self, field: str, fits: Any) -> list[int]:
        rows = self._db.execute("SELECT id, name FROM names WHERE field = ?", (field,))
        return [number for number, name in rows if fits(name)]

    def _conversations(self, each: Filter) -> list[int]:
        if each.field == "in" and all(len(value) == _ID_LENGTH and _IDS.fullmatch(value) for value in each.values):
            marks = ", ".join("?" * len(each.values))
            named = self._db.execute(f"SELECT id FROM conversations WHERE name IN ({marks})", each.values)
            return [number for (number,) in named]
        column = "tags" if each.field == "tag" else "title"
        rows = self._db.execute(f"SELECT id, name, {column} FROM conversations")
        if each.field == "tag":
            patterns = [_pattern(value) for value in each.values]
            return [n for n, _, tags in rows if tags and any(p.match(t) for p in patterns for t in fold(tags).split())]
        ids = tuple(value for value in each.values if _IDS.fullmatch(value))
        words = [fold(valid(value.strip())) for value in each.values if not _has_glob(value)]
        patterns = [_pattern(value) for value in each.values if _has_glob(value)]
        found = []
        for number, name, title in rows:
            folded = fold(title)
            if any(word in folded for word in words) or any(p.match(folded) for p in patterns) or name.startswith(ids):
                found.append(number)
        return found

    # -- hits --------------------------------------------------------------------------

    def _hit(self, row: tuple[Any, ...]) -> SearchHit | None:
        conversation_number, file_number, offset, length, seq, kind_number, tool = row
        names_of = self._names_of(conversation_number, file_number)
        if names_of is None:
            return None
        conversation, title, file = names_of
        raw = self._line(file, offset, length)
        value = lines.decode(raw) if raw and self._may_match(raw, KINDS[kind_number]) else None
        if value is None or value.get("seq") != seq:
            return None
        kind = KINDS[kind_number]
        text = next(
            (text for each, text in texts(value, blob_loader(self._directory, conversation)) if each == kind), ""
        )
        at = _time(value.get("at"))
        if not text or at is None or (self._query.before is not None and at >= self._query.before):
            return None
        text = valid(text)
        folded = fold(text)
        if any(matcher.exact and not matcher.found(folded) for matcher in self._wanted):
            return None
        if any(matcher.exact and matcher.found(folded) for matcher in self._unwanted):
            return None
        shown, marks = snippet(text, folded, self._wanted)
        event_id = value.get("id")
        return SearchHit(
            conversation_id=conversation,
            title=title,
            event_id=event_id if isinstance(event_id, str) else "",
            seq=seq,
            at=at,
            kind=kind,
            label=self._label(kind, value, tool),
            snippet=shown,
            marks=marks,
        )

    def _may_match(self, raw: bytes, kind: HitKind) -> bool:
        """Whether it is worth to decode a line: exact terms mostly stand in it as they are."""
        if not self._literals or kind == "call" or b"\\" in raw or b'"$blob"' in raw:
            return True
        if kind == "result" and b'"structured_content":null' not in raw:
            return True
        lowered = raw.lower()
        return all(literal in lowered for literal in self._literals)

    def _names_of(self, conversation: int, file: int) -> tuple[str, str, str] | None:
        key = (conversation, file)
        if key not in self._places:
            self._places[key] = self._db.execute(
                "SELECT c.name, c.title, f.name FROM conversations c, files f WHERE c.id = ? AND f.id = ?", key
            ).fetchone()
        return self._places[key]

    def _line(self, name: str, offset: int, length: int) -> bytes:
        """A line of a journal; empty where it is not there any more."""
        if names.parse_journal_name(name) is None:
            return b""
        try:
            if name not in self._files:
                if len(self._files) >= _OPEN_FILES:
                    self._files.pop(next(iter(self._files))).close()
                self._files[name] = JournalFile(self._directory, name)
            return self._files[name].line_at(offset, length)
        except OSError:
            return b""

    def _label(self, kind: str, value: dict[str, Any], tool: int | None) -> str:
        if kind in ("call", "result"):
            found = self._db.execute("SELECT name FROM names WHERE id = ?", (tool,)).fetchone()
            return str(found[0]) if found else ""
        if kind in ("assistant", "reasoning"):
            model = value.get("model")
            return model if isinstance(model, str) else ""
        return {"user": "you", "title": "title"}.get(kind, "")


def _term(term: Term) -> str:
    """A term in FTS5's language; what stands between the words was taken out by its own cutting into words."""
    text = valid(term.text)
    star = " *" if term.prefix else ""
    if term.prefix and (known := without_short_end(text)) != text:
        text, star = known, ""
    phrase = f'"{_quoted(spaced(text))}"{star}'
    if is_humped(text):
        return f'({{text parts}} : {phrase} OR parts : "{" ".join(parts_of(text))}"{star})'
    plain = text.isascii() and text.isalnum()
    return f"({{text parts}} : {phrase})" if plain else f"(text : {phrase})"


def _quoted(text: str) -> str:
    return text.replace('"', " ").replace("\0", " ")


def _any_of(field: str, numbers: Any) -> str:
    words = " OR ".join(f'"{filter_word(field, number)}"' for number in numbers)
    return f"(filters : ({words}))"


def _has_glob(value: str) -> bool:
    return any(char in value for char in "*?[")


def _pattern(value: str) -> re.Pattern[str]:
    return re.compile(translate(fold(valid(value.strip()))))


def _fits(pattern: re.Pattern[str], name: str, separator: str) -> bool:
    """Whether a name fits as a whole, or its part after the first ``separator``."""
    folded = fold(name)
    return bool(pattern.match(folded) or pattern.match(folded.partition(separator)[2]))


def _time(at: object) -> datetime | None:
    with suppress(ValueError):
        if isinstance(at, str):
            moment = datetime.fromisoformat(at)
            return on_any_clock(moment) if moment.tzinfo else None
    return None
