"""What a fingerprint covers: nothing about a start can change without it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mcp_tui.config.servers import ServerConfig
from mcp_tui.trust.fingerprint import KEY_FILE, Launch, launch_of, load_key

KEY = b"k" * 32
PLAIN: dict[str, Any] = {"command": sys.executable, "args": ["-m", "x", "--port", "1"], "env": {"TOKEN": "value-one"}}


def launch(environ: dict[str, str] | None = None, key: bytes = KEY, **fields: Any) -> Launch:
    return launch_of("s", ServerConfig(**fields), environ=environ or {"PATH": os.environ["PATH"]}, key=key, mask=str)


@pytest.mark.parametrize(
    "change",
    [
        {"command": "/bin/sh"},
        {"args": ["-m", "x", "--port", "2"]},
        {"args": ["-m", "x", "--port=1"]},
        {"args": ["--port", "1", "-m", "x"]},
        {"args": ["-m", "x", "--port", "1", ""]},
        {"args": ["-m", "x", "--port", "1\u200b"]},
        {"cwd": "/"},
        {"env": {"TOKEN": "value-two"}},
        {"env": {"TOKEN2": "value-one"}},
        {"env": {"TOKEN": "value-one", "LD_PRELOAD": "x.so"}},
        {"env": {}},
        {"command": None, "args": [], "env": {}, "url": "https://example.org/mcp"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_case_111_every_change_of_an_entry_changes_the_fingerprint(change: dict[str, Any]) -> None:
    assert launch(**(PLAIN | change)).fingerprint != launch(**PLAIN).fingerprint


def test_the_same_start_has_the_same_fingerprint() -> None:
    assert launch(**PLAIN).fingerprint == launch(**PLAIN).fingerprint


def test_what_does_not_change_the_start_does_not_change_the_fingerprint() -> None:
    assert launch(**PLAIN, enabled=False, idle_timeout=3.0).fingerprint == launch(**PLAIN).fingerprint


@pytest.mark.parametrize("field", ["url", "headers"])
def test_a_remote_entry_is_covered_too(field: str) -> None:
    base: dict[str, Any] = {"url": "https://one.example/mcp", "headers": {"Authorization": "Bearer one"}}
    other = base | {field: "https://two.example/mcp" if field == "url" else {"Authorization": "Bearer two"}}
    assert launch(**base).fingerprint != launch(**other).fingerprint


def program(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "tool"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_case_111_another_program_of_that_name_on_the_path(tmp_path: Path) -> None:
    program(tmp_path / "late")
    environ = {"PATH": f"{tmp_path / 'early'}:{tmp_path / 'late'}"}
    before = launch(environ, command="tool")
    found = program(tmp_path / "early")
    after = launch(environ, command="tool")
    assert after.fingerprint != before.fingerprint
    assert after.shown.program == str(found)


def test_the_path_of_the_entry_is_the_one_that_is_searched(tmp_path: Path) -> None:
    found = program(tmp_path / "own")
    entry = {"command": "tool", "env": {"PATH": str(found.parent)}}
    assert launch(**entry).shown.program == str(found)


def test_case_111_a_link_that_points_elsewhere(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(program(tmp_path / "one"))
    before = launch(command=str(link))
    link.unlink()
    link.symlink_to(program(tmp_path / "two"))
    assert launch(command=str(link)).fingerprint != before.fingerprint
    assert before.shown.program == f"{link} -> {tmp_path / 'one' / 'tool'}"


def test_case_111_a_relative_file_in_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``python server.py`` accepted in one folder does not run the ``server.py`` of another one."""
    prints = set()
    for name in ("one", "two", "without"):
        folder = tmp_path / name
        folder.mkdir()
        if name != "without":
            (folder / "server.py").write_text("")
        monkeypatch.chdir(folder)
        prints.add(launch(command=sys.executable, args=["server.py"]).fingerprint)
    assert len(prints) == 3


def test_an_absolute_start_does_not_depend_on_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = launch(**PLAIN).fingerprint
    monkeypatch.chdir(tmp_path)
    assert launch(**PLAIN).fingerprint == before


def test_values_are_neither_shown_nor_kept() -> None:
    made = launch(command="x", args=["--key", "value-one"], env={"TOKEN": "value-one"})
    assert "value-one" not in repr(made)
    assert made.shown.command == ("x", "--key", "***")
    assert made.shown.variables == ("TOKEN",)


def test_the_hashes_depend_on_the_key() -> None:
    """Somebody who reads the file cannot try out values."""
    one, other = launch(**PLAIN), launch(key=b"o" * 32, **PLAIN)
    assert not set(one.parts.values()) & set(other.parts.values())


def test_a_program_that_is_not_found_is_said_to_be_missing() -> None:
    assert launch(command="no-such-program-here").shown.program == ""


# -- the key -----------------------------------------------------------------------------------------


def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    key = load_key(tmp_path / "data")
    assert load_key(tmp_path / "data") == key
    assert len(key) == 32
    assert stat.S_IMODE((tmp_path / "data" / KEY_FILE).stat().st_mode) == 0o600


def test_processes_that_start_together_agree_on_a_key(tmp_path: Path) -> None:
    (tmp_path / KEY_FILE).write_text("damaged")
    code = "import sys; from pathlib import Path; from mcp_tui.trust.fingerprint import load_key as l; "
    command = [sys.executable, "-c", f"{code}print(l(Path(sys.argv[1])).hex())", str(tmp_path)]
    root = Path(__file__).parent.parent.parent
    running = [subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    keys = {process.communicate(timeout=60)[0].strip() for process in running}
    assert keys == {load_key(tmp_path).hex()}


@pytest.mark.parametrize("spoil", ["damaged", "empty", "readable", "link"])
def test_case_118_a_spoilt_key_counts_as_lost(spoil: str, tmp_path: Path) -> None:
    key = load_key(tmp_path)
    path = tmp_path / KEY_FILE
    match spoil:
        case "damaged":
            path.write_text("zz")
        case "empty":
            path.write_text("")
        case "readable":
            path.chmod(0o644)
        case _:
            path.rename(tmp_path / "elsewhere")
            path.symlink_to(tmp_path / "elsewhere")
    fresh = load_key(tmp_path)
    assert fresh != key
    assert load_key(tmp_path) == fresh
