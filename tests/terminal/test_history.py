"""The history in the whole program, in a real terminal: found, read at the very place, named, deleted, restored."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.events.base import EventBase, new_id
from mcp_tui.history.catalog import list_conversations
from mcp_tui.history.fs import REAL
from mcp_tui.history.jsonl import JsonlStore
from tests.support.history_events import answered, called, created, said
from tests.support.program import EACH_SIZE, SMALL, Program
from tests.support.providers import FakeProvider
from tests.terminal import steps

pytestmark = pytest.mark.terminal

SIZED = pytest.mark.parametrize("size", EACH_SIZE, ids=lambda size: f"{size[0]}x{size[1]}")


def store(program: Program, *talks: list[EventBase]) -> list[str]:
    """Conversations on the disk, each a day older than the one before; their ids."""

    async def write() -> list[str]:
        history = JsonlStore(program.data_dir / "conversations")
        ids = []
        for days, talk in enumerate(talks):
            key = new_id()
            at = datetime.now(UTC) - timedelta(days=days, hours=1)
            await history.append(key, [event.model_copy(update={"at": at}) for event in talk])
            ids.append(key)
        await history.aclose()
        return ids

    return asyncio.run(write())


def listed(program: Program) -> tuple[ConversationSummary, ...]:
    return list_conversations(program.data_dir / "conversations", REAL)


@SIZED
def test_search_read_rename_tag_delete_restore(program: Program, provider: FakeProvider, size: tuple[int, int]) -> None:
    program.configure(provider.openai_base)
    filler = [said(f"question {number}") for number in range(30)]
    call = called("c1", {"q": "walrus"}, text="a walrus, and another walrus", tool=("sea", "look"))
    keys = store(
        program,
        [created("timeouts of the proxy"), said("why does it stop?"), answered("m1", "It is the proxy.")],
        [created("animals"), said("find the walrus for me"), *call, answered("m2", "There are two."), *filler],
        [created("nothing of note"), said("hello")],
    )
    with program.app("history", size=size) as terminal:
        terminal.wait_for("3 conversations")
        assert terminal.text.index("timeouts of the proxy") < terminal.text.index("animals")

        terminal.type("/walrus")
        terminal.wait_for("3 hits in animals")
        terminal.wait_for("1 of 3 conversations")
        terminal.press("enter")
        terminal.settle(quiet=0.2, seconds=2)
        terminal.type("n")
        terminal.wait_for("2 of 3")
        terminal.press("enter")
        terminal.wait_for("hit 2 of 3")
        terminal.wait_for("sea.look")
        assert not terminal.shows("question 29"), "it opens at the hit, not at the end"
        terminal.press("esc")
        terminal.wait_for("3 hits in animals")
        terminal.press("esc")
        terminal.wait_for(re.compile(r"history  3 conversations"))

        terminal.type("r")
        terminal.wait_for("Enter takes it")
        terminal.press("ctrl+u")
        terminal.type("sea animals")
        terminal.press("enter")
        terminal.wait_gone("Enter takes it")
        terminal.wait_for("sea animals")
        terminal.type("t")
        terminal.wait_for("tags of")
        terminal.type("zoo later")
        terminal.press("enter")
        terminal.wait_for("#zoo #later")

        terminal.press("delete")
        terminal.wait_for("Move “sea animals” to the trash?")
        terminal.settle(quiet=0.5, seconds=3)
        terminal.type("d")
        terminal.wait_for(re.compile(r"history  2 conversations"))
        terminal.type("T")
        terminal.wait_for(re.compile(r"trash  1 conversation\b"))
        terminal.press("enter")
        terminal.wait_for("The trash is empty.")
        terminal.press("esc")
        terminal.wait_for(re.compile(r"history  3 conversations"))
        terminal.wait_for("sea animals")

        terminal.press("esc")
        terminal.wait_gone(re.compile(r"history  3 conversations"))
        steps.quit_idle(terminal)
    summary = next(each for each in listed(program) if each.id == keys[1])
    assert (summary.title, summary.tags, summary.messages) == ("sea animals", ("zoo", "later"), 32)
    assert sorted(each.id for each in listed(program)) == sorted(keys)


def test_what_another_process_writes_comes_into_the_list(program: Program, provider: FakeProvider) -> None:
    program.configure(provider.openai_base)
    with program.app("history", size=SMALL) as terminal:
        terminal.wait_for("There are no conversations yet.")
        store(program, [created("written elsewhere"), said("x")])
        terminal.wait_for("written elsewhere")
        terminal.wait_for("1 conversation")
        terminal.press("f4")
        steps.quit_idle(terminal)


BROKEN = "llm:\n  active: nobody\n  provders: {}\n"


def test_without_a_configuration_everything_but_going_on_works(program: Program, tmp_path: Path) -> None:
    """All that needs no model and no server; ``c`` says what is wrong with the configuration."""
    program.config_file.write_text(BROKEN, encoding="utf-8")
    kept = store(program, [created("the walrus"), said("find the walrus")], [created("the other"), said("hello")])
    target = tmp_path / "out.md"
    with program.app("history", size=SMALL) as terminal:
        terminal.wait_for("2 conversations")
        terminal.wait_for("browsing only: ")
        terminal.type("c")
        terminal.wait_for("This conversation cannot be continued yet")
        terminal.wait_for("config.yaml:3:3: llm.provders: is not a known field")
        terminal.wait_for("Did you mean `providers`?")
        terminal.press("esc")
        terminal.wait_for("2 conversations")

        terminal.type("p")
        terminal.wait_for("find the walrus")
        terminal.settle(quiet=0.2, seconds=2)
        terminal.press("esc")
        terminal.wait_for("2 conversations")
        terminal.type("r")
        terminal.wait_for("Enter takes it")
        terminal.press("ctrl+u")
        terminal.type("a sea animal")
        terminal.press("enter")
        terminal.wait_for("a sea animal")
        terminal.type("t")
        terminal.wait_for("tags of")
        terminal.type("zoo")
        terminal.press("enter")
        terminal.wait_for("#zoo")
        terminal.type("x")
        terminal.wait_for("for reading, tool calls folded")
        terminal.press("enter")
        terminal.wait_for("Enter writes")
        terminal.press("ctrl+u")
        terminal.type(str(target))
        terminal.press("enter")
        terminal.wait_for("Written to")
        terminal.type("f")
        terminal.wait_for("3 conversations")
        terminal.wait_for("It is in the list")
        terminal.press("delete")
        terminal.wait_for("to the trash?")
        terminal.settle(quiet=0.5, seconds=3)
        terminal.type("d")
        terminal.wait_for(re.compile(r"history  2 conversations"))
        terminal.type("T")
        terminal.wait_for(re.compile(r"trash  1 conversation\b"))
        terminal.press("enter")
        terminal.wait_for("The trash is empty.")
        terminal.press("esc")
        terminal.wait_for("3 conversations")
        terminal.type("/walrus")
        terminal.wait_for(re.compile(r"\d hits? in "))
        terminal.press("ctrl+q")
        steps.ended_well(terminal)
    found = {each.id: each for each in listed(program)}
    assert (found[kept[0]].title, found[kept[0]].tags) == ("a sea animal", ("zoo",))
    assert len(found) == 3
    assert "find the walrus" in target.read_text()


def test_a_configuration_that_was_mended_meanwhile_counts(program: Program, provider: FakeProvider) -> None:
    """The chat's own start says what is wrong and leads to the history; ``c`` there looks at the files again."""
    program.config_file.write_text(BROKEN, encoding="utf-8")
    store(program, [created("the walrus"), said("find the walrus")])
    with program.app(size=SMALL) as terminal:
        terminal.wait_for("mcp-tui could not start")
        terminal.press("f4")
        terminal.wait_for("1 conversation")
        terminal.type("c")
        terminal.wait_for("This conversation cannot be continued yet")
        terminal.press("esc")
        terminal.wait_for("1 conversation")
        program.configure(provider.openai_base)
        terminal.type("c")
        terminal.wait_for("openai/scripted")
        terminal.wait_for("find the walrus")

        steps.quit_idle(terminal)


def test_who_only_browses_leaves_without_hearing_of_the_chat(program: Program) -> None:
    store(program, [created("the walrus"), said("find the walrus")])
    with program.app("history", size=SMALL) as terminal:
        terminal.wait_for("browsing only: ")
        terminal.wait_for("Esc quit")
        terminal.press("esc")
        steps.ended_well(terminal)
        assert "could not start" not in terminal.text


def test_a_replay_is_not_forked_where_nobody_could_go_on_in_it(program: Program) -> None:
    program.config_file.write_text(BROKEN, encoding="utf-8")
    (key,) = store(program, [created("the walrus"), said("find the walrus")])
    with program.app("replay", key, "--speed", "once", size=SMALL) as terminal:
        terminal.wait_for("find the walrus")
        terminal.settle(quiet=0.2, seconds=2)
        terminal.type("f")
        terminal.wait_for("llm.provders: is not a known field")
        terminal.press("f4")
        terminal.wait_for("1 conversation")
        terminal.press("esc")
        terminal.wait_for("could not start")
        terminal.type("q")
        steps.ended_well(terminal, 2)
    assert [each.id for each in listed(program)] == [key]


def test_a_demo_conversation_goes_on_in_the_demo_where_there_is_no_configuration(program: Program) -> None:
    start = created("a look around").model_copy(update={"demo": True})
    store(program, [start, said("what can you do?"), answered("m1", "Little.")], [created("other"), said("hello")])
    with program.app("history", size=SMALL) as terminal:
        terminal.wait_for("browsing only: ")
        terminal.press("down")
        terminal.type("c")
        terminal.wait_for("This conversation cannot be continued yet")
        terminal.press("esc")
        terminal.wait_for("2 conversations")
        terminal.press("up")
        terminal.type("c")
        terminal.wait_for("offline demo")
        terminal.wait_for("what can you do?")
        terminal.wait_for("4/4")
        steps.quit_idle(terminal)
