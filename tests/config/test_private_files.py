from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_tui.config.private_files import make_private_dirs, replace_keeping_old, write_new


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    old = os.umask(request.param)
    yield
    os.umask(old)


@pytest.mark.usefixtures("umask")
def test_case_011_modes_whatever_the_umask(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    make_private_dirs(folder)
    write_new(folder / "f", "x")
    replace_keeping_old(folder / "f", "y")
    assert [mode(path) for path in (folder.parent, folder, folder / "f", folder / "f.bak")] == [
        0o700,
        0o700,
        0o600,
        0o600,
    ]


def test_a_folder_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    make_private_dirs(tmp_path / "new")
    assert (mode(tmp_path), mode(tmp_path / "new")) == (0o755, 0o700)


def test_what_stands_in_the_way_of_a_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(NotADirectoryError):
        make_private_dirs(tmp_path / "dangling" / "folder")


def test_a_new_file_is_never_written_over_anything(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("mine")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder").mkdir()
    for name in ("f", "dangling", "folder"):
        with pytest.raises(FileExistsError):
            write_new(tmp_path / name, "new")
    assert file.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dangling", "f", "folder"]


def test_without_hard_links_it_still_does_not_overwrite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr(os, "link", refuse)
    write_new(tmp_path / "f", "one")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "f", "two")
    assert (tmp_path / "f").read_text() == "one"


def test_every_old_file_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "f"
    kept = [replace_keeping_old(file, text) for text in ("1", "2", "3", "3")]
    assert kept == [None, tmp_path / "f.bak", tmp_path / "f.bak2", None]
    assert [(tmp_path / name).read_text() for name in ("f", "f.bak", "f.bak2")] == ["3", "1", "2"]


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "f"
    target.write_text("old")
    (tmp_path / "link").symlink_to(target)
    replace_keeping_old(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert target.read_text() == "new"


def test_a_failure_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    (tmp_path / "f").write_text("old")
    with pytest.raises(OSError, match="No space"):
        replace_keeping_old(tmp_path / "f", "new")
    with pytest.raises(OSError, match="No space"):
        write_new(tmp_path / "g", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["f"]
    assert (tmp_path / "f").read_text() == "old"
