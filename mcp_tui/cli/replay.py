"""``mcp-tui replay``: a conversation as it happened.  Starts no server and no model.

In a terminal it is played in the app; what the person chooses there (continue, fork, verify) starts the engine.
Without a terminal, or with ``--plain``, it is written as text; with ``--json`` as events, one per line.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterable

from mcp_tui.cli import EXIT_OK
from mcp_tui.cli.options import Options
from mcp_tui.cli.standard_output import write
from mcp_tui.config.paths import resolve_paths


def replay(options: Options) -> int:
    """Play or write a conversation and return the exit code.  Raises `ConversationNotFound` and `UsageError`."""
    from mcp_tui.cli.replay_arguments import check_flags

    check_flags(options)
    if options.verify:
        from mcp_tui.cli.verify import verify

        return verify(options)
    if options.offline_tools:
        from mcp_tui.cli.offline import replay_offline

        return replay_offline(options)
    if options.json or options.plain or not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        return _write(options)
    _refuse_missing(options.id)
    from mcp_tui.cli.app import run_app
    from mcp_tui.cli.replay_app import ReplaySession

    return run_app(options, ReplaySession)


def _refuse_missing(wanted: str) -> None:
    """Raise `ConversationNotFound` before the app takes the screen; nothing heavy is imported where a file is there."""
    directory = resolve_paths(os.environ).conversations_dir
    pattern = "*.jsonl" if wanted == "last" else f"{wanted.lower()}*.jsonl"
    if not (wanted.isalnum() and next(directory.glob(pattern), None)):
        from mcp_tui.cli.stored import find_id

        asyncio.run(find_id(wanted))


def _write(options: Options) -> int:
    from mcp_tui.cli.conversation_text import text_lines
    from mcp_tui.cli.stored import read
    from mcp_tui.events.codec import to_object
    from mcp_tui.export.masking import without_keys

    stored = asyncio.run(read(options.id))
    if stored.missing:
        sys.stderr.write(f"note: {stored.missing}\n")
    events = stored.events
    lines: Iterable[str] = (
        (json.dumps(to_object(event)) for event in without_keys(events)[0]) if options.json else text_lines(events)
    )
    for line in lines:
        write(f"{line}\n")
    return EXIT_OK
