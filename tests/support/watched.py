"""The program, with one law watched while it runs: whenever it rests, a replay shows what the screen shows.

`tests.support.program.Program` starts the app with this module, so that every test of the whole program is a test of
the replay too.  What it finds is written into the folder that ``MCP_TUI_TEST_REPLAYS`` names: one line in ``same``
for each comparison that held, and a file ``different-...`` for each that did not.
"""

from __future__ import annotations

import asyncio
import difflib
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_tui.cli import main

if TYPE_CHECKING:
    from mcp_tui.ui.view import ChatView

FOLDER = "MCP_TUI_TEST_REPLAYS"

MOST_EVENTS = 2_000
"""Events up to which a conversation is also played event by event."""


def watch(folder: Path) -> None:
    """From now on, look whenever the screen was drawn and no turn runs."""
    from mcp_tui.ui.view import ChatView

    drawn, tasks = ChatView.state_changed, set[asyncio.Task[None]]()
    seen: dict[str, int] = {}

    def state_changed(view: ChatView) -> None:
        drawn(view)
        if view.engine is None or view.bridge is None or not view.alive or view.engine.busy or tasks:
            return
        engine: Any = view.engine
        if engine.loading:
            return
        known, conversation = engine._bus.last_seq, engine.conversation_id
        if known and seen.get(conversation) != known and view.bridge.transcript.open_turn is None:
            seen[conversation] = known
            task = asyncio.create_task(compare(view, engine, folder))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    ChatView.state_changed = state_changed  # type: ignore[method-assign]


async def compare(view: ChatView, engine: Any, folder: Path) -> None:
    """Compare the pane with a replay of what is stored, as soon as both hold the same."""
    try:
        await _compare(view, engine, folder)
    except asyncio.CancelledError:
        raise
    except Exception:  # noqa: BLE001 - whatever went wrong is a finding, not an end of the program
        (folder / f"different-{os.getpid()}-{id(view)}").write_text(traceback.format_exc(), encoding="utf-8")


async def _compare(view: ChatView, engine: Any, folder: Path) -> None:
    from tests.support.screen_text import inspected, replayed, text_of

    conversation = engine.conversation_id
    for _ in range(100):
        stored = await engine.history.read(conversation)
        last = stored.events[-1].seq
        if not view.alive or engine.conversation_id != conversation or engine.busy:
            return
        pane, transcript = view.conversation, view.bridge.transcript if view.bridge is not None else None
        if (
            transcript is not None
            and engine._bus.last_seq == last
            and not pane.busy
            and len(transcript.items) == len(engine.transcript.items)
            and transcript.knows(stored.events[-1])
        ):
            break
        await asyncio.sleep(0.05)
    else:
        return
    live = text_of(pane) + inspected(transcript.items)
    for by_event in (False, True)[: 1 + (len(stored.events) <= MOST_EVENTS)]:
        shown = replayed(stored.events, pane, by_event=by_event)
        items = [entry.item for entry in shown.document.entries]  # type: ignore[attr-defined]
        again = text_of(shown) + inspected(items)
        if live != again:
            words = "\n".join(difflib.unified_diff(live, again, "live", "replayed", lineterm=""))
            (folder / f"different-{os.getpid()}-{last}").write_text(words, encoding="utf-8")
        else:
            with (folder / "same").open("a", encoding="utf-8") as file:
                file.write(f"{conversation} {last} {len(live)} rows\n")


if __name__ == "__main__":
    if os.environ.get(FOLDER):
        watch(Path(os.environ[FOLDER]))
    sys.exit(main())
