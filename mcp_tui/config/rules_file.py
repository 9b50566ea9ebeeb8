"""``permissions.yaml``: read as a whole or not at all, written so that comments stay and nobody's change is lost.

A file that cannot be used is kept as it is and counts as empty: everything is asked then.
"""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp_tui.config.private_files import make_private_dirs, replace_file
from mcp_tui.config.problems import InvalidConfiguration, Problem
from mcp_tui.config.rule_checks import check_entry
from mcp_tui.config.rule_edit import HEADER, added, entry_lines, removed, replaced
from mcp_tui.config.rule_models import VERSION, RuleEntry, RulesModel, same_entry
from mcp_tui.config.sections import section
from mcp_tui.config.source import Document, Unreadable, read_text
from mcp_tui.config.validate import validate
from mcp_tui.config.yaml_source import parse_yaml
from mcp_tui.errors import UsageError

FIELDS = ("version", "rules")


def parse_rules(file: Path, text: str) -> tuple[tuple[RuleEntry, ...], list[Problem]]:
    """The entries of a text, and everything that is wrong with it; without a problem, the entries are all of it."""
    try:
        document = parse_yaml(file, text)
    except Unreadable as error:
        return (), [error.problem]
    if not isinstance(document.data, dict):
        message = "is empty" if document.data is None else "has the wrong kind of value"
        return (), [Problem(file, message, 1, 1, expected=f"a mapping with {' and '.join(FIELDS)}")]
    version = document.data.get("version")
    if isinstance(version, int) and version > VERSION:
        hint = "Upgrade mcp-tui, or write the rules anew."
        newer = document.problem(("version",), "was written by a newer release of mcp-tui", hint=hint)
        return (), [newer]
    model, problems = validate(document, document.data, RulesModel)
    problems = [*document.problems, *problems, *_faults(document)]
    return tuple(model.rules) if model is not None else (), _in_order(problems)


def _faults(document: Document) -> Iterator[Problem]:
    """What is wrong with entries that are of the right form, also while others are not."""
    first: dict[str, int] = {}
    rules = document.data.get("rules")
    for index in range(len(rules) if isinstance(rules, list) else 0):
        entry = section(document, ("rules", index), RuleEntry)
        if entry is None:
            continue
        for fault in check_entry(entry):
            path = ("rules", index, *fault.path)
            at = document.values.get(path) or document.mark(path)
            yield document.problem(path, fault.message, expected=fault.expected, hint=fault.hint, at=at)
        if entry.id in first:
            mark = document.mark(("rules", first[entry.id]))
            words = f'"{entry.id}" is the id of another rule too' + (f", in line {mark.line}" if mark else "")
            yield document.problem(("rules", index, "id"), words, hint="Give each rule an id of its own.")
        first.setdefault(entry.id, index)


def _in_order(problems: list[Problem]) -> list[Problem]:
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.line or 0, problem.column or 0))


def check_new(entry: RuleEntry) -> None:
    """Raise `UsageError` for an entry that the file would not be loaded with."""
    for fault in check_entry(entry):
        field_name = ".".join(str(part) for part in fault.path)
        wanted = f"; expected {fault.expected}" if fault.expected else ""
        raise UsageError(f"The rule cannot be used: {field_name} {fault.message}{wanted}.", hint=fault.hint)


def new_entry(data: dict[str, Any]) -> RuleEntry:
    """An entry of plain data.  Raises `UsageError` with the first thing that is wrong with it."""
    document = Document(Path("rule"), "", data)
    entry, problems = validate(document, data, RuleEntry)
    if entry is None:
        problem = problems[0]
        wanted = f"; expected {problem.expected}" if problem.expected else ""
        raise UsageError(f"The rule cannot be used: {problem.field} {problem.message}{wanted}.", hint=problem.hint)
    check_new(entry)
    return entry


@dataclass(slots=True)
class RulesFile:
    """The file of one run.  ``entries`` change when it is loaded, or changed through this object; never by themselves.

    ``path`` is ``None`` where rules live in memory only.
    """

    path: Path | None = None
    entries: tuple[RuleEntry, ...] = ()
    problems: tuple[Problem, ...] = ()
    """Why the file was set aside; ``entries`` is empty then."""
    _read: bytes | None = None
    """The file as it was read or written last; ``None``: it was not there."""
    _seen: tuple[int, int, int] | None = field(default=None, repr=False)

    @classmethod
    def load(cls, path: Path | None) -> RulesFile:
        """Read the file; a missing one has no rules."""
        rules = cls(path)
        rules.reload()
        return rules

    @classmethod
    def load_valid(cls, path: Path, *, required: bool) -> RulesFile:
        """Read the file.  Raises `InvalidConfiguration` when it cannot be used (or is ``required`` and missing)."""
        rules = cls.load(path)
        problems = list(rules.problems)
        if required and not os.path.lexists(path):
            problems.append(Problem(path, f"does not exist ({path})"))
        if problems:
            raise InvalidConfiguration(problems)
        return rules

    def reload(self) -> None:
        """Take what is on disk."""
        if self.path is None:
            return
        self._seen, self._read = self._signature(), self._bytes()
        self.entries, self.problems = (), ()
        if not os.path.lexists(self.path):
            return
        try:
            text = read_text(self.path)
        except Unreadable as error:
            self.problems = (error.problem,)
            return
        entries, problems = parse_rules(self.path, text)
        problems = [*_unsafe(self.path), *problems]
        self.problems = tuple(problems)
        self.entries = entries if not problems else ()

    @property
    def stale(self) -> bool:
        """Whether somebody else has changed the file since it was read."""
        if self.path is None or self._signature() == self._seen:
            return False
        if self._bytes() != self._read:
            return True
        self._seen = self._signature()
        return False

    def text(self, entry: RuleEntry) -> str:
        """The lines that stand in the file for this entry, as they are written by `add`."""
        return "\n".join(entry_lines(entry, self._text())) + "\n"

    def readable(self, entry: RuleEntry) -> bool:
        """Whether the entry, once written, is read back the same."""
        found, problems = parse_rules(Path("rule"), added(HEADER, entry))
        return not problems and len(found) == 1 and same_entry(found[0], entry)

    # -- changing --------------------------------------------------------------------------

    def add(self, entry: RuleEntry) -> None:
        """Write a rule at the end of the file; it counts from now on.

        Raises `UsageError`, and nothing changed, when the entry is no rule, its id is taken, the file was changed by
        somebody else, cannot be used, or cannot be written.
        """
        check_new(entry)
        if any(known.id == entry.id for known in self.entries):
            raise UsageError(f"There is a rule {entry.id} already.", hint="Choose another id.")
        self._save((*self.entries, entry), lambda text: added(text, entry))

    def replace(self, entry_id: str, entry: RuleEntry) -> None:
        """Write a rule in the place of another; raises as `add` does, and when there is none of that id."""
        check_new(entry)
        index = self._index(entry_id)
        if entry.id != entry_id and any(known.id == entry.id for known in self.entries):
            raise UsageError(f"There is a rule {entry.id} already.", hint="Choose another id.")
        entries = (*self.entries[:index], entry, *self.entries[index + 1 :])
        self._save(entries, lambda text: replaced(text, index, entry))

    def remove(self, entry_id: str) -> None:
        """Take a rule out of the file; raises as `replace` does."""
        index = self._index(entry_id)
        self._save((*self.entries[:index], *self.entries[index + 1 :]), lambda text: removed(text, index))

    def _index(self, entry_id: str) -> int:
        for index, entry in enumerate(self.entries):
            if entry.id == entry_id:
                return index
        known = ", ".join(entry.id for entry in self.entries) or "none"
        raise UsageError(f"There is no rule {entry_id}.", hint=f"Rules: {known}.")

    def _save(self, entries: tuple[RuleEntry, ...], change: Callable[[str], str]) -> None:
        if self.path is None:
            self.entries = entries
            return
        name = self.path.name
        if self.problems:
            raise UsageError(f"{name} has problems and is left as it is.", hint="`mcp-tui check` names them.")
        if self.stale:
            raise UsageError(f"{name} was changed by somebody else since it was read.", hint="Read it anew first.")
        text = change(self._text())
        found, problems = parse_rules(self.path, text)
        if problems or len(found) != len(entries) or not all(map(same_entry, found, entries)):
            raise UsageError(f"The rule cannot be written into {name} so that it is read back the same.",
                             hint=str(problems[0]) if problems else "Edit the file by hand.")  # fmt: skip
        try:
            make_private_dirs(self.path.parent)
            replace_file(self.path, text)
        except OSError as error:
            raise UsageError(f"{name} cannot be written: {error.strerror}.") from None
        self.entries = found
        self._seen, self._read = self._signature(), text.encode()

    def _text(self) -> str:
        return self._read.decode("utf-8-sig", "replace") if self._read else HEADER

    def _signature(self) -> tuple[int, int, int] | None:
        try:
            status = self.path.stat() if self.path is not None else None
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_size, status.st_ino) if status else None

    def _bytes(self) -> bytes | None:
        try:
            return read_text(self.path).encode() if self.path is not None else None
        except Unreadable:
            return None


def _unsafe(path: Path) -> list[Problem]:
    """A file into which somebody else can write rules has none of this person's."""
    try:
        status = path.stat()
    except OSError as error:
        return [Problem(path, f"cannot be read: {error.strerror}")]
    if status.st_uid not in (0, os.getuid()):
        return [Problem(path, "belongs to another user of this machine")]
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        hint = f"Run: chmod 600 {shlex.quote(str(path))}"
        return [Problem(path, "can be written by other users of this machine", hint=hint)]
    return []
