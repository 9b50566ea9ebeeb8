from __future__ import annotations

from mcp_tui.conversation.items import AssistantItem, NoticeItem, ToolCallItem
from mcp_tui.conversation.transcript import Transcript
from mcp_tui.events import tools, turns
from mcp_tui.events.base import ErrorInfo
from mcp_tui.events.codec import BY_TYPE, PASSING, STORED, UnknownEvent, from_object, to_object


def request(message_id="m"):
    return turns.ModelRequestStarted(
        turn_id="t", message_id=message_id, hop=1, provider="p", model="m", messages=1, prompt_tokens=1, tools_tokens=0
    )


def closing(text, message_id="m", **fields):
    return turns.AssistantMessage(
        turn_id="t", message_id=message_id, hop=1, provider="p", model="m", text=text, **fields
    )


def folded(*events):
    transcript = Transcript()
    changes = [change for event in events for change in transcript.apply(event)]
    return transcript, changes


def test_a_delta_appends_and_the_closing_event_replaces():
    delta = turns.TextDelta(turn_id="t", message_id="m", text="Hel")
    transcript, changes = folded(request(), delta, delta, closing("Hello"))
    (item,) = transcript.items
    assert item.text == "Hello"
    assert [change.kind for change in changes] == ["added", "appended", "appended", "updated"]
    assert [change.appended for change in changes] == ["", "Hel", "Hel", ""]
    assert not item.streaming


def test_a_late_delta_or_fragment_after_the_closing_event_is_ignored():
    late = turns.TextDelta(turn_id="t", message_id="m", text="late")
    fragment = turns.MessageFragment(turn_id="t", message_id="m", text="late", seq=9)
    transcript, changes = folded(request(), closing("whole"), late, fragment)
    assert transcript.items[0].text == "whole"
    assert len(changes) == 2


def test_an_answer_that_only_asks_for_tools_leaves_no_empty_item():
    call = turns.RequestedToolCall(call_id="c", wire_name="s__t")
    transcript, changes = folded(request(), closing("", tool_calls=(call,)))
    assert transcript.items == []
    assert [change.kind for change in changes] == ["added", "removed"]


def test_reasoning_that_nobody_sent_is_absent():
    transcript, _ = folded(request(), closing("text"))
    assert transcript.items[0].reasoning_pieces == []


def test_a_retry_shows_until_something_arrives():
    retry = turns.RetryScheduled(
        turn_id="t", message_id="m", attempt=1, attempts=2, delay_seconds=5, reason=ErrorInfo(kind="x", message="Slow.")
    )
    transcript, _ = folded(request(), retry)
    item = transcript.items[0]
    assert item.retry_at is not None
    assert item.retry_reason == "Slow."
    transcript.apply(turns.TextDelta(turn_id="t", message_id="m", text="x"))
    assert item.retry_at is None


def test_the_end_of_a_turn_closes_what_is_open():
    proposed = tools.ToolCallProposed(turn_id="t", call_id="c", message_id="m", hop=1, index=0, wire_name="s__t")
    started = tools.ToolCallStarted(turn_id="t", call_id="c", server="s", name="t", arguments={})
    transcript, _ = folded(
        turns.TurnStarted(turn_id="t", request_id="r"),
        request(),
        turns.TextDelta(turn_id="t", message_id="m", text="x"),
        proposed,
        started,
        turns.TurnFinished(turn_id="t", outcome="interrupted"),
    )
    answer, call, notice = transcript.items
    assert isinstance(answer, AssistantItem)
    assert (answer.streaming, answer.complete) == (False, False)
    assert isinstance(call, ToolCallItem)
    assert call.state == "unknown"
    assert isinstance(notice, NoticeItem)
    assert transcript.open_turn is None


def test_case_009_an_unknown_kind_is_shown_and_kept():
    event = from_object({"type": "telepathy_received", "seq": 4, "mood": "good"})
    assert isinstance(event, UnknownEvent)
    assert to_object(event)["mood"] == "good"
    _, (change,) = folded(event)
    assert "telepathy_received" in change.item.text


def test_a_known_kind_whose_fields_do_not_fit_is_kept_whole():
    event = from_object({"type": "user_message", "text": 5, "extra": [1]})
    assert isinstance(event, UnknownEvent)
    assert to_object(event)["text"] == 5


def test_events_about_calls_that_are_not_there_change_nothing():
    lonely = [
        tools.ApprovalRequested(approval_id="a", call_id="x", reason="r"),
        tools.ApprovalDecided(approval_id="a", call_id="x", action="allow", by="user"),
        tools.ToolCallStarted(call_id="x", server="s", name="t", arguments={}),
        tools.ToolCallProgress(call_id="x", progress=1),
        tools.ToolCallFinished(call_id="x", outcome="success"),
    ]
    _, changes = folded(*lonely)
    assert changes == []


def test_every_kind_of_event_is_known_to_the_codec_once():
    assert len(BY_TYPE) == len(STORED) + len(PASSING)
    for kind in (*STORED, *PASSING):
        assert (kind.durability == "passing") is (kind in PASSING)


def test_a_decision_says_who_made_it():
    proposed = tools.ToolCallProposed(turn_id="t", call_id="c", message_id="m", hop=1, index=0, wire_name="s__t")
    words = {}
    for by, scope, edited in (("user", "once", None), ("user", "conversation", {"x": 1}), ("rule", "once", None)):
        decided = tools.ApprovalDecided(
            approval_id="a", call_id="c", action="allow", by=by, scope=scope, edited_arguments=edited
        )
        transcript, _ = folded(proposed, decided)
        words[by, scope] = transcript.call("c").decision
    assert words == {
        ("user", "once"): "allowed once",
        ("user", "conversation"): "allowed for this conversation, edited",
        ("rule", "once"): "allowed",
    }


def test_an_event_without_a_turn_in_its_middle_does_not_hide_what_is_open():
    transcript, _ = folded(
        turns.TurnStarted(turn_id="t", request_id="r"),
        turns.UserMessage(turn_id="t", message_id="u", text="go"),
        request(),
        from_object({"type": "telepathy_received", "seq": 4}),
        turns.TurnFinished(turn_id="t", outcome="interrupted"),
    )
    assert not transcript.items[1].streaming
