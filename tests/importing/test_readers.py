"""Other programs' exports as conversations: what is kept, what is left out, what is refused."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from mcp_tui.conversation.context import ModelContext
from mcp_tui.conversation.items import AssistantItem, Item, ToolCallItem, UserItem
from mcp_tui.conversation.transcript import Transcript
from mcp_tui.engine.recovery import closing_events
from mcp_tui.errors import UsageError
from mcp_tui.events import turns
from mcp_tui.importing import files
from mcp_tui.importing.base import Imported, NotRead
from mcp_tui.importing.elements import NotJson, elements
from tests.importing import samples


def written(folder: Path, value: Any, name: str = "conversations.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def imported(folder: Path, value: Any) -> Imported:
    (found,) = files.conversations(written(folder, [value]))
    assert isinstance(found, Imported), found
    return found


def told(item: Item) -> tuple[str, ...]:
    match item:
        case UserItem():
            return "you", item.text
        case AssistantItem():
            return item.model, item.reasoning, item.text
        case ToolCallItem():
            return item.wire_name, json.dumps(item.arguments), item.state, item.model_text
    return (type(item).__name__,)


def transcript(found: Imported) -> Transcript:
    folded = Transcript()
    for seq, event in enumerate(found.events, 1):
        folded.apply(event.model_copy(update={"seq": seq}))
    return folded


def test_chatgpt_the_path_to_the_current_node_with_its_tools_and_thoughts(tmp_path: Path) -> None:
    found = imported(tmp_path, samples.chatgpt())
    assert [told(item) for item in transcript(found).items if type(item).__name__ != "NoticeItem"] == [
        ("you", "[image, which is not in the export]\n\nwhat is this?"),
        ("gpt-5", "Looking\n\nIt is a plot.", ""),
        ("python", '{"input": "print(6*7)"}', "success", "42"),
        ("gpt-5", "", "A plot; **42**."),
        ("you", "thanks"),
        ("gpt-4o", "", "Any time."),
    ]
    assert found.notes == ("2 system messages were left out.", "1 message of other branches was left out.")


def test_chatgpt_pages_screenshots_files_and_code_that_failed(tmp_path: Path) -> None:
    image = {"content_type": "image_asset_pointer", "asset_pointer": "sediment://file_1", "width": 1}
    files_of_it = [{"id": "file_1", "name": "plot.png"}, {"id": "file_2", "name": "data.csv"}]
    page = {"content_type": "sonic_webpage", "title": "Tea", "url": "http://tea", "text": "Steep it."}
    screen = {"content_type": "computer_output", "state": {"title": "A page", "url": "http://a"}, "screenshot": image}
    failed = {"aggregate_result": {"status": "failed_with_in_kernel_exception"}}
    nodes = dict(
        [
            samples.node("u", None, "user", {"content_type": "multimodal_text", "parts": [image, "look"]}, 1.0,
                         metadata={"attachments": files_of_it}),
            samples.node("w", "u", "tool", page, 2.0, name="web.run"),
            samples.node("s", "w", "tool", screen, 3.0, name="computer.do"),
            samples.node("p", "s", "tool", {"content_type": "execution_output", "text": "NameError"}, 4.0,
                         name="python", metadata=failed),
            samples.node("v", "p", "user", samples.text(""), 5.0, metadata={"attachments": [{"name": "talk.pdf"}]}),
        ]
    )  # fmt: skip
    found = imported(tmp_path, samples.chatgpt(mapping=nodes, current_node="v"))
    assert [told(item) for item in transcript(found).items if type(item).__name__ != "NoticeItem"] == [
        ("you", "[image, which is not in the export]\n\nlook\n\n[data.csv, which is not in the export]"),
        ("web_run", "{}", "success", "Tea\n\nhttp://tea\n\nSteep it."),
        ("computer_do", "{}", "success", "A page\n\nhttp://a\n\n[image, which is not in the export]"),
        ("python", "{}", "error", "NameError"),
        ("you", "[talk.pdf, which is not in the export]"),
    ]


def test_all_conversations_under_a_key(tmp_path: Path) -> None:
    found = list(files.conversations(written(tmp_path, {"conversations": [samples.chatgpt(), samples.claude(), 7]})))
    assert [each.reason if isinstance(each, NotRead) else each.title for each in found] == [
        "A plot", "Notes", "it is no conversation",
    ]  # fmt: skip


def test_claude_the_messages_with_attachments_tools_and_thinking(tmp_path: Path) -> None:
    found = imported(tmp_path, samples.claude())
    assert [told(item) for item in transcript(found).items] == [
        ("you", "read the file\n\n[notes.txt]\nmilk\n\n[cat.png, which is not in the export]"),
        ("claude", "They want milk.", "Let me look."),
        ("web_search", '{"query": "milk"}', "success", "milk is white"),
        ("fetch", '{"url": "http://x"}', "error", "404"),
        ("claude", "", "Milk."),
        ("you", "and then?"),
    ]
    assert found.notes == ("Content of the kind hologram was left out.",)


@pytest.mark.parametrize("value", [samples.chatgpt(), samples.claude()], ids=["chatgpt", "claude"])
def test_title_times_models_and_origin_are_kept(value: dict[str, Any], tmp_path: Path) -> None:
    found = imported(tmp_path, value)
    first = found.events[0]
    assert isinstance(first, turns.ConversationCreated)
    origin = first.origin
    assert origin is not None
    assert (origin.kind, origin.source, origin.copied) == ("import", found.source, len(found.events) - 1)
    assert first.title == found.title == value.get("title", value.get("name"))
    if found.source == "chatgpt":
        assert first.at.timestamp() == samples.T0
        assert found.events[-1].at.timestamp() == samples.T0 + 61
    assert all(event.conversation_id == found.conversation_id for event in found.events)


@pytest.mark.parametrize("value", [samples.chatgpt(), samples.claude()], ids=["chatgpt", "claude"])
def test_the_same_file_gives_the_same_events_and_every_start_has_its_end(value: dict[str, Any], tmp_path: Path) -> None:
    one, two = imported(tmp_path, value), imported(tmp_path, value)
    assert one == two
    assert len({event.id for event in one.events}) == len(one.events)
    assert closing_events(one.events) == []


def test_an_imported_conversation_can_be_continued(tmp_path: Path) -> None:
    """What a model is given of it: every call with its result, names that a provider takes."""
    context = ModelContext()
    for event in imported(tmp_path, samples.claude()).events:
        context.apply(event)
    built = context.build(system_prompt=None, count=lambda _: 1, budget=None, preserve_recent=0, images=True)
    assert [(m.role, m.text, [c.wire_name for c in m.tool_calls]) for m in built.messages][1:5] == [
        ("assistant", "Let me look.", ["web_search", "fetch"]),
        ("tool", "milk is white", []),
        ("tool", "404", []),
        ("assistant", "Milk.", []),
    ]


def test_a_branch_of_claude_that_was_left_is_left_out(tmp_path: Path) -> None:
    def message(key: str, parent: str, text: str, sender: str = "human") -> dict[str, Any]:
        return {"uuid": key, "parent_message_uuid": parent, "sender": sender, "text": text, "content": []}

    messages = [message("1", "root", "a"), message("2", "1", "b", "assistant"), message("3", "2", "wrong"),
                message("4", "2", "right")]  # fmt: skip
    found = imported(tmp_path, samples.claude(chat_messages=messages))
    assert [told(item)[-1] for item in transcript(found).items] == ["a", "b", "right"]
    assert found.notes == ("1 message of other branches was left out.",)
    found = imported(tmp_path, samples.claude(chat_messages=messages, current_leaf_message_uuid="3"))
    assert [told(item)[-1] for item in transcript(found).items] == ["a", "b", "wrong"]


def test_chatgpt_without_a_current_node_takes_the_latest_leaf_and_a_circle_ends(tmp_path: Path) -> None:
    value = samples.chatgpt(current_node="not there")
    assert told(transcript(imported(tmp_path, value)).items[-1]) == ("gpt-4o", "", "Any time.")
    value["mapping"]["root"]["parent"] = "a2"
    assert told(transcript(imported(tmp_path, value)).items[-1]) == ("gpt-4o", "", "Any time.")


def test_several_conversations_and_one_that_is_none(tmp_path: Path) -> None:
    values = [samples.chatgpt(), samples.chatgpt(mapping=[]), {"title": "x"}, samples.chatgpt(mapping={}), 7,
              samples.chatgpt(conversation_id="other")]  # fmt: skip
    found = list(files.conversations(written(tmp_path, values)))
    assert [each.reason if isinstance(each, NotRead) else each.title for each in found] == [
        "A plot", "`mapping` is no object", "it is no conversation", "it holds no message", "it is no conversation",
        "A plot",
    ]  # fmt: skip
    assert isinstance(found[1], NotRead)
    assert found[1].place == "conversation 2"


def test_a_zip_file_is_read_without_unpacking_it(tmp_path: Path) -> None:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../../etc/conversations.json", json.dumps([samples.chatgpt()]))
        archive.writestr("x/conversations-001.json", json.dumps([samples.chatgpt(title="more")]))
        archive.writestr("user.json", "{}")
        archive.writestr("chat.html", "<html>")
    assert sorted(each.title for each in files.conversations(path) if isinstance(each, Imported)) == ["A plot", "more"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "value",
    [
        {
            "mapping": {"a": None, "b": 3, "c": {"message": {"author": 1, "content": []}, "parent": {}}},
            "current_node": "c",
        },
        {"mapping": {"a": {"message": {"author": {"role": "user"}, "content": {"parts": [None, 1, {}, {"text": 5}]}}}}},
        {
            "chat_messages": [
                None,
                1,
                {"sender": 5},
                {"sender": "assistant", "content": [{"type": "tool_result"}, {"type": []}, 3]},
            ]
        },
        {"chat_messages": [{"sender": "human", "text": "x", "created_at": 10**400, "attachments": {}, "files": "x"}]},
        {
            "chat_messages": [{"sender": "assistant", "content": [{"type": "tool_use", "input": [], "name": None}]}],
            "name": [],
        },
        {
            "chat_messages": [{"sender": "human", "text": "\ud800", "created_at": "0001-01-01T00:00:00+23:59"}],
            "created_at": "x",
        },
        {
            "format": "mcp-tui-conversation",
            "version": 1,
            "schema_version": 1,
            "events": [1, {}, {"type": "user_message"}],
        },
        {"format": "mcp-tui-conversation", "version": "1"},
        {"format": "mcp-tui-conversation", "version": 1, "schema_version": 2, "events": []},
    ],
)
def test_odd_values_are_a_conversation_or_a_reason_never_a_fault(value: dict[str, Any], tmp_path: Path) -> None:
    (found,) = files.conversations(written(tmp_path, value))
    assert found.reason if isinstance(found, NotRead) else found.events


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is nothing that can be imported"),
        (b"hello", "is nothing that can be imported"),
        (b"[]x", "something follows"),
        (b"[1, 2]", "a list, but not one of conversations"),
        (b'{"a": 1}', "no conversation that is known"),
        (b'[{"mapping": {}}', "ends in the middle"),
        (b'[{"mapping": {}},{"mapp', "ends in the middle"),
        (b'{"mapping": ', "damaged JSON"),
        (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        (b'["\xff"]', "is not UTF-8"),
        (b"PK\x03\x04 no zip", "is nothing that can be imported"),
    ],
)
def test_what_is_none_of_these_is_refused_with_what_was_expected(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(UsageError) as raised:
        list(files.conversations(path))
    assert words in raised.value.message
    assert str(path) in raised.value.message
    assert "conversations.json" in raised.value.hint


def test_a_zip_file_without_conversations_or_with_damage_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("users.json", "[]")
    with pytest.raises(UsageError, match=r"holds no conversations\.json"):
        list(files.conversations(path))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", json.dumps([samples.chatgpt()] * 50))
    data = bytearray(path.read_bytes())
    data[200:260] = b"\xff" * 60
    path.write_bytes(bytes(data))
    with pytest.raises(UsageError):
        list(files.conversations(path))


def test_a_zip_bomb_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("conversations.json", "[" + " " * 30_000_000)
    monkeypatch.setattr(files, "MOST_BYTES", 20_000_000)
    with pytest.raises(UsageError, match="holds more than"):
        list(files.conversations(path))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_elements_are_cut_wherever_the_pieces_end(size: int) -> None:
    values: list[Any] = [{"a": '\\"]},[{"', "b": [1, [2, {"c": "\\\\"}]]}, "x,y", 1.5, None, [], {}, '"', "\\", [[]]]
    text = f" \n{json.dumps(values, indent=1)} \n"
    assert list(elements(text[i : i + size] for i in range(0, len(text), size))) == values
    assert list(elements(iter(["[", "]"]))) == []


def test_one_element_is_held_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a list without end, the first elements come before anything else is read."""

    def endless() -> Any:
        yield "["
        while True:
            yield '{"a": "' + "x" * 1000 + '"},'

    reading = elements(endless())
    assert [next(reading)["a"][:1] for _ in range(5)] == ["x"] * 5
    monkeypatch.setattr("mcp_tui.importing.elements.MOST_ELEMENT", 1000)
    with pytest.raises(NotJson, match="longer than"):
        list(elements(iter(["[", '"' + "x" * 1001])))
