"""What always asks, whatever rules and grants say, and is never remembered.

``OwnFiles``       arguments that point into this program's configuration, data, log or trust files
``HeldSecrets``    arguments that hold a configured secret
``RepeatedCalls``  the same call for the third time in one turn
``CutAnswers``     calls of an answer that was cut at the model's limit of tokens

Calls of an answer that broke off are no matter of rules: they never get this far (`mcp_tui.engine.answer`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path, PurePosixPath
from typing import Any

from mcp_tui.config.globs import fold
from mcp_tui.events import tools, turns
from mcp_tui.events.base import EventBase
from mcp_tui.permissions.base import CallFacts, Verdict, arguments_digest
from mcp_tui.permissions.readings import decoded, paths, resolved, texts
from mcp_tui.safety.secrets import Redactor

MOST_TEXT = 1_000_000
"""Characters of one text beyond which a guard asks instead of looking: that would hold up the screen."""

_BRACES = re.compile(r"\{[^{}]*\}")

REPEATS = 3
"""The call of one turn, counted from the first, from which on the same call asks."""


class OwnFiles:
    """A `Rule` that asks when any text of the arguments may be a path to files of this program."""

    def __init__(self, *, folders: Iterable[Path], files: Iterable[Path], bases: Iterable[str] = ()) -> None:
        """``folders`` are guarded with all they hold; beside each of ``files`` also its copies (``NAME.bak``).

        ``bases`` are folders to which relative paths may count, beside this program's own.
        """
        self._folders = _forms(folders)
        self._files = _forms(files)
        self._all = tuple({fold(path) for path in (*self._folders, *self._files)})
        self._mention = re.compile("|".join(f"{re.escape(path)}(?![\\w-])" for path in self._all) or r"(?!)")
        self._patterns = tuple(PurePosixPath(path).parts for path in self._all)
        self._bases = tuple(dict.fromkeys([*bases, os.getcwd()]))  # noqa: PTH109 - compared as text

    def verdict(self, call: CallFacts) -> Verdict | None:
        """Ask when the call points at such a file, or below such a folder, or says too much to be looked through."""
        if any(len(text) > MOST_TEXT for text in texts(call.arguments)):
            return Verdict("ask", "its arguments are too long to be looked through", guard="own_files")
        odd_names = filter(_odd, call.arguments)
        if any(map(self._concerns, chain(texts(list(call.arguments.values())), odd_names))):
            words = "its arguments point into mcp-tui's own configuration, data or log files"
            return Verdict("ask", words, guard="own_files")
        return None

    def _concerns(self, text: str) -> bool:
        if any(self._mention.search(fold(form)) for form in decoded(text)):
            return True
        linked = self._inodes()
        return any(self._points_into(path, linked) for path in paths(text, self._bases))

    def _points_into(self, path: str, linked: Collection[tuple[int, int]]) -> bool:
        folded = fold(path)
        if any(folded == own or folded.startswith(f"{own}/") for own in map(fold, self._folders)):
            return True
        if any(_is_copy(folded, fold(own)) for own in self._files):
            return True
        if any(char in folded for char in "*?[{") and self._may_expand(folded):
            return True
        return bool(linked) and _inode(path) in linked

    def _may_expand(self, pattern: str) -> bool:
        """Whether a shell may make one of the guarded paths of a pattern."""
        parts = PurePosixPath(_BRACES.sub("*", pattern)).parts
        return any(
            len(parts) >= len(own)
            and all(len(part) < 256 and fnmatchcase(name, part) for name, part in zip(own, parts, strict=False))
            for own in self._patterns
        )

    def _inodes(self) -> set[tuple[int, int]]:
        """The guarded files that have a second name somewhere."""
        return {inode for path in self._files if (inode := _inode(path, linked=True)) is not None}


def _odd(name: str) -> bool:
    """Whether a name of an argument is none that a schema has, so that it may be meant as something else."""
    return not name.isidentifier()


def _forms(found: Iterable[Path]) -> tuple[str, ...]:
    """Each path as it is written, and as it is on the disk."""
    plain = [os.path.normpath(path.absolute()) for path in found]
    return tuple(dict.fromkeys(form for path in plain for form in (path, resolved(path))))


def _is_copy(path: str, own: str) -> bool:
    """Whether a path is a file, its backup or its half-written next version."""
    folder, _, name = path.rpartition("/")
    own_folder, _, own_name = own.rpartition("/")
    return folder == own_folder and name.lstrip(".").startswith(own_name)


def _inode(path: str, *, linked: bool = False) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - text that need not be a path
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino) if not linked or status.st_nlink > 1 else None


class HeldSecrets:
    """A `Rule` that asks when the arguments hold a configured secret, in whatever depth."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def verdict(self, call: CallFacts) -> Verdict | None:
        """Ask when a secret would leave with the call."""
        if any(self._redactor.mask(text) != text for text in _whole(call.arguments)):
            return Verdict("ask", "its arguments hold a secret of the configuration", guard="secret")
        return None


def _whole(arguments: dict[str, Any]) -> Iterator[str]:
    yield from texts(arguments)
    yield from (str(leaf) for leaf in arguments.values() if isinstance(leaf, (int, float)))


class RepeatedCalls:
    """A `Rule` that asks for the third and every later call of a turn that is the same as earlier ones.

    A fold of the conversation's log: it counts proposals, in the order in which the model made them; calls that the
    person runs again are none of them.
    """

    def __init__(self) -> None:
        self._turn: str | None = None
        self._counts: dict[tuple[str, str, str], int] = {}
        self._order: dict[str, int] = {}

    def apply(self, event: EventBase) -> None:
        """Fold one event."""
        if not isinstance(event, tools.ToolCallProposed) or not event.server or event.call_id in self._order:
            return
        if event.rerun_of is not None:
            return
        if event.turn_id != self._turn:
            self._turn = event.turn_id
            self._counts.clear()
            self._order.clear()
        key = (event.server, event.name, arguments_digest(event.arguments))
        self._counts[key] = self._order[event.call_id] = self._counts.get(key, 0) + 1

    def after(self, events: Iterable[EventBase]) -> RepeatedCalls:
        """What this will be when further events are recorded; this itself stays as it is."""
        later = RepeatedCalls()
        later._turn, later._counts, later._order = self._turn, dict(self._counts), dict(self._order)
        for event in events:
            later.apply(event)
        return later

    def verdict(self, call: CallFacts) -> Verdict | None:
        """Ask when the model repeats itself."""
        count = self._order.get(call.call_id, 0)
        if count < REPEATS:
            return None
        return Verdict("ask", f"the same call for the {_ordinal(count)} time in this turn", guard="repeated")


class CutAnswers:
    """A `Rule` that asks for the calls of an incomplete answer: the model had not finished saying what it wants.

    A fold of the conversation's log.
    """

    def __init__(self) -> None:
        self._calls: frozenset[str] = frozenset()

    def apply(self, event: EventBase) -> None:
        """Fold one event."""
        if isinstance(event, turns.AssistantMessage):
            self._calls = frozenset() if event.complete else frozenset(call.call_id for call in event.tool_calls)

    def verdict(self, call: CallFacts) -> Verdict | None:
        """Ask when the call stands in the latest answer, and that was cut."""
        if call.call_id not in self._calls:
            return None
        return Verdict("ask", "the answer that asks for it was cut at the model's limit", guard="incomplete")


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
