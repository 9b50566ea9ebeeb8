from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_tui.conversation.context import NO_RESULT, ModelContext
from mcp_tui.events import tools, turns
from mcp_tui.events.content import ImageContent


def words(message):
    return len(message.text.split()) + 3 * len(message.tool_calls)


def user(number, text="one two three"):
    return turns.UserMessage(message_id=f"u{number}", text=text)


def answer(number, text="four five", calls=(), **fields):
    asked = tuple(turns.RequestedToolCall(call_id=call, wire_name="s__t") for call in calls)
    return turns.AssistantMessage(
        message_id=f"a{number}", hop=1, provider="p", model="m", text=text, tool_calls=asked, **fields
    )


def proposed(call):
    return tools.ToolCallProposed(call_id=call, message_id="a", hop=1, index=0, wire_name="s__t")


def finished(call, text="result"):
    return tools.ToolCallFinished(call_id=call, outcome="success", model_text=text)


def build(events, **options):
    context = ModelContext()
    for event in events:
        context.apply(event)
    options = {"system_prompt": None, "count": words, "budget": None, "preserve_recent": 0, **options}
    return context.build(**options)


def shape(built):
    return [(message.role, message.call_id or message.key) for message in built.messages]


def test_results_follow_their_answer_in_the_models_order_whatever_ended_first():
    events = [
        user(1),
        answer(1, calls=["x", "y"]),
        proposed("x"),
        proposed("y"),
        finished("y", "2"),
        finished("x", "1"),
    ]
    assert shape(build(events)) == [("user", "u1"), ("assistant", "a1"), ("tool", "x"), ("tool", "y")]


def test_a_call_without_a_result_gets_one_that_says_so():
    built = build([user(1), answer(1, calls=["x"]), proposed("x")])
    assert built.messages[-1].text == NO_RESULT


def test_calls_that_were_never_proposed_are_not_sent():
    built = build([user(1), answer(1, calls=["x"])])
    assert built.messages[-1].tool_calls == ()


def test_an_empty_answer_is_left_out():
    assert shape(build([user(1), answer(1, text="  "), user(2)])) == [("user", "u1"), ("user", "u2")]


def test_the_oldest_go_first_and_the_system_prompt_stays():
    events = [event for number in range(5) for event in (user(number), answer(number))]
    built = build(events, system_prompt="be brief", budget=13)
    assert shape(built) == [
        ("system", "system"),
        ("user", "u3"),
        ("assistant", "a3"),
        ("user", "u4"),
        ("assistant", "a4"),
    ]
    assert (built.dropped_messages, built.dropped_tokens, built.tokens) == (6, 15, 12)


def test_preserve_recent_and_the_latest_words_of_the_person_win_over_the_budget():
    events = [event for number in range(3) for event in (user(number), answer(number))]
    assert len(build(events, budget=0, preserve_recent=3).messages) >= 3
    long_turn = [user(1), answer(1, calls=["x"]), proposed("x"), finished("x", "w " * 50), answer(2, calls=["y"])]
    long_turn += [proposed("y"), finished("y")]
    assert build(long_turn, budget=5).messages[0].key == "u1"


def test_images_reach_only_models_that_take_them():
    image = tools.ToolCallFinished(
        call_id="x",
        outcome="success",
        model_text="[image]",
        content=(ImageContent(data="aGk=", mime_type="image/png"),),
    )
    events = [user(1), answer(1, calls=["x"]), proposed("x"), image]
    assert build(events).messages[-1].images == ()
    assert build(events, images=True).messages[-1].images[0].mime_type == "image/png"


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.integers(0, 80), st.integers(0, 6), st.booleans())
def test_no_call_is_ever_separated_from_its_result(calls_per_turn, budget, preserve_recent, system):
    events = []
    for number, count in enumerate(calls_per_turn):
        names = [f"c{number}-{index}" for index in range(count)]
        events += [user(number), answer(number, calls=names)]
        events += [proposed(name) for name in names] + [finished(name) for name in reversed(names)]
    built = build(events, budget=budget, preserve_recent=preserve_recent, system_prompt="s" if system else None)
    asked = [call.call_id for message in built.messages for call in message.tool_calls]
    assert asked == [message.call_id for message in built.messages if message.role == "tool"]
    rest = [message for message in built.messages if message.role != "system"]
    assert rest[0].role == "user"
    assert built.dropped_messages + len(rest) == sum(2 + count for count in calls_per_turn)
    last_user = f"u{len(calls_per_turn) - 1}"
    assert last_user in [message.key for message in built.messages]


@pytest.mark.parametrize("complete", [True, False])
def test_a_cut_answer_is_sent_with_the_text_that_arrived(complete):
    built = build([user(1), answer(1, text="half", complete=complete)])
    assert built.messages[-1].text == "half"


def test_only_what_is_new_is_counted_again():
    counted = []

    def count(message):
        counted.append(message.call_id or message.key)
        return words(message)

    context = ModelContext()
    options = {"system_prompt": None, "count": count, "budget": 100, "preserve_recent": 0}
    for event in [user(1), answer(1, calls=["x"]), proposed("x")]:
        context.apply(event)
    context.build(**options, basis="v1")
    assert counted == ["u1", "a1", "x"]
    counted.clear()
    for event in [finished("x", "two words"), user(2)]:
        context.apply(event)
    assert [message.key for message in context.uncounted("v1")] == ["a1", "x", "u2"]
    built = context.build(**options, basis="v1")
    assert counted == ["a1", "x", "u2"]
    assert built.tokens == sum(words(message) for message in built.messages)
    counted.clear()
    assert context.uncounted("v1") == []
    assert len(context.uncounted("v2")) == len(context.uncounted("v1", images=True)) == 4
    context.build(**options, basis="v2")
    assert len(counted) == 4
