from __future__ import annotations

import os
from pathlib import Path

import pytest

from mcp_tui.config.source import MAX_BYTES, Unreadable, read_text


def reason(path: Path) -> str:
    with pytest.raises(Unreadable) as caught:
        read_text(path)
    return caught.value.problem.render()


def test_case_096_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_text(file) == "a: 1\n"


def test_a_missing_file_is_named_with_its_whole_path(tmp_path: Path) -> None:
    assert reason(tmp_path / "no.yaml") == f"no.yaml: does not exist ({tmp_path / 'no.yaml'})"


def test_a_directory(tmp_path: Path) -> None:
    assert "is a directory" in reason(tmp_path)


def test_a_fifo_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in reason(tmp_path / "pipe")


def test_case_096_bytes_that_are_not_utf8_are_placed(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes(b"a: 1\nbc: \xff\n")
    assert reason(file).startswith("a.yaml:2:5: is not UTF-8 text")


def test_case_096_utf16_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_bytes("a: 1".encode("utf-16"))
    assert "is not UTF-8 text" in reason(file)


def test_case_098_a_file_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    with file.open("wb") as stream:
        stream.truncate(MAX_BYTES + 1)
    assert "1,000,000 bytes at most" in reason(file)


def test_the_systems_reason_is_said(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert "cannot be read: Too many levels of symbolic links" in reason(tmp_path / "loop")


def test_a_component_that_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be read: Not a directory" in reason(tmp_path / "file" / "config.yaml")
