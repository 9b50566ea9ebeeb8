"""Bringing the index up to date with the files.

A file that only grew is read from where the last reading ended.  One that was replaced, as compaction and repair do,
is read again as a whole; what is still in it keeps its row and only learns its new place.  What cannot be read is left
out.  Each batch is one transaction, so that the index is right, if not complete, whenever the process dies.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mcp_tui.history.search import database
from mcp_tui.history.search.database import ROWS_PER_SECOND, row_of
from mcp_tui.history.search.files import FileState, JournalFile, blob_loader, scan
from mcp_tui.history.search.gathering import Conversation, Doc, Gathering, Numbers, stored_conversation

BATCH_CHARACTERS = 6 * 1024 * 1024
BATCH_DOCS = 20_000
LOOK_AGAIN_SECONDS = 3.0
"""How often it is looked for files that changed while others are being read."""
MOST_GONE = 0.25
"""Share of rows without a conversation from which on the index is made anew."""
_FEW = 500

OnProgress = Callable[[int, int], None]
"""Told how many bytes of how many are done."""
Statement = tuple[str, tuple[Any, ...]]


class Builder:
    """Works on one index; the caller holds its lock."""

    def __init__(self, connection: sqlite3.Connection, history_dir: Path, on_progress: OnProgress) -> None:
        self._db, self._directory, self._on_progress = connection, history_dir, on_progress
        self._numbers = Numbers(connection)
        self._batch: list[Doc] = []
        self._characters = 0
        self._before: list[Statement] = []
        self._after: list[Statement] = []
        """What is written together with the batch, before and after it."""

    def run(self) -> None:
        """Until the index is up to date.  Raises `OSError` and `sqlite3.Error`."""
        self._forget_vanished(scan(self._directory))
        self._renew_if_stale()
        while True:
            found = scan(self._directory)
            self._forget_vanished(found)
            stale = self._stale(found)
            total = sum(each.size for each in found.values())
            done = total - sum(each.size - read for each, read in stale.values())
            self._on_progress(done, total)
            if not stale:
                return
            until = time.monotonic() + LOOK_AGAIN_SECONDS
            files: dict[str, list[FileState]] = {}
            for each in found.values():
                files.setdefault(each.conversation, []).append(each)
            changed = {each.conversation for each, _ in stale.values()}
            for name in sorted(changed, key=lambda name: max(f.modified_ns for f in files[name]), reverse=True):
                self._read_conversation(name, files[name])
                done += sum(each.size - stale[each.name][1] for each in files[name] if each.name in stale)
                if self._full:
                    self._flush()
                    self._on_progress(done, total)
                    if time.monotonic() > until:
                        break
            self._flush()

    # -- what has to be read -----------------------------------------------------------

    def _stale(self, found: dict[str, FileState]) -> dict[str, tuple[FileState, int]]:
        """Files that are not as they were read, with how far they were read."""
        rows = self._db.execute("SELECT name, inode, size, modified_ns, read_to FROM files")
        known = {name: (inode, size, modified, read) for name, inode, size, modified, read in rows}
        stale = {}
        for name, each in found.items():
            inode, size, modified, read = known.get(name, (0, 0, 0, 0))
            if (inode, size, modified) != (each.inode, each.size, each.modified_ns):
                stale[name] = (each, min(read, each.size) if inode == each.inode else 0)
        return stale

    def _forget_vanished(self, found: dict[str, FileState]) -> None:
        """Take out what was deleted; a conversation that lost one of several files is read again."""
        rows = self._db.execute("SELECT f.name, f.conversation FROM files f").fetchall()
        vanished = {conversation for name, conversation in rows if name not in found}
        for conversation in vanished:
            self._forget(conversation)

    def _forget(self, conversation: int) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.execute("UPDATE docs SET conversation = NULL WHERE conversation = ?", (conversation,))
            self._db.execute("DELETE FROM files WHERE conversation = ?", (conversation,))
            self._db.execute("DELETE FROM conversations WHERE id = ?", (conversation,))
            self._db.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def _renew_if_stale(self) -> None:
        """Empty the index when much of it is about what is gone; it is filled again at once."""
        (gone,) = self._db.execute("SELECT count(*) FROM docs WHERE conversation IS NULL").fetchone()
        few = gone <= _FEW or gone <= MOST_GONE * self._db.execute("SELECT count(*) FROM docs").fetchone()[0]
        if not few:
            self._db.executescript(f"BEGIN IMMEDIATE; {database.EMPTYING} COMMIT;")
            self._numbers.forget()

    # -- reading -----------------------------------------------------------------------

    def _read_conversation(self, name: str, files: list[FileState]) -> None:
        """Read what is new of a conversation; a file that cannot be read is left out until it changes."""
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")
        gathering = Gathering(self._conversation(name), blob_loader(self._directory, name), self._numbers, self)
        opened: list[tuple[FileState, JournalFile]] = []
        try:
            for each in sorted(files, key=lambda each: each.segment):
                try:
                    opened.append((each, JournalFile(self._directory, each.name)))
                except OSError:
                    self._note(each, self._file_id(each, gathering.conversation.id), each.size, 0, finished=True)
            starts = [self._read_to(each, file) for each, file in opened]
            again = any(start is None for start in starts)
            if again:
                gathering.begin_again(self._rows_of(gathering.conversation.id))
            for (each, file), start in zip(opened, starts, strict=True):
                self._read_file(each, file, 0 if again else start or 0, gathering, again)
        finally:
            for _, file in opened:
                file.close()
        gathering.settle()

    def _read_file(self, each: FileState, file: JournalFile, start: int, gathering: Gathering, again: bool) -> None:
        file_id = self._file_id(each, gathering.conversation.id)
        end = start
        for block, end in file.events(start, each.size):
            for line in block:
                gathering.take(line, file_id)
            if self._full and not again and end < each.size:
                gathering.settle()
                self._note(each, file_id, end, file.tail(end), finished=False)
                self._flush()
        self._note(each, file_id, end, file.tail(end), finished=True)

    def _read_to(self, each: FileState, file: JournalFile) -> int | None:
        """Where reading goes on; None where the file is not the one that was read, grown."""
        row = self._db.execute("SELECT inode, read_to, tail FROM files WHERE name = ?", (each.name,)).fetchone()
        if row is None or row[1] == 0:
            return 0
        inode, read_to, tail = row
        same = inode == each.inode == file.inode() and read_to <= each.size and file.tail(read_to) == tail
        return int(read_to) if same else None

    def _note(self, each: FileState, file_id: int, read_to: int, tail: int, *, finished: bool) -> None:
        """Remember how far a file was read, with the batch."""
        place = (each.inode, each.size, each.modified_ns) if finished else (each.inode, read_to, -1)
        self.after(
            "UPDATE files SET inode = ?, size = ?, modified_ns = ?, read_to = ?, tail = ? WHERE id = ?",
            (*place, read_to, tail, file_id),
        )

    def _conversation(self, name: str) -> Conversation:
        row = self._db.execute("SELECT id, title, tags, state FROM conversations WHERE name = ?", (name,)).fetchone()
        if row is not None:
            return stored_conversation(row, name)
        added = self._db.execute("INSERT INTO conversations (name, title, tags, state) VALUES (?, '', '', '')", (name,))
        return Conversation(int(added.lastrowid or 0), name)

    def _rows_of(self, conversation: int) -> dict[tuple[int, int, int], int]:
        rows = self._db.execute("SELECT seq, kind, crc, id FROM docs WHERE conversation = ?", (conversation,))
        return {(seq, kind, crc): row for seq, kind, crc, row in rows}

    def _file_id(self, each: FileState, conversation: int) -> int:
        row = self._db.execute("SELECT id FROM files WHERE name = ?", (each.name,)).fetchone()
        if row is not None:
            return int(row[0])
        added = self._db.execute(
            "INSERT INTO files (name, conversation, inode, size, modified_ns, read_to, tail) "
            "VALUES (?, ?, 0, 0, 0, 0, 0)",
            (each.name, conversation),
        )
        return int(added.lastrowid or 0)

    # -- writing -----------------------------------------------------------------------

    @property
    def _full(self) -> bool:
        return self._characters > BATCH_CHARACTERS or len(self._batch) > BATCH_DOCS

    def add(self, doc: Doc) -> None:
        """Put a text into the next batch."""
        self._batch.append(doc)
        self._characters += len(doc.words[0]) + len(doc.words[1])

    def take_out(self, conversation: int, seq: int, kind: int) -> None:
        """Take a text of an event out of the index, or out of the batch."""
        key = (conversation, seq, kind)
        self._batch = [doc for doc in self._batch if (doc.conversation, doc.seq, doc.kind) != key]
        self._before.append(
            ("UPDATE docs SET conversation = NULL WHERE conversation = ? AND seq = ? AND kind = ?", key)
        )

    def after(self, statement: str, values: tuple[Any, ...]) -> None:
        """Write something together with the next batch."""
        self._after.append((statement, values))

    def _flush(self) -> None:
        if not self._db.in_transaction:
            return
        try:
            self._write()
            self._db.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        self._batch, self._characters, self._before, self._after = [], 0, [], []

    def _write(self) -> None:
        for statement, values in self._before:
            self._db.execute(statement, values)
        self._batch.sort(key=lambda doc: (int(doc.second), doc.conversation, doc.seq, doc.kind))
        last = -1
        rows = []
        for doc in self._batch:
            last = self._insert(doc, max(row_of(doc.second), last + 1))
            rows.append((last, *doc.words, doc.filters))
        self._db.executemany("INSERT INTO words (rowid, text, parts, filters) VALUES (?, ?, ?, ?)", rows)
        for statement, values in self._after:
            self._db.execute(statement, values)

    def _insert(self, doc: Doc, row: int) -> int:
        """The row that a text got: the first free one of its second, or of a later one."""
        values = (doc.conversation, doc.file, doc.offset, doc.length, doc.seq, doc.kind, doc.crc, doc.tool)
        while True:
            added = self._db.execute("INSERT OR IGNORE INTO docs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (row, *values))
            if added.rowcount:
                return row
            near = (row, row + 64 * ROWS_PER_SECOND)
            row = 1 + self._db.execute("SELECT max(id) FROM docs WHERE id >= ? AND id < ?", near).fetchone()[0]

    def _roll_back(self) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._numbers.forget()
