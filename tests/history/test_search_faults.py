"""The index is a cache: killed, deleted, damaged or without space, it harms no log and search says what is wrong."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from benchmarks.generate import generate
from mcp_tui.history import names
from mcp_tui.history.jsonl import JsonlStore
from mcp_tui.history.search import SearchIndex, index, process
from mcp_tui.history.search.building import Builder
from mcp_tui.history.search.database import IndexFiles, filter_word, open_reader
from mcp_tui.history.search.gathering import Doc
from mcp_tui.history.search.hits import KINDS
from tests.support.history_events import said

ROOT = Path(__file__).parents[2]
ROUNDS = int(os.environ.get("MCP_TUI_KILL_ROUNDS", "4"))
LIMIT = 60.0


class Place:
    """A history, a cache, and the indexer as a process."""

    def __init__(self, path: Path) -> None:
        self.history, self.cache = path / "conversations", path / "cache"
        self.files = IndexFiles(self.cache, self.history)
        self.search = SearchIndex(self.history, self.cache)

    def indexer(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "mcp_tui.history.search.indexer", str(self.history), str(self.cache)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=ROOT)

    def logs(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self.history.iterdir())}

    def found(self) -> set[tuple[int, int, int, int]]:
        """Every text of the index by what it is of; the words are checked by FTS5 itself."""
        with closing(open_reader(self.files.current())) as connection:
            connection.execute("PRAGMA query_only = 0")
            connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            rows = connection.execute(
                "SELECT c.name, d.seq, d.kind, d.offset FROM docs d JOIN conversations c ON c.id = d.conversation "
                "JOIN words w ON w.rowid = d.id WHERE words MATCH ?",
                [" OR ".join(f'"{filter_word("kind", number)}"' for number in range(len(KINDS)))],
            )
            return set(rows)

    def words(self, word: str) -> int:
        with closing(open_reader(self.files.current())) as connection:
            sql = "SELECT count(*) FROM words w JOIN docs d ON d.id = w.rowid AND d.conversation IS NOT NULL"
            return int(connection.execute(f"{sql} WHERE words MATCH ?", (word,)).fetchone()[0])


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    made = Place(tmp_path)
    yield made
    await made.search.aclose()


async def hits(place: Place, text: str) -> int:
    return len((await place.search.search(text, limit=1000)).hits)


def kill_after(indexer: subprocess.Popen[bytes], seconds: float) -> None:
    assert indexer.stdin is not None
    indexer.stdin.write(b"1\n")
    indexer.stdin.flush()
    time.sleep(seconds)
    indexer.kill()
    indexer.wait(LIMIT)
    indexer.stdin.close()


@pytest.mark.timeout(120 + 10 * ROUNDS)
async def test_random_kills_during_updates_lose_nothing(place: Place, tmp_path: Path) -> None:
    """MCP_TUI_KILL_ROUNDS rounds: the indexer is killed somewhere between its start and its end, the logs grow."""
    generate(place.history, 40)
    store = JsonlStore(place.history)
    keys = [names.parse_journal_name(path.name) for path in sorted(place.history.glob("*.jsonl"))]
    for number in range(ROUNDS):
        key = random.choice(keys)
        assert key is not None
        await store.append(key[0], [said(f"needle {number}")])
        before = place.logs()
        kill_after(place.indexer(), random.uniform(0.05, 1.2))
        assert place.logs() == before
    await store.aclose()
    await place.search.update()
    assert place.search.state.complete
    assert await hits(place, "kind:user needle") == ROUNDS
    after_kills = place.found()
    again = Place(tmp_path / "fresh")
    again.search = SearchIndex(place.history, again.cache)
    await again.search.update()
    again.files = IndexFiles(again.cache, place.history)
    assert again.found() == after_kills
    assert again.words("timeout") == place.words("timeout")
    await again.search.aclose()


async def test_every_moment_of_an_update_may_be_its_last(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A batch that is not written leaves no trace, whatever was done for it: the transaction is dropped."""
    generate(place.history, 3)
    place.files.folder.mkdir(parents=True)

    real, left = Builder._insert, [0]

    def broken(builder: Builder, doc: Doc, row: int) -> int:
        left[0] -= 1
        if not left[0]:
            raise OSError("injected")
        return real(builder, doc, row)

    monkeypatch.setattr(Builder, "_insert", broken)
    for fails_at in (1, 7, 100):
        left[0] = fails_at
        _, connection = place.files.open_writer()
        with closing(connection), pytest.raises(OSError, match="injected"):
            Builder(connection, place.history, lambda _done, _total: None).run()
        assert place.found() == set()
    monkeypatch.undo()
    await place.search.update()
    assert len(place.found()) == 3 * (1 + 9 * 6)


async def test_the_indexer_ends_with_the_app(place: Place) -> None:
    """kill -9 of the app in the middle of an update leaves no process."""
    generate(place.history, 300)
    code = (
        "import asyncio, sys\nfrom pathlib import Path\nfrom mcp_tui.history.search import SearchIndex\n"
        "async def main():\n"
        "    search = SearchIndex(Path(sys.argv[1]), Path(sys.argv[2]))\n"
        "    update = asyncio.create_task(search.update())\n"
        "    while not search.pid: await asyncio.sleep(0.01)\n"
        "    print(search.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())"
    )
    command = [sys.executable, "-c", code, str(place.history), str(place.cache)]
    app = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
    assert app.stdout is not None
    pid = int(app.stdout.readline())
    indexer = psutil.Process(pid)
    assert indexer.nice() >= 10 or indexer.create_time() > time.time() - 2
    app.send_signal(signal.SIGKILL)
    app.wait(LIMIT)
    app.stdout.close()
    psutil.wait_procs([indexer], timeout=LIMIT)
    assert not indexer.is_running()


async def test_the_indexer_ends_when_the_search_is_closed(place: Place) -> None:
    generate(place.history, 300)
    await place.search.search("needle")
    pid = place.search.pid
    assert pid is not None
    await place.search.aclose()
    assert not psutil.pid_exists(pid)
    assert (await place.search.search("needle")).hits == ()


async def test_a_killed_indexer_is_started_again(place: Place) -> None:
    generate(place.history, 3)
    await place.search.update()
    assert place.search.pid is not None
    os.kill(place.search.pid, signal.SIGKILL)
    await place.search.update()
    await place.search.update()
    assert place.search.state.problem == ""
    assert await hits(place, "kind:user") == 27


@pytest.mark.parametrize("what", ["database", "all of the folder", "the cache"])
async def test_case_017_an_index_deleted_while_it_is_open_is_made_anew(place: Place, what: str) -> None:
    generate(place.history, 5)
    before = place.logs()
    await place.search.update()
    assert await hits(place, "kind:user") == 45
    folder = place.files.folder
    if what == "database":
        place.files.current().unlink()
    else:
        for path in folder.iterdir():
            path.unlink()
        if what == "the cache":
            folder.rmdir()
            place.cache.rmdir()
    await place.search.update()
    assert place.search.state.complete
    assert await hits(place, "kind:user") == 45
    assert len(place.found()) == 5 * 55
    assert place.logs() == before


async def test_case_017_an_index_deleted_while_it_is_built_is_made_anew(place: Place) -> None:
    generate(place.history, 150)
    import asyncio

    update = asyncio.create_task(place.search.update())
    deadline = time.monotonic() + LIMIT
    while not list(place.files.folder.glob("*.sqlite3")) and time.monotonic() < deadline:
        await asyncio.sleep(0.002)
    for path in place.files.folder.iterdir():
        path.unlink()
    await asyncio.wait_for(update, LIMIT)
    assert place.search.state.problem == ""
    assert len(place.found()) == 150 * 55


def garbage(path: Path) -> None:
    path.write_bytes(os.urandom(20_000))


def other_version(path: Path) -> None:
    import sqlite3

    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
        connection.commit()


def no_table(path: Path) -> None:
    import sqlite3

    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE docs")
        connection.commit()


@pytest.mark.parametrize("spoil", [garbage, other_version, no_table, lambda path: path.write_bytes(b"")])
async def test_case_017_a_spoiled_index_is_made_anew(place: Place, spoil: Callable[[Path], object]) -> None:
    generate(place.history, 3)
    await place.search.update()
    await place.search.aclose()
    for path in place.files.folder.glob("*-[ws][ah][lm]"):
        path.unlink()
    spoil(place.files.current())
    place.search = SearchIndex(place.history, place.cache)
    await place.search.search("kind:user")  # whatever it finds, it does not raise
    await place.search.update()
    assert place.search.state.problem == ""
    assert await hits(place, "kind:user") == 27


async def test_without_space_search_answers_from_what_there_is_and_says_why(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate(place.history, 10)
    await place.search.update()
    complete = await hits(place, "kind:user")
    await place.search.aclose()
    before = place.logs()
    generate(place.history, 60)
    kept = place.logs()
    limit = place.files.current().stat().st_size + 100_000
    start = process._START
    full = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); {start}"
    monkeypatch.setattr(process, "_START", full)
    place.search = SearchIndex(place.history, place.cache)
    await place.search.update()
    assert "no space" in place.search.state.problem
    page = await place.search.search("kind:user", limit=1000)
    assert len(page.hits) >= complete - len(before.keys() - kept.keys()) * 9 > 0
    assert "no space" in page.state.problem
    assert place.logs() == kept
    await place.search.aclose()
    monkeypatch.setattr(process, "_START", start)
    place.search = SearchIndex(place.history, place.cache)
    await place.search.update()
    assert place.search.state.complete


@pytest.mark.parametrize("limit", [0, 1, 4096, 20_000, 40_000, 70_000, 150_000])
async def test_no_space_at_any_size_of_the_index(place: Place, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    generate(place.history, 20)
    before = place.logs()
    full = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); {process._START}"
    monkeypatch.setattr(process, "_START", full)
    await place.search.update()
    assert place.search.state.problem
    assert (await place.search.search("kind:user")).state.problem
    assert place.logs() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_cache_that_cannot_be_written_says_so(place: Place) -> None:
    generate(place.history, 2)
    place.cache.mkdir(mode=0o500)
    await place.search.update()
    assert "does not allow" in place.search.state.problem or "Permission" in place.search.state.problem


async def test_a_cache_directory_that_is_a_file_says_so(place: Place) -> None:
    generate(place.history, 2)
    place.cache.write_text("mine")
    await place.search.update()
    assert place.search.state.problem.startswith("The search index cannot be written")
    assert place.cache.read_text() == "mine"
    page = await place.search.search("x")
    assert page.state.problem


async def test_an_indexer_that_cannot_start_says_so(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process.sys, "executable", "/nonexistent/python")
    await place.search.update()
    assert "cannot be started" in place.search.state.problem


async def test_an_indexer_that_dies_at_once_says_so_and_nobody_waits(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_START", "raise SystemExit('broken')")
    await place.search.update()
    assert "broken" in place.search.state.problem


async def test_a_search_does_not_wait_for_a_long_update(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    generate(place.history, 20)
    await place.search.update()
    monkeypatch.setattr(index, "FRESH", 0.0)
    monkeypatch.setattr(process, "_START", "import time; time.sleep(60)")
    await place.search.aclose()
    place.search = SearchIndex(place.history, place.cache)
    page = await place.search.search("kind:user", limit=500)
    assert len(page.hits) == 180
    assert page.state.running
    assert not page.state.complete
