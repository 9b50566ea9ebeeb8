"""Search over real files, with the index built by its real process."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mcp_tui.errors import StoreFailed, UsageError
from mcp_tui.events.base import EventBase, new_id
from mcp_tui.events.content import EmbeddedResource, ImageContent, ResourceLink, TextContent
from mcp_tui.events.tools import ToolCallFinished, ToolDefinition, ToolsOffered
from mcp_tui.events.turns import (
    AssistantMessage,
    ConversationTagged,
    ConversationTitled,
    ModelSelected,
)
from mcp_tui.history import names
from mcp_tui.history.fs import REAL
from mcp_tui.history.journal import Journal
from mcp_tui.history.jsonl import JsonlStore
from mcp_tui.history.search import SearchHit, SearchIndex, index
from mcp_tui.history.search.database import IndexFiles
from mcp_tui.history.search.extract import BOUND
from tests.support.faultfs import FaultFS
from tests.support.history_events import answered, called, created, fragment, said

KEY = "sk-abcdefghijklmnopqrstuvwxyz0123"


class Place:
    """A data directory with a store and a search over it."""

    def __init__(self, path: Path) -> None:
        self.history, self.cache = path / "conversations", path / "cache"
        self.store = JsonlStore(self.history)
        self.search = SearchIndex(self.history, self.cache)

    async def add(self, *events: EventBase, key: str = "") -> str:
        key = key or new_id()
        await self.store.append(key, events)
        return key

    async def find(self, text: str) -> list[SearchHit]:
        await self.search.update()
        page = await self.search.search(text, limit=500)
        assert page.state.problem == ""
        return list(page.hits)

    async def snippets(self, text: str) -> list[str]:
        return [hit.snippet for hit in await self.find(text)]

    def database(self) -> sqlite3.Connection:
        return sqlite3.connect(IndexFiles(self.cache, self.history).current())

    def indexed_words(self) -> set[str]:
        connection = self.database()
        connection.execute("CREATE VIRTUAL TABLE temp.v USING fts5vocab(main, words, row)")
        words = {row[0] for row in connection.execute("SELECT term FROM temp.v")}
        connection.close()
        return words


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    made = Place(tmp_path)
    yield made
    await made.search.aclose()
    await made.store.aclose()


def result(call_id: str, **fields: object) -> ToolCallFinished:
    return ToolCallFinished.model_validate({"call_id": call_id, "outcome": "success", **fields})


async def test_everything_said_called_and_returned_is_found(place: Place) -> None:
    key = await place.add(
        created("Login timeouts"),
        ModelSelected(provider="p", model="anthropic/claude"),
        said("Which issues mention the proxy?"),
        AssistantMessage(
            message_id="a", hop=1, provider="p", model="anthropic/claude", text="I will search.", reasoning="They hunt."
        ),
        *called("c", {"query": "keep-alive", "page": 3}, text="three results", tool=("jira", "search")),
    )
    found = {text: await place.find(text) for text in ("timeouts", "mention", "search.", "hunt", "alive", "three")}
    assert {text: [hit.kind for hit in hits] for text, hits in found.items()} == {
        "timeouts": ["title"], "mention": ["user"], "search.": ["assistant"], "hunt": ["reasoning"], "alive": ["call"],
        "three": ["result"],
    }  # fmt: skip
    assert [hits[0].label for hits in found.values()] == [
        "title", "you", "anthropic/claude", "anthropic/claude", "jira.search", "jira.search",
    ]  # fmt: skip
    stored = {event.id: event for event in (await place.store.read(key)).events}
    for hits in found.values():
        (hit,) = hits
        event = stored[hit.event_id]
        assert (hit.conversation_id, hit.title, hit.seq, hit.at) == (key, "Login timeouts", event.seq, event.at)
        assert hit.marks
    assert found["alive"][0].snippet == "jira.search query=keep-alive page=3"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("snake_case", ["the snake_case name"]),
        ("src/main.py", ["in src/main.py line 3"]),
        ("main.py", ["in src/main.py line 3"]),
        ("#812", ["see #812 now"]),
        ("本語", ["日本語のテキスト"]),
        ("テキ", ["日本語のテキスト"]),
        ("검색", ["검색기능은 좋다"]),
        ("cafe", ["un café noir"]),
        ("getUserName", ["call getUserName()"]),
        ("user", ["call getUserName()"]),
        ("UserName", ["call getUserName()"]),
        ('"case name"', ["the snake_case name"]),
        ("xy", ["only xy here"]),
        ("C++", ["written in C++ mostly"]),
        ("tex", []),
    ],
)
async def test_code_and_scripts_without_blanks(place: Place, query: str, found: list[str]) -> None:
    texts = (
        "the snake_case name", "the snake case name is not it", "in src/main.py line 3", "see #812 now",
        "812 and #8123", "日本語のテキスト", "검색기능은 좋다", "un café noir", "call getUserName()", "only xy here",
        "xyz there", "written in C++ mostly", "written in C mostly",
    )  # fmt: skip
    await place.add(*(said(text) for text in texts))
    hits = await place.snippets(query)
    if query == '"case name"':
        hits = [hit for hit in hits if "_" in hit]
    assert hits == found


async def test_words_phrases_prefix_and_exclusion(place: Place) -> None:
    await place.add(said("alpha beta"), said("beta alpha gamma"), said("alphabet soup"))
    assert await place.snippets('"alpha beta"') == ["alpha beta"]
    assert await place.snippets("alph") == ["alphabet soup", "beta alpha gamma", "alpha beta"]
    assert await place.snippets("alph ") == []
    assert await place.snippets("alpha -gamma ") == ["alpha beta"]
    assert await place.snippets("gamma alpha") == ["beta alpha gamma"]
    assert await place.snippets("nothing") == []
    assert await place.snippets("") == []


@pytest.mark.parametrize(
    ("begun", "rest"),
    [("retry_", "count"), ("src/", "net"), ("src/net/p", "roxy.py"), ('"login ', "timeout"), ("#fix-", "it")],
)
async def test_what_is_found_is_found_while_it_is_typed(place: Place, begun: str, rest: str) -> None:
    """Behind a whole word each letter keeps the hit, however short the last word is so far."""
    wanted = await place.add(said("the retry_count, src/net/proxy.py: login timeout, #fix-it now"))
    await place.add(said("retry cow, src net/qa: login xylophone, the retrying, #fix-up"))
    for letters in range(1, len(rest) + 1):
        hits = await place.find(begun + rest[:letters])
        assert wanted in [hit.conversation_id for hit in hits], rest[:letters]
    (hit,) = hits
    first, behind = hit.marks[0]
    assert hit.snippet[first:behind] == (begun + rest).lstrip('"')
    assert await place.find(f"{begun}z") == []


async def test_a_page_says_what_had_to_occur(place: Place) -> None:
    page = await place.search.search('login "the proxy" -timeout tool:jira.* tim')
    assert page.words == ("login", "the proxy", "tim")


async def test_filters(place: Place) -> None:
    first = await place.add(
        created("Nightly failures"),
        ConversationTagged(tags=("work", "urgent")),
        ModelSelected(provider="p", model="openai/gpt-5"),
        said("needle one"),
        *called("c1", {"q": "needle"}, text="needle found", tool=("git", "log")),
        *called("c2", {"q": "needle"}, outcome="timeout", text="needle lost", tool=("time", "now")),
    )
    await place.add(
        created("Other"), ModelSelected(provider="p", model="anthropic/claude"), said("needle two"), answered("a", "x")
    )

    async def kinds(text: str) -> list[tuple[str, str]]:
        return sorted({(hit.kind, hit.label) for hit in await place.find(f"needle {text}")})

    assert await kinds("tool:time.*") == [("call", "time.now"), ("result", "time.now")]
    assert await kinds("tool:log kind:result") == [("result", "git.log")]
    assert await kinds("server:git,time kind:call") == [("call", "git.log"), ("call", "time.now")]
    assert await kinds("status:error") == [("call", "time.now"), ("result", "time.now")]
    assert await kinds("status:ok") == [("call", "git.log"), ("result", "git.log")]
    assert await kinds("-status:ok -kind:user") == [("call", "time.now"), ("result", "time.now")]
    assert [hit.conversation_id for hit in await place.find("needle kind:user model:gpt")] == [first]
    assert [hit.conversation_id for hit in await place.find("needle kind:user tag:work tag:urg*")] == [first]
    assert [hit.conversation_id for hit in await place.find("needle kind:user -tag:work")] != [first]
    assert [hit.conversation_id for hit in await place.find('needle kind:user in:"nightly fail"')] == [first]
    assert [hit.conversation_id for hit in await place.find(f"needle kind:user in:{first}")] == [first]
    assert await kinds("tool:none") == []
    assert await kinds("before:2020") == []
    assert await kinds("after:1d kind:user") == [("user", "you")]
    assert len(await place.find("after:1d kind:user")) == 2
    assert len(await place.find("in:nightly")) == 6
    assert await place.find("after:1d before:2020") == []
    with pytest.raises(UsageError):
        await place.search.search("kind:nothing")


async def test_many_conversations_in_a_filter(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Above a number of conversations they are a condition of their own instead of words."""
    monkeypatch.setattr("mcp_tui.history.search.lookup._MOST_AS_WORDS", 1)
    for title in ("same a", "same b", "another"):
        await place.add(created(title), said("needle"))
    assert {hit.title for hit in await place.find("needle in:same")} == {"same a", "same b"}
    assert {hit.title for hit in await place.find("needle -in:same")} == {"another"}
    assert {hit.title for hit in await place.find("in:same kind:title")} == {"same a", "same b"}


async def test_pages_newest_first(place: Place) -> None:
    await place.add(*(said(f"needle {number}") for number in range(30)))
    await place.search.update()
    pages = [await place.search.search("needle", limit=20, offset=offset) for offset in (0, 20, 40)]
    assert [(len(page.hits), page.more) for page in pages] == [(20, True), (10, False), (0, False)]
    numbers = [int(hit.snippet.split()[1]) for page in pages for hit in page.hits]
    assert numbers == list(reversed(range(30)))
    looked_at = await place.search.search("needle.1", limit=3, offset=0)
    assert looked_at.hits == ()


async def test_an_answer_that_is_whole_takes_the_place_of_its_fragments(place: Place) -> None:
    key = await place.add(fragment("m", "partial words"))
    assert await place.snippets("partial") == ["partial words"]
    await place.add(fragment("m", "more partial words"), answered("m", "the whole answer"), key=key)
    assert await place.snippets("partial") == []
    assert await place.snippets("whole") == ["the whole answer"]


async def test_a_title_and_tags_follow_their_changes(place: Place) -> None:
    key = await place.add(created("First title"), said("needle"))
    assert [hit.title for hit in await place.find("needle")] == ["First title"]
    await place.add(ConversationTitled(title="Second title"), ConversationTagged(tags=("new",)), key=key)
    assert await place.find("kind:title first") == []
    assert await place.snippets("kind:title second") == ["Second title"]
    assert [hit.title for hit in await place.find("needle tag:new")] == ["Second title"]


async def test_what_nobody_searches_is_not_indexed(place: Place) -> None:
    tool = ToolDefinition(wire_name="x", server="s", name="x", description="zdescription")
    blob = "QUJD" * 100
    await place.add(
        ToolsOffered(tools=(tool,)),
        *called("c", {})[:-1],
        result(
            "c",
            content=[
                ImageContent(data="zimagedata", mime_type="image/png"),
                EmbeddedResource(uri="file:///u", blob="zblobdata"),
                ResourceLink(uri="file:///l", name="linkname"),
                TextContent(text=f"before {blob} after"),
            ],
            model_text="zmodeltext",
            wire=[{"direction": "sent", "at": "2026-01-01T00:00:00Z", "message": {"z": "zwire"}}],
        ),
    )
    assert len(await place.find("linkname")) == 1
    words = place.indexed_words()
    assert not {word for word in words if word.startswith("z") or len(word) > 50}
    assert {"before", "after"} <= words


async def test_structured_content_is_found_once(place: Place) -> None:
    await place.add(
        *called("a", {})[:-1],
        result("a", content=[TextContent(text='{"city": "Aachen"}')], structured_content={"city": "Aachen"}),
        *called("b", {})[:-1],
        result("b", structured_content={"rows": [{"city": "Bochum", "n": 7}], "ok": True}),
    )
    assert await place.snippets("aachen") == ['{"city": "Aachen"}']
    assert await place.snippets("bochum") == ["rows city=Bochum n=7 ok=true"]


async def test_keys_of_flagged_results_are_neither_indexed_nor_shown(place: Place) -> None:
    await place.add(
        *called("a", {})[:-1],
        result("a", content=[TextContent(text=f"the credential is {KEY} here")], sensitive=True),
        *called("b", {})[:-1],
        result("b", structured_content={"password": "hunter2hunter2", "user": "credential"}, sensitive=True),
        *called("c", {})[:-1],
        result("c", content=[TextContent(text="x" * 90_000 + f" credential {KEY} " + "y" * 90_000)], sensitive=True),
    )
    snippets = await place.snippets("credential")
    assert len(snippets) == 3
    assert not any(KEY in text or "hunter2" in text for text in snippets)
    words = place.indexed_words()
    assert not {word for word in words if "abcdefgh" in word or "hunter2" in word}


async def test_a_file_of_twenty_thousand_lines_is_searched_to_its_end(place: Place) -> None:
    text = "\n".join(f"{number}: a line of a log" for number in range(20_000))
    await place.add(*called("a", {})[:-1], result("a", content=[TextContent(text=f"{text}\nneedle at the end")]))
    (hit,) = await place.find("needle")
    assert hit.snippet.endswith("needle at the end")


async def test_large_results_are_found_up_to_the_bound(place: Place) -> None:
    filler = "word " * (BOUND // 5 - 20)
    text = f"needlefirst {filler} needlelast {filler} needlebeyond"
    await place.add(*called("a", {})[:-1], result("a", content=[TextContent(text=text)]))
    assert list(place.history.glob("*.blobs/*"))
    for word, count in (("needlefirst", 1), ("needlelast", 1), ("needlebeyond", 0)):
        assert len(await place.find(word)) == count
    shutil.rmtree(next(iter(place.history.glob("*.blobs"))))
    (hit,) = await place.find("needlelast")
    assert (hit.kind, hit.marks) == ("result", ()), "where it was is still told; its text is lost"


async def test_a_compacted_file_is_read_again_and_loses_nothing(place: Place) -> None:
    key = await place.add(said("needle before"), *(fragment("m") for _ in range(5)))
    await place.add(answered("m", "needle answer"), said("needle after"), key=key)
    before = await place.find("needle")
    rows = count(place)
    assert await place.store.compact(key) == 5
    assert await place.find("needle") == before
    assert count(place) == rows, "what is still there keeps its row"
    await place.add(said("needle later"), key=key)
    assert await place.snippets("needle") == ["needle later", "needle after", "needle answer", "needle before"]


def count(place: Place) -> int:
    connection = place.database()
    try:
        return int(connection.execute("SELECT count(*) FROM docs").fetchone()[0])
    finally:
        connection.close()


async def test_a_file_edited_by_hand_is_read_again(place: Place) -> None:
    key = await place.add(said("needle one"), said("needle two"), said("three"))
    assert len(await place.find("needle")) == 2
    path = names.journal_path(place.history, key)
    first, second, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + b"damaged\n" + third)
    assert await place.snippets("needle") == ["needle one"]
    path.write_bytes(second + third + first)
    assert sorted(await place.snippets("needle")) == ["needle one", "needle two"]


async def test_a_conversation_in_the_trash_is_not_found_and_comes_back(place: Place) -> None:
    key = await place.add(said("needle"))
    other = await place.add(said("needle"))
    assert len(await place.find("needle")) == 2
    await place.store.delete(key)
    assert [hit.conversation_id for hit in await place.find("needle")] == [other]
    await place.store.restore(key)
    assert {hit.conversation_id for hit in await place.find("needle")} == {key, other}


async def test_a_discarded_index_keeps_no_word_of_what_is_gone(place: Place) -> None:
    key = await place.add(said("needle secretword"))
    await place.add(said("needle"))
    await place.find("needle")
    await place.store.delete(key)
    await place.store.empty_trash()
    await place.search.discard()
    assert len(await place.find("needle")) == 1
    assert "secretword" not in place.indexed_words()


async def test_an_index_that_is_mostly_about_what_is_gone_is_made_anew(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.add(said("needle stays"))
    gone = await place.add(*(said(f"needle {number}") for number in range(700)))
    assert len(await place.find("needle")) == 500
    names.journal_path(place.history, gone).unlink()
    assert await place.snippets("needle") == ["needle stays"]
    assert await place.snippets("needle") == ["needle stays"]
    assert count(place) == 1


async def test_segments_are_one_conversation(place: Place) -> None:
    key = new_id()
    fs = FaultFS(3, "fail", only=frozenset({"fsync"}))
    journal = Journal(place.history, key, fs, lock_timeout=2.0)
    REAL.mkdir(place.history)
    journal.append([called("c", {"q": "needle"}, tool=("fs", "read"))[:-1]])
    ended = [[result("c", content=[TextContent(text="needle answer")])]]
    with pytest.raises(StoreFailed):
        journal.append(ended)
    journal.append(ended)
    journal.close()
    assert names.journal_path(place.history, key, 2).exists()
    assert [(hit.kind, hit.label) for hit in await place.find("needle")] == [("result", "fs.read"), ("call", "fs.read")]


async def test_two_windows_share_one_index(place: Place) -> None:
    other = SearchIndex(place.history, place.cache)
    try:
        for number in range(20):
            await place.add(said(f"needle {number}"))
        await asyncio.gather(place.search.update(), other.update())
        assert (place.search.state.complete, other.state.complete) == (True, True)
        assert len(list((place.cache / "search").glob("*.sqlite3"))) == 1
        await place.add(said("needle late"))
        await other.update()
        mine, theirs = await place.search.search("needle"), await other.search("needle")
        assert len(mine.hits) == len(theirs.hits) == 21
        assert count(place) == 21
    finally:
        await other.aclose()


async def test_a_search_takes_in_what_just_changed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "FRESH", 0.0)
    monkeypatch.setattr(index, "QUICK", 30.0)
    key = await place.add(said("needle one"))
    assert len((await place.search.search("needle")).hits) == 1
    await place.add(said("needle two"), key=key)
    assert len((await place.search.search("needle")).hits) == 2


async def test_a_cancelled_search_stops(place: Place) -> None:
    await place.add(*(said(f"a b {number}") for number in range(400)))
    await place.search.update()
    slow = asyncio.create_task(place.search.search("a_b"))
    await asyncio.sleep(0)
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow
    page = await asyncio.wait_for(place.search.search('"a b" 7'), 30)
    assert len(page.hits) == 1


async def test_hostile_text_is_harmless_in_a_snippet_and_its_marks_stay(place: Place) -> None:
    await place.add(said("\x1b[31mred\u202e \n\n needle\x07 \U000e0041 end [bold]needle[/]"))
    (hit,) = await place.find("needle")
    assert not {"\x1b", "\u202e", "\n", "\x07"} & set(hit.snippet)
    assert [hit.snippet[first:last] for first, last in hit.marks] == ["needle", "needle"]


async def test_half_surrogates_and_nul_are_no_problem(place: Place) -> None:
    await place.add(said("needle \ud83d half"), said("nul \x00 needle"))
    assert len(await place.find("needle")) == 2
    assert await place.find("needle \ud83dx") == []


async def test_files_of_the_index_are_for_this_user_only(place: Place) -> None:
    old = os.umask(0o022)
    try:
        await place.add(said("needle"))
        await place.find("needle")
    finally:
        os.umask(old)
    assert (place.cache / "search").stat().st_mode & 0o777 == 0o700
    found = list((place.cache / "search").iterdir())
    assert found
    assert {path.stat().st_mode & 0o777 for path in found} == {0o600}


async def test_an_empty_history(place: Place) -> None:
    assert await place.find("needle") == []
    assert place.search.state.complete
