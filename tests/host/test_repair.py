"""Lines into messages, tolerantly, without ever raising."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_tui.host.repair import MAX_DEPTH, Refused, as_id, find_id, find_id_at_end, parse


def _message(**fields: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **fields}).encode()


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_case_034_054_055_no_bytes_make_it_raise(raw: bytes) -> None:
    parse(raw)
    parse(b'{"jsonrpc":"2.0","id":1,"result":' + raw + b"}")


def test_messages() -> None:
    assert parse(_message(id=1, result={})) == [{"jsonrpc": "2.0", "id": 1, "result": {}}]
    assert parse(b"[" + _message(id=1, result={}) + b"," + _message(method="m") + b"]") == [
        {"jsonrpc": "2.0", "id": 1, "result": {}},
        {"jsonrpc": "2.0", "method": "m"},
    ]


@pytest.mark.parametrize("raw", [b"hello", b"{}", b"[]", b"1", b'"x"', b"null", b'{"jsonrpc":"1.0"}', b"[1]", b"\xff"])
def test_other_output(raw: bytes) -> None:
    refused = parse(raw)
    assert isinstance(refused, Refused)
    assert not refused.looks_like_message


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'"result":{"a":NaN}', "number"),
        (b'"result":{"a":-Infinity}', "number"),
        (b'"result":{"a":' + b"9" * 10_000 + b"}", "number"),
        (b'"result":{"a":' + b"[" * 200 + b"]" * 200 + b"}", "nested"),
        (b'"result":{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}", "nested"),
        (b'"result":{"a":', "not valid JSON"),
    ],
)
def test_case_052_broken_messages_keep_their_id(body: bytes, reason: str) -> None:
    refused = parse(b'{"jsonrpc":"2.0","id":7,' + body + b"}")
    assert isinstance(refused, Refused)
    assert refused.looks_like_message
    assert refused.message_id == 7
    assert reason in refused.reason


def test_case_055_nesting_within_the_limit_is_accepted() -> None:
    value: Any = 1
    for _ in range(MAX_DEPTH - 10):
        value = [value]
    assert not isinstance(parse(_message(id=1, result={"a": value, "b": [[]] * 200})), Refused)


def test_case_054_text_is_always_valid_unicode() -> None:
    (message,) = parse(b'{"jsonrpc":"2.0","id":1,"result":{"a\\ud800":["b\\udfff", "\xff", "\xed\xa0\x80"]}}')  # type: ignore[misc]
    json.dumps(message, ensure_ascii=False).encode("utf-8")


def test_ids() -> None:
    assert as_id("12") == 12
    assert as_id("x") == "x"
    assert as_id(None) is None
    assert as_id(True) is None
    assert as_id(1.5) is None
    assert find_id(b'{"jsonrpc":"2.0","id":"abc","result":') == "abc"
    assert find_id(b'{"method":"m","id":1') is None
    assert find_id(b"none") is None
    assert find_id(b'{"result":{"id":3,"x":"') is None
    assert find_id_at_end(b'{"result":{"id":3}},"jsonrpc":"2.0","id":4}') == 4
    assert find_id_at_end(b'{"id":3}},"id":4,"jsonrpc":"2.0"}\r') == 4
