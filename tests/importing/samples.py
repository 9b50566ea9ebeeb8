"""Exports of other programs, as they write them, made by hand."""

from __future__ import annotations

from typing import Any

T0 = 1_735_689_600.0
"""2025-01-01 00:00 UTC."""


def node(
    key: str, parent: str | None, role: str, content: dict[str, Any], at: float | None, **more: Any
) -> tuple[str, dict[str, Any]]:
    author = {"role": role, "name": more.pop("name", None), "metadata": {}}
    message = {
        "id": key,
        "author": author,
        "create_time": at,
        "content": content,
        "status": "finished_successfully",
        "recipient": "all",
        "metadata": {},
        **more,
    }
    return key, {"id": key, "message": message, "parent": parent, "children": []}


def text(*parts: Any) -> dict[str, Any]:
    return {"content_type": "text", "parts": list(parts)}


def chatgpt(**changes: Any) -> dict[str, Any]:
    """A conversation with a branch that was left, a tool, an image, thoughts and what the person never saw."""
    nodes = dict(
        [
            ("root", {"id": "root", "message": None, "parent": None, "children": ["sys"]}),
            node("sys", "root", "system", text("You are ChatGPT."), None),
            node(
                "ctx",
                "sys",
                "user",
                {"content_type": "user_editable_context", "user_profile": "x", "text": "about me"},
                None,
            ),
            node(
                "u1",
                "ctx",
                "user",
                {
                    "content_type": "multimodal_text",
                    "parts": [
                        {"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-1", "width": 1},
                        "what is this?",
                    ],
                },
                T0 + 1,
            ),
            node(
                "left",
                "u1",
                "assistant",
                text("an answer that was asked for again"),
                T0 + 2,
                metadata={"model_slug": "gpt-4o"},
            ),
            node(
                "th",
                "u1",
                "assistant",
                {"content_type": "thoughts", "thoughts": [{"summary": "Looking", "content": "It is a plot."}]},
                T0 + 3,
            ),
            node(
                "call",
                "th",
                "assistant",
                {"content_type": "code", "language": "unknown", "text": "print(6*7)"},
                T0 + 4,
                recipient="python",
                metadata={"model_slug": "gpt-5"},
            ),
            node("out", "call", "tool", {"content_type": "execution_output", "text": "42"}, T0 + 6, name="python"),
            node(
                "a1",
                "out",
                "assistant",
                text("A plot; **42**.\ue200cite\ue202turn0search1\ue201"),
                T0 + 7,
                metadata={"model_slug": "gpt-5"},
            ),
            node("u2", "a1", "user", text("thanks"), T0 + 60),
            node("a2", "u2", "assistant", text("Any time."), T0 + 61, metadata={"model_slug": "gpt-4o"}),
        ]
    )
    return {
        "title": "A plot",
        "create_time": T0,
        "update_time": T0 + 61,
        "mapping": nodes,
        "current_node": "a2",
        "conversation_id": "67750000-aaaa",
        "id": "67750000-aaaa",
        "default_model_slug": "gpt-5",
        **changes,
    }


def claude(**changes: Any) -> dict[str, Any]:
    """A conversation with thinking, a tool with its result, an attachment."""
    return {
        "uuid": "c1a0de00-0001",
        "name": "Notes",
        "created_at": "2025-02-01T10:00:00.000000Z",
        "updated_at": "2025-02-01T10:05:00.000000Z",
        "account": {"uuid": "acc"},
        "chat_messages": [
            {
                "uuid": "m1",
                "sender": "human",
                "text": "read the file",
                "created_at": "2025-02-01T10:00:01Z",
                "content": [{"type": "text", "text": "read the file"}],
                "attachments": [{"file_name": "notes.txt", "extracted_content": "milk"}],
                "files": [{"file_name": "cat.png"}],
            },
            {
                "uuid": "m2",
                "sender": "assistant",
                "text": "Let me look.\n\nMilk.",
                "created_at": "2025-02-01T10:00:05Z",
                "updated_at": "2025-02-01T10:00:09Z",
                "content": [
                    {"type": "thinking", "thinking": "They want milk."},
                    {"type": "text", "text": "Let me look."},
                    {"type": "tool_use", "id": "toolu_1", "name": "web search", "input": {"query": "milk"}},
                    {"type": "tool_use", "id": "toolu_2", "name": "fetch", "input": {"url": "http://x"}},
                    {
                        "type": "tool_result",
                        "tool_use_id": "toolu_2",
                        "name": "fetch",
                        "is_error": True,
                        "content": "404",
                    },
                    {
                        "type": "tool_result",
                        "tool_use_id": "toolu_1",
                        "name": "web search",
                        "is_error": False,
                        "content": [
                            {"type": "text", "text": "milk is white"},
                            {"type": "image", "source": {"data": "AA"}},
                        ],
                    },
                    {"type": "text", "text": "Milk."},
                    {"type": "hologram"},
                ],
            },
            {"uuid": "m3", "sender": "human", "text": "and then?", "content": [], "created_at": "2025-02-01T10:05:00Z"},
        ],
        **changes,
    }
