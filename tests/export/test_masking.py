"""What looks like a key leaves in no export, unless it is asked for."""

from __future__ import annotations

import json

import pytest

from mcp_tui.engine.redaction import redacted
from mcp_tui.events import content, tools, turns
from mcp_tui.events.base import ErrorInfo, EventBase
from mcp_tui.events.codec import to_object
from mcp_tui.export.exporters import EXPORTERS, export
from mcp_tui.safety.secrets import Redactor
from tests.export.hostile import AT, ID, conversation

KEY = "sk-abcdefghijklmnop1234"
PASSWORD = "hunter2hunter2"
SECRETS = (KEY, PASSWORD)


def events() -> list[EventBase]:
    """A result that holds keys in every part of it, found out as it is when it is recorded."""
    finished = tools.ToolCallFinished(
        call_id="c",
        outcome="success",
        content=(
            content.TextContent(text=f"the key is {KEY}"),
            content.TextContent(text=json.dumps({"password": PASSWORD})),
            content.EmbeddedResource(uri=f"file:///{KEY}", text=f"token={PASSWORD}"),
            content.ResourceLink(uri=f"http://x/?k={KEY}", name=KEY),
            content.UnknownContent(kind="x", raw={"k": KEY}),
        ),
        structured_content={"password": PASSWORD, "n": [{"api_key": 12345678, "list": [KEY]}], KEY: 1},
        model_text=f"the key is {KEY}",
        error=ErrorInfo(kind="x", message=f"password={PASSWORD}"),
        wire=(tools.WireMessage(direction="received", at=AT, message={"result": {"secret": PASSWORD, "t": KEY}}),),
    )
    difference = tools.Difference(path="content[0].text", kind="changed", before=KEY, after=f"token: {PASSWORD}")
    made: list[EventBase] = [
        turns.ConversationCreated(app_version="1", title="keys"),
        turns.UserMessage(turn_id="t", message_id="u", text="show me"),
        tools.ToolCallProposed(
            turn_id="t", call_id="c", message_id="m", hop=1, index=0, wire_name="s__t", server="s", name="t"
        ),
        redacted(finished, Redactor()),
        tools.ToolResultExtended(call_id="c", model_text=f"all of it: {KEY}", model_tokens=1),
        tools.ToolCallCompared(
            call_id="c",
            recorded=tools.RecordedCall(conversation_id=ID, call_id="b"),
            same=False,
            differences=(difference,),
        ),
    ]
    return [event.model_copy(update={"seq": seq, "at": AT}) for seq, event in enumerate(made, 1)]


@pytest.mark.parametrize("kind", EXPORTERS)
def test_no_export_holds_a_key_and_each_says_that_one_was_masked(kind: str) -> None:
    _, summary = conversation()
    text = "".join(export(kind, events(), summary))
    assert not [secret for secret in (*SECRETS, "12345678") if secret in text]
    assert "***" in text
    assert ('"masked_results": 1' if kind == "json" else "what looks like a key in 1 tool result") in text


@pytest.mark.parametrize("kind", EXPORTERS)
def test_with_secrets_everything_is_there(kind: str) -> None:
    _, summary = conversation()
    text = "".join(export(kind, events(), summary, with_secrets=True))
    assert all(secret in text for secret in SECRETS)
    assert "what looks like a key in 1" not in text


def test_the_conversation_itself_keeps_them() -> None:
    _, summary = conversation()
    given = events()
    before = [to_object(event) for event in given]
    list(export("json", given, summary))
    assert [to_object(event) for event in given] == before


def test_a_result_without_a_flag_is_left_as_it_is() -> None:
    _, summary = conversation()
    given = [event.model_copy(update={"sensitive": False}) if event.type == "tool_call_finished" else event
             for event in events()]  # fmt: skip
    assert KEY in "".join(export("markdown", given, summary))
