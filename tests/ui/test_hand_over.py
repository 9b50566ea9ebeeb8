"""The terminal is handed over and taken back: to an editor, to the shell, to the terminal's own mouse."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.terminal import Terminal

PROGRAM = (
    "import asyncio, sys\n"
    "from mcp_tui.cli.app import Preferences, make_app\n"
    "app = make_app(Preferences())\n"
    "asyncio.run(app.run_async())\n"
    "sys.exit(app.return_code or 0)\n"
)
EDITOR = '#!/bin/sh\necho EDITOR RUNS\nread answer\necho "line of $answer" >> "$1"\n'


@pytest.mark.terminal
def test_editor_gets_the_terminal_and_the_app_gets_it_back(tmp_path: Path) -> None:
    editor = tmp_path / "editor.sh"
    editor.write_text(EDITOR)
    editor.chmod(0o700)
    with Terminal([sys.executable, "-c", PROGRAM], size=(80, 24), env={"VISUAL": str(editor)}) as terminal:
        terminal.wait_for("starting the engine")
        terminal.type("draft")
        terminal.wait_for("draft")
        terminal.press("ctrl+g")
        terminal.wait_for("EDITOR RUNS")
        terminal.type("mine\n")
        terminal.wait_for("line of mine")
        terminal.wait_for("starting the engine")
        terminal.press("ctrl+z")
        terminal.wait_gone("line of mine")
        assert "draft" in terminal.text
        terminal.press("ctrl+q")
        assert terminal.wait_exit() == 0
        assert terminal.unrestored() == []


@pytest.mark.terminal
def test_mouse_is_left_to_the_terminal_and_taken_back() -> None:
    with Terminal([sys.executable, "-c", PROGRAM], size=(80, 24)) as terminal:
        terminal.wait_for("starting the engine")
        before = len(terminal.raw)
        terminal.press("f9")
        terminal.wait_for("Mouse capture off")
        assert b"\x1b[?1000l" in terminal.raw[before:]
        before = len(terminal.raw)
        terminal.press("f9")
        terminal.wait_for("Mouse capture on")
        assert b"\x1b[?1000h" in terminal.raw[before:]
        terminal.press("ctrl+q")
        assert terminal.wait_exit() == 0
        assert terminal.unrestored() == []
