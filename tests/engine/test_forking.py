"""A fork is the recorded part of a conversation as a conversation of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_tui.conversation.calls import CallHistory
from mcp_tui.conversation.context import ModelContext
from mcp_tui.conversation.items import AssistantItem, NoticeItem, ToolCallItem, UserItem
from mcp_tui.engine.forking import fork
from mcp_tui.engine.recovery import closing_events
from mcp_tui.errors import UsageError
from mcp_tui.events import tools, turns
from mcp_tui.events.base import EventBase
from mcp_tui.events.codec import from_object
from mcp_tui.history import lines
from tests.support.laws import facts, folded

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.jsonl"))


def numbered(events: list[EventBase]) -> list[EventBase]:
    """As a store gives them back."""
    return [event.model_copy(update={"seq": number}) for number, event in enumerate(events, 1)]


def forked(events, event_id=None, *, before=False):
    return numbered(fork(events, event_id, before=before, app_version="9"))


def golden(path: Path) -> list[EventBase]:
    rows = [lines.decode(line) for line in path.read_bytes().splitlines()]
    return [from_object(row) for row in rows if row is not None]


def conversation() -> list[EventBase]:
    """Two turns; in the second one a call was allowed for the conversation."""
    answer = {"hop": 1, "provider": "p", "model": "m"}
    return numbered(
        [
            turns.ConversationCreated(app_version="1", id="e-created"),
            turns.ModelSelected(provider="p", model="m"),
            turns.ConversationTitled(title="first", id="e-title"),
            turns.TurnStarted(turn_id="t1", request_id="r1"),
            turns.UserMessage(turn_id="t1", message_id="u1", text="first", id="e-u1"),
            turns.ModelRequestStarted(
                turn_id="t1", message_id="a1", hop=1, provider="p", model="m", messages=1, prompt_tokens=1,
                tools_tokens=0,
            ),
            turns.MessageFragment(turn_id="t1", message_id="a1", text="one ", id="e-f1"),
            turns.AssistantMessage(turn_id="t1", message_id="a1", text="one two", id="e-a1", **answer),
            turns.TurnFinished(turn_id="t1", outcome="stop", id="e-end1"),
            turns.ModelSelected(provider="q", model="n"),
            turns.TurnStarted(turn_id="t2", request_id="r2"),
            turns.UserMessage(turn_id="t2", message_id="u2", text="second", id="e-u2"),
            turns.AssistantMessage(turn_id="t2", message_id="a2", text="let me", id="e-a2", **answer),
            tools.ToolCallProposed(
                turn_id="t2", call_id="c1", message_id="a2", hop=1, index=0, wire_name="s__t", server="s", name="t",
                id="e-c1",
            ),
            tools.ApprovalRequested(turn_id="t2", approval_id="ap", call_id="c1", reason="asks"),
            tools.ApprovalDecided(
                turn_id="t2", approval_id="ap", call_id="c1", action="allow", scope="conversation", by="user"
            ),
            tools.ToolCallStarted(turn_id="t2", call_id="c1", server="s", name="t", arguments={}, id="e-c1-start"),
            tools.ToolCallFinished(
                turn_id="t2", call_id="c1", outcome="success", model_text="r", sensitive=True, id="e-c1-end"
            ),
            turns.AssistantMessage(turn_id="t2", message_id="a3", text="done", id="e-a3", **answer),
            turns.TurnFinished(turn_id="t2", outcome="stop", id="e-end2"),
            turns.ConversationTagged(tags=("work",)),
            turns.ConversationTitled(title="by hand"),
        ]
    )  # fmt: skip


def kinds(events):
    return [event.type for event in events]


def test_a_fork_of_all_is_all_and_names_its_origin():
    original = [event.model_copy(update={"conversation_id": "old"}) for event in conversation()]
    copy = forked(original)
    created = copy[0]
    assert isinstance(created, turns.ConversationCreated)
    assert created.origin == turns.Origin(
        kind="fork", conversation_id="old", event_id=original[-1].id, title="by hand", copied=len(original) - 2
    )
    assert {event.conversation_id for event in copy} == {created.conversation_id} != {"old"}
    assert facts(folded(copy)) == facts(folded(original))
    assert (folded(copy).title, folded(copy).tags) == ("by hand", ("work",))
    assert "message_fragment" not in kinds(copy)


def test_at_the_last_answer_of_a_turn_the_turns_end_comes_along():
    copy = folded(forked(conversation(), "e-a1"))
    assert [type(item) for item in copy.items] == [UserItem, AssistantItem]
    assert copy.title == "by hand"
    assert copy.open_turn is None


def test_before_an_input_its_turn_and_what_came_with_it_is_left_out():
    copy = forked(conversation(), "e-u2", before=True)
    assert kinds(copy)[-3:] == ["turn_finished", "conversation_titled", "conversation_tagged"]
    assert folded(copy).model == "m"
    assert copy[0].origin.event_id == "e-end1"


def test_before_the_first_input_there_is_nothing_but_the_origin_and_the_next_input_names_it():
    copy = forked(conversation(), "e-u1", before=True)
    assert kinds(copy) == ["conversation_created", "conversation_tagged"]
    assert copy[0].origin.event_id == ""
    assert folded(copy).title == ""


def test_at_an_input_the_turn_is_closed_and_says_why():
    copy = folded(forked(conversation(), "e-u2"))
    assert [type(item) for item in copy.items][-2:] == [UserItem, NoticeItem]
    assert copy.items[-1].text.startswith("Forked here")
    assert "request_id" not in copy.items[-1].text


@pytest.mark.parametrize(
    ("at", "state", "words"), [("e-c1", "cancelled", "did not run"), ("e-c1-start", "unknown", "may have run")]
)
def test_a_call_in_the_middle_gets_an_end_of_the_forks_own(at, state, words):
    copy = folded(forked(conversation(), at))
    (call,) = [item for item in copy.items if isinstance(item, ToolCallItem)]
    assert call.state == state
    assert call.error.message.startswith("The conversation was forked")
    assert words in call.error.message


def test_an_answer_that_was_streaming_keeps_what_was_recorded_of_it():
    copy = forked(conversation(), "e-f1")
    assert "message_fragment" not in kinds(copy)
    answer = next(item for item in folded(copy).items if isinstance(item, AssistantItem))
    assert (answer.text, answer.complete, answer.streaming) == ("one ", False, False)


def test_flagged_results_stay_flagged():
    finished = [event for event in forked(conversation()) if isinstance(event, tools.ToolCallFinished)]
    assert [event.sensitive for event in finished] == [True]


def test_copied_calls_are_not_counted_again_and_later_ones_are():
    copy = forked(conversation())
    assert CallHistory.of(conversation()).records
    assert not CallHistory.of(copy).records
    later = tools.ToolCallProposed(
        conversation_id=copy[0].conversation_id, call_id="c9", message_id="m", hop=1, index=0, wire_name="s__t",
        server="s", name="t", seq=len(copy) + 1,
    )  # fmt: skip
    assert [record.call_id for record in CallHistory.of([*copy, later]).records] == ["c9"]


def test_a_fork_of_a_fork_names_the_fork():
    first = forked(conversation(), "e-a1")
    second = forked(first)
    assert second[0].origin.conversation_id == first[0].conversation_id
    assert second[0].origin.copied == len(first) - 1
    assert facts(folded(second)) == facts(folded(first))


def test_a_place_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="not in the conversation"):
        fork(conversation(), "nowhere", app_version="1")


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
@pytest.mark.parametrize("before", [False, True], ids=["at", "before"])
def test_every_place_of_every_golden_log_can_be_forked(path, before):
    original = golden(path)
    assert original
    seen: set[str] = set()
    for index, event in enumerate(original):
        copy = forked(original, event.id, before=before)
        assert isinstance(copy[0], turns.ConversationCreated)
        assert closing_events(copy) == []
        transcript = folded(copy)
        assert transcript.open_turn is None
        assert not transcript.waiting()
        seen |= {item.key for item in folded(original[: index + 1]).items}
        assert {item.key for item in transcript.items if not isinstance(item, NoticeItem)} <= seen
        context = ModelContext()
        for each in copy:
            context.apply(each)
        built = context.build(system_prompt=None, count=lambda _: 1, budget=None, preserve_recent=1)
        asked = [call.call_id for message in built.messages for call in message.tool_calls]
        answered = [message.call_id for message in built.messages if message.role == "tool"]
        assert asked == answered
