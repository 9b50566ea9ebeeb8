"""From the start of ``mcp-tui demo``, whose four servers start meanwhile, until a typed key is on the screen."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.measure import ROOT, Row, Screen, environment, interleaved, python

GOAL = 1.25


def echo_seconds(command: list[str]) -> float:
    """Start a program and time the first echo."""
    with tempfile.TemporaryDirectory() as folder, Screen(command, environment(Path(folder))) as screen:
        return screen.until_echo()


def run(quick: bool) -> list[Row]:
    """Interleaved with a bare Textual app that has the same widgets."""
    bare = python(str(ROOT / "benchmarks" / "bare_app.py"))
    ours, floor = interleaved(
        3 if quick else 9, lambda: echo_seconds(python("-m", "mcp_tui", "demo")), lambda: echo_seconds(bare)
    )
    name = "start to first echoed key, four servers starting"
    return [Row(name, ours, floor, f"at most {GOAL}", note="floor: bare Textual app", met=ours / floor <= GOAL)]
