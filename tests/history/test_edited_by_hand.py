"""Files that an editor saved, and folders that nobody can look into."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_tui.errors import StoreFailed
from mcp_tui.events.base import new_id
from mcp_tui.history import lines, names
from mcp_tui.history.calls import recorded_calls
from mcp_tui.history.catalog import Catalog
from mcp_tui.history.fs import REAL, FileSystem
from mcp_tui.history.journal import Journal
from mcp_tui.history.jsonl import JsonlStore
from mcp_tui.history.list_cache import INDEX_NAME
from mcp_tui.history.reading import read_conversation
from mcp_tui.history.search.files import JournalFile
from tests.support.history_events import created, said

GOLDEN = Path(__file__).parent.parent / "golden"
MARK = b"\xef\xbb\xbf"

EDITORS: dict[str, Callable[[bytes], bytes]] = {
    "mark": lambda data: MARK + data,
    "returns": lambda data: data.replace(b"\n", b"\r\n"),
    "mark and returns": lambda data: MARK + data.replace(b"\n", b"\r\n"),
    "returns from the middle on": lambda data: data[:2000] + data[2000:].replace(b"\n", b"\r\n"),
    "blank lines": lambda data: b"\n" + data.replace(b"\n", b"\n \n"),
}


@pytest.mark.parametrize("saved", EDITORS.values(), ids=EDITORS)
@pytest.mark.parametrize("name", ["every_kind", "fork_and_rerun"])
async def test_what_an_editor_put_around_good_lines_hides_nothing(
    tmp_path: Path, name: str, saved: Callable[[bytes], bytes]
) -> None:
    as_it_was, edited = tmp_path / "as-it-was", tmp_path / "edited"
    data = (GOLDEN / f"{name}.jsonl").read_bytes()
    key = lines.decode(data.splitlines()[0])["conversation_id"]  # type: ignore[index]
    for folder, content in ((as_it_was, data), (edited, saved(data))):
        folder.mkdir()
        names.journal_path(folder, key).write_bytes(content)

    before, after = (read_conversation(folder, key, REAL) for folder in (as_it_was, edited))
    assert (after.events, after.set_aside) == (before.events, ())
    (listed,), (known,) = (Catalog(folder, REAL).list() for folder in (edited, as_it_was))
    assert replace(listed, size=0) == replace(known, size=0)
    assert recorded_calls(edited, REAL) == recorded_calls(as_it_was, REAL) != []
    assert [line for _, line in searched(edited, key)] == [line for _, line in searched(as_it_was, key)]
    assert (await JsonlStore(edited).check()).clean

    target = Journal(edited, key, REAL, lock_timeout=2.0)
    target.append([[said("one more")]])
    target.close()
    assert [event.seq for event in read_conversation(edited, key, REAL).events][-1] == before.events[-1].seq + 1
    assert (await JsonlStore(edited).check()).clean


def searched(folder: Path, key: str) -> list[tuple[int, bytes]]:
    """Lines that the index takes in; each is read back from where it stands."""
    path = names.journal_path(folder, key)
    with JournalFile(folder, path.name) as file:
        found = [line for block, _ in file.events(0, path.stat().st_size) for line in block]
        assert all(file.line_at(line.offset, len(line.raw.rstrip())) for line in found)
    return [(line.offset, line.raw) for line in found]


def test_a_mark_that_stands_elsewhere_is_damage(tmp_path: Path) -> None:
    data = (GOLDEN / "every_kind.jsonl").read_bytes()
    first, *_ = data.splitlines(keepends=True)
    key = new_id()
    names.journal_path(tmp_path, key).write_bytes(first + MARK + data.removeprefix(first))
    assert len(read_conversation(tmp_path, key, REAL).set_aside) == 1


class Closed(FileSystem):
    """One journal that may not be read."""

    def __init__(self, closed: Path) -> None:
        self.closed = closed

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        if path == self.closed:
            raise PermissionError(13, "Permission denied")
        return super().open(path, flags, mode)


async def test_a_file_that_may_not_be_read_is_listed_and_looked_at_again(tmp_path: Path) -> None:
    key, other = new_id(), new_id()
    for each in (key, other):
        target = Journal(tmp_path, each, REAL, lock_timeout=2.0)
        target.append([[created("A title")]])
        target.close()
    path = names.journal_path(tmp_path, key)
    closed = Catalog(tmp_path, Closed(path))
    for _ in range(2):
        found = {stored.id: stored for stored in closed.list()}
        assert (found[key].title, found[key].events, found[key].size) == ("", 0, path.stat().st_size)
        assert found[other].title == "A title"
    assert path.name not in (tmp_path / INDEX_NAME).read_text()
    assert {stored.title for stored in Catalog(tmp_path, REAL).list()} == {"A title"}
    with pytest.raises(StoreFailed, match="Permission denied"):
        await JsonlStore(tmp_path, fs=Closed(path)).read(key)


async def test_a_folder_that_cannot_be_looked_into_is_not_an_empty_history(tmp_path: Path) -> None:
    folder = tmp_path / "conversations"
    folder.write_text("a file in its place")
    store = JsonlStore(folder)
    for look in (store.list, store.trash, store.check):
        with pytest.raises(StoreFailed, match=r"conversations.* cannot be read: Not a directory"):
            await look()
    await store.aclose()
    shutil.rmtree(tmp_path)
    assert await JsonlStore(folder).list() == ()
