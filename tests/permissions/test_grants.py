from __future__ import annotations

import pytest

from mcp_tui.events import tools, turns
from mcp_tui.events.tools import ToolDefinition
from mcp_tui.permissions.base import CallFacts
from mcp_tui.permissions.grants import ConversationGrants


def proposed(call="c", server="files", name="read"):
    return tools.ToolCallProposed(
        call_id=call, message_id="m", hop=1, index=0, wire_name=f"{server}__{name}", server=server, name=name
    )


def decided(call="c", action="allow", scope="conversation", by="user", digest="d1"):
    return tools.ApprovalDecided(
        approval_id=f"a-{call}", call_id=call, action=action, scope=scope, by=by, tool_digest=digest
    )


def asked(server="files", name="read", digest="d1"):
    return CallFacts(ToolDefinition(wire_name="w", server=server, name=name, digest=digest), {})


@pytest.mark.parametrize(
    ("decision", "call", "allowed"),
    [
        (decided(), asked(), True),
        (decided(scope="once"), asked(), False),
        (decided(action="deny"), asked(), False),
        (decided(action="stop"), asked(), False),
        (decided(action="withdrawn", by="engine"), asked(), False),
        (decided(by="rule"), asked(), False),
        (decided(), asked(digest="d2"), False),
        (decided(), asked(name="write"), False),
        (decided(), asked(server="other"), False),
        (decided(call="never proposed"), asked(), False),
    ],
)
def test_case_105_112_only_a_persons_word_for_the_conversation_grants_and_only_that_definition(decision, call, allowed):
    grants = ConversationGrants()
    grants.apply(proposed())
    grants.apply(decision)
    assert (grants.verdict(call) is not None) is allowed


def test_a_call_that_no_server_has_grants_nothing():
    grants = ConversationGrants()
    grants.apply(proposed(server="", name=""))
    grants.apply(decided())
    assert grants.verdict(asked(server="", name="")) is None


def test_a_grant_stays_when_the_same_tool_is_refused_later():
    """A refusal is about one call; taking a grant back is another decision than refusing a call."""
    grants = ConversationGrants()
    for event in (proposed(), decided(), proposed("d"), decided("d", action="deny")):
        grants.apply(event)
    assert grants.verdict(asked()) is not None


def test_what_was_copied_from_another_conversation_grants_nothing_here():
    origin = turns.Origin(kind="fork", conversation_id="other", event_id="e3", copied=2)
    grants = ConversationGrants()
    for number, event in enumerate([turns.ConversationCreated(app_version="1", origin=origin), proposed(), decided()]):
        grants.apply(event.model_copy(update={"seq": number + 1}))
    assert grants.verdict(asked()) is None
    for number, event in enumerate([proposed("later"), decided("later")], 4):
        grants.apply(event.model_copy(update={"seq": number}))
    assert grants.verdict(asked()) is not None
