"""``trust.json`` on disk: private, whole, shared by processes, never relied on when it is spoilt."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import filelock
import pytest

from mcp_tui.errors import TrustError
from mcp_tui.trust import store
from mcp_tui.trust.store import TrustFile
from tests.trust.support import keeper

ROOT = Path(__file__).parent.parent.parent


def written(folder: Path) -> Path:
    made = keeper(folder)
    made.accept("s")
    made.flush()
    return folder / store.FILE_NAME


def test_it_is_private_and_says_its_version(tmp_path: Path) -> None:
    path = written(tmp_path / "new" / "folder")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    stored = json.loads(path.read_text())
    assert stored["schema"] == store.SCHEMA
    assert stored["servers"]["s"]["accepted"]["version"] == "1.2.3"
    assert list(path.parent.glob(".*")) == []


def test_a_file_that_others_can_read_is_made_private(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.chmod(0o644)
    assert keeper(tmp_path).admits("s")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("spoil", ["writable", "link", "fifo", "folder", "cut", "deep", "not utf-8", "long number"])
def test_case_118_a_file_that_cannot_be_relied_on_counts_as_empty(spoil: str, tmp_path: Path) -> None:
    path = written(tmp_path)
    text = path.read_bytes()
    match spoil:
        case "writable":
            path.chmod(0o620)
        case "link":
            path.rename(tmp_path / "elsewhere")
            path.symlink_to(tmp_path / "elsewhere")
        case "fifo":
            path.unlink()
            os.mkfifo(path, 0o600)
        case "folder":
            path.unlink()
            path.mkdir()
        case "cut":
            path.write_bytes(text[: len(text) // 2])
        case "deep":
            path.write_text("[" * 100_000)
        case "not utf-8":
            path.write_bytes(b'{"schema": 1, "servers": {"\xff": 1}}')
        case _:
            path.write_text('{"schema": ' + "1" * 10_000 + "}")
    made = keeper(tmp_path)
    assert not made.admits("s")
    assert made.problems
    made.accept("s")
    made.flush()
    assert keeper(tmp_path).admits("s")
    assert os.path.lexists(tmp_path / "trust.json.unusable1"), "kept aside"


def test_each_prefix_of_the_file_is_safe(tmp_path: Path) -> None:
    path = written(tmp_path)
    text = path.read_bytes()
    for cut in range(0, len(text) - 1, 7):
        path.write_bytes(text[:cut])
        assert not keeper(tmp_path).admits("s")


def test_a_lock_that_is_not_let_go_of_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LOCK_SECONDS", 0.05)
    path = written(tmp_path)
    before = path.read_bytes()
    descriptor = os.open(tmp_path / "trust.json.lock", os.O_RDWR)
    try:
        assert filelock.lock_descriptor(descriptor, blocking=False)
        with pytest.raises(TrustError, match="held by another process"):
            TrustFile(tmp_path).update(lambda book: book.clear())
    finally:
        os.close(descriptor)
    assert path.read_bytes() == before


def test_a_change_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = written(tmp_path)
    before = path.read_bytes()

    def broken(book: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        TrustFile(tmp_path).update(broken)
    assert path.read_bytes() == before


CODE = """
import os, sys
from pathlib import Path
from mcp_tui.config.servers import ServerConfig
from mcp_tui.safety.secrets import Redactor
from mcp_tui.trust.keeper import TrustKeeper
names = [f"{sys.argv[2]}-{n}" for n in range(20)]
servers = {name: ServerConfig(command=sys.executable) for name in names}
for name in names:
    keeper = TrustKeeper(servers, dict(os.environ), Redactor(), "1", folder=Path(sys.argv[1]))
    keeper.accept(name)
    keeper.flush()
    assert not keeper.problems, keeper.problems
"""


def test_several_processes_at_once_lose_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CODE, str(tmp_path)]
    running = [
        subprocess.Popen([*command, f"p{number}"], cwd=ROOT, stderr=subprocess.PIPE, text=True) for number in range(4)
    ]
    for process in running:
        _, errors = process.communicate(timeout=90)
        assert process.returncode == 0, errors
    stored = json.loads((tmp_path / store.FILE_NAME).read_text())
    assert set(stored["servers"]) == {f"p{process}-{number}" for process in range(4) for number in range(20)}
