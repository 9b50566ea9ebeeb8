from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest

from mcp_tui.conversation.messages import ImagePart, MessageToolCall, ModelMessage, ToolSpec
from mcp_tui.gateway.providers import (
    EMPTY_RESULT,
    NO_RESULT,
    family_of,
    provider_id,
    provider_name,
    to_litellm_messages,
    to_litellm_tools,
)

CLAUDE, GPT, GEMINI = "anthropic/claude-sonnet-4-5", "openai/gpt-5", "gemini/gemini-3-pro"
EVERY = [CLAUDE, GPT, GEMINI, "mistral/mistral-large", "deepseek/deepseek-chat", "ollama_chat/qwen3", "groq/x"]


def call(
    call_id: str = "call_a", name: str = "weather", signature: str | None = None, **arguments: Any
) -> MessageToolCall:
    return MessageToolCall(call_id, name, arguments, signature)


def asked(*calls: MessageToolCall, text: str = "", **more: Any) -> ModelMessage:
    return ModelMessage("assistant", text, tool_calls=calls, **more)


def result(call_id: str, text: str = "ok", **more: Any) -> ModelMessage:
    return ModelMessage("tool", text, call_id=call_id, **more)


CACHED = {"type": "text", "cache_control": {"type": "ephemeral"}}
USER = ModelMessage("user", "hi")


@pytest.mark.parametrize(
    ("model", "family"),
    [
        (CLAUDE, "claude"), ("bedrock/us.anthropic.claude-opus-4", "claude"), ("vertex_ai/claude-sonnet-4", "claude"),
        (GPT, "openai"), ("azure/my-deployment", "openai"), (GEMINI, "gemini"), ("vertex_ai/gemini-3-pro", "gemini"),
        ("mistral/devstral", "mistral"), ("moonshot/kimi-k2", "kimi"), ("ollama_chat/qwen3", "ollama"),
        ("openrouter/anthropic/claude-opus-4", "other"), ("litellm_proxy/claude", "other"), ("gpt-5", "openai"),
        ("claude-sonnet-4-5", "claude"),
    ],
)  # fmt: skip
def test_family(model: str, family: str) -> None:
    assert family_of(model) == family


@pytest.mark.parametrize("model", EVERY)
def test_case_073_every_call_has_one_result_right_behind_it_and_in_order(model: str) -> None:
    history = [
        USER, asked(call("a"), call("b"), call("c")), result("c", "third"), result("a", "first"), result("orphan"),
        ModelMessage("user", "next"), result("a", "twice"),
    ]  # fmt: skip
    out = to_litellm_messages(history, model)
    assert [m["role"] for m in out] == ["user", "assistant", "tool", "tool", "tool", "user"]
    assert [m["content"] for m in out[2:5]] == ["first", NO_RESULT, "third"]
    assert [m["tool_call_id"] for m in out[2:5]] == [c["id"] for c in out[1]["tool_calls"]]


def test_case_073_id_that_two_calls_share_gets_each_its_own_result() -> None:
    out = to_litellm_messages([asked(call("a")), result("a", "one"), asked(call("a")), result("a", "two")], GPT)
    assert [m["content"] for m in out if m["role"] == "tool"] == ["one", "two"]


@pytest.mark.parametrize("model", EVERY)
def test_blank_texts_are_never_sent(model: str) -> None:
    history = [
        ModelMessage("system", " "), ModelMessage("user", "\n"), USER, ModelMessage("assistant", "  "),
        asked(call("a"), text=" "), result("a", ""),
    ]  # fmt: skip
    user, assistant, tool = to_litellm_messages(history, model)
    assert user["content"] == [CACHED | {"text": "hi"}] if model == CLAUDE else "hi"
    assert assistant["content"] is None
    assert tool["content"] == [CACHED | {"text": EMPTY_RESULT}] if model == CLAUDE else EMPTY_RESULT


def test_claude_is_asked_to_cache_the_system_text_and_all_up_to_the_last_message() -> None:
    image = ImagePart("aGk=", "image/png")
    history = [ModelMessage("system", "s"), USER, asked(call("a")), result("a", "seen", images=(image,))]
    system, user, _, tool = to_litellm_messages(history, CLAUDE)
    assert system["content"] == [CACHED | {"text": "s"}]
    assert user["content"] == "hi"
    assert ["cache_control" in part for part in tool["content"]] == [False, True]
    assert "cache_control" not in json.dumps(to_litellm_messages(history, GPT))
    assert to_litellm_messages([], CLAUDE) == []


def test_system_texts_are_one_first_message() -> None:
    out = to_litellm_messages([ModelMessage("system", "a"), USER, ModelMessage("system", "b")], GPT)
    assert out == [{"role": "system", "content": "a\n\nb"}, {"role": "user", "content": "hi"}]


def test_two_messages_of_the_person_in_a_row_become_one() -> None:
    image = ImagePart("aGk=", "image/png")
    (both,) = to_litellm_messages([USER, ModelMessage("assistant", ""), ModelMessage("user", "again")], GPT)
    assert both == {"role": "user", "content": "hi\n\nagain"}
    (both,) = to_litellm_messages([USER, ModelMessage("user", "look", images=(image,))], GPT)
    assert [part["type"] for part in both["content"]] == ["text", "text", "image_url"]


def test_arguments_are_json() -> None:
    history = [asked(call("a"), call("b", city="Zürich"))]
    sent = [c["function"]["arguments"] for c in to_litellm_messages(history, GPT)[0]["tool_calls"]]
    assert [json.loads(arguments) for arguments in sent] == [{}, {"city": "Zürich"}]


@pytest.mark.parametrize("call_id", ["call_abc", "toolu_01ABC", "functions.weather:0", "", "ünïcode", "x" * 80])
def test_ids_fit_the_provider(call_id: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9]{9}", provider_id(call_id, "mistral"))
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", provider_id(call_id, "claude"))
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}", provider_id(call_id, "openai"))
    assert provider_id(call_id, "mistral") == provider_id(call_id, "mistral")


def test_ids_that_fit_stay() -> None:
    assert provider_id("aB3dE6gH9", "mistral") == "aB3dE6gH9"
    assert provider_id("toolu_1", "claude") == "toolu_1"
    assert provider_id("functions.weather:0", "kimi") == "functions.weather:0"


BLOCKS = ({"type": "thinking", "thinking": "t", "signature": "s"}, {"type": "redacted_thinking", "data": "d"})


def thought(
    model: str, target: str, *, calls: bool = True, blocks: tuple[dict[str, Any], ...] = BLOCKS
) -> dict[str, Any]:
    wrote = asked(*([call("a")] if calls else []), text="x", reasoning="r", thinking_blocks=blocks, model=model)
    return to_litellm_messages([USER, wrote], target)[1]


def test_thinking_blocks_go_back_to_claude_only() -> None:
    assert thought(CLAUDE, CLAUDE)["thinking_blocks"] == list(BLOCKS)
    assert thought(CLAUDE, "bedrock/anthropic.claude-opus-4")["thinking_blocks"] == list(BLOCKS)
    for target in EVERY[1:]:
        assert not {"thinking_blocks", "reasoning_content"} & thought(CLAUDE, target).keys()
    assert "thinking_blocks" not in thought(GPT, CLAUDE)
    assert "thinking_blocks" not in thought("", CLAUDE)


def test_unsigned_thinking_is_left_out() -> None:
    assert "thinking_blocks" not in thought(CLAUDE, CLAUDE, blocks=({"type": "thinking", "thinking": "cut"},))


def test_reasoning_goes_back_where_it_is_demanded() -> None:
    model = "deepseek/deepseek-reasoner"
    assert thought(model, model)["reasoning_content"] == "r"
    assert "reasoning_content" not in thought(model, model, calls=False)
    assert "reasoning_content" not in thought(GPT, model)


def test_gemini_signature_goes_back_to_gemini_only() -> None:
    history = [asked(call("a", signature="sig"), model=GEMINI), result("a")]
    sent = to_litellm_messages(history, GEMINI)[0]["tool_calls"][0]
    assert sent["provider_specific_fields"] == {"thought_signature": "sig"}
    assert "provider_specific_fields" not in to_litellm_messages(history, GPT)[0]["tool_calls"][0]


def test_images_of_user_and_tool() -> None:
    image = ImagePart("aGk=", "image/png")
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
    history = [ModelMessage("user", "", images=(image,)), asked(call("a")), result("a", "seen", images=(image,))]
    user, _, tool = to_litellm_messages(history, GPT)
    assert user["content"] == [part]
    assert tool["content"] == [{"type": "text", "text": "seen"}, part]


def test_name_that_a_model_made_up_is_made_acceptable() -> None:
    assert provider_name("functions.get weather") == "functions_get_weather"
    assert len(provider_name("x" * 100)) == 64
    assert provider_name("") != ""


def test_tools() -> None:
    assert to_litellm_tools([]) is None
    (tool,) = to_litellm_tools([ToolSpec("a__b", "does")]) or []
    assert tool["function"]["parameters"] == {"type": "object", "properties": {}}


@pytest.mark.parametrize("model", EVERY)
def test_history_is_not_changed(model: str) -> None:
    history = [asked(call("a", city="x"), thinking_blocks=BLOCKS, model=model), result("a")]
    before = copy.deepcopy(history)
    out = to_litellm_messages(history, model)
    for block in out[0].get("thinking_blocks", ()):
        block["thinking"] = "changed"
    assert history == before
