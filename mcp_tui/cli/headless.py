"""What every command shares that drives the engine without the app: nobody can be asked, and nothing starts unseen."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import sys
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

from mcp_tui.cli.options import Options
from mcp_tui.cli.wiring import Setup, conversations_dir, open_log, setup, trust_keeper
from mcp_tui.config.rules_file import RulesFile
from mcp_tui.engine.engine import Engine
from mcp_tui.errors import UsageError
from mcp_tui.safety.text import prose

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run_headless(
    options: Options, work: Callable[[Setup], Coroutine[Any, Any, int]], *, keys_needed: bool = True
) -> int:
    """Load the configuration, open log and history, and do ``work``; its exit code."""
    with setup(options, keys_needed=keys_needed) as made:
        log = open_log(made)
        try:
            check_data_dir(conversations_dir(made.paths))
            return asyncio.run(work(made))
        finally:
            log.close()


def check_allowed_names(names: Iterable[str]) -> None:
    """Raise `UsageError` for an ``--allow`` that names no tool."""
    for name in names:
        server, _, tool = name.partition(".")
        if not (server and tool):
            raise UsageError(f"--allow {name}: write it as SERVER.TOOL.")


def trust_command(options: Options, server: str) -> str:
    """What to type to look at a server and accept it, with the same files."""
    files = (("--config", options.config), ("--servers", options.servers))
    given = [part for name, value in files if value is not None for part in (name, value)]
    return shlex.join(["mcp-tui", "servers", "trust", server, *given])


def check_trust(options: Options, made: Setup) -> None:
    """Raise `UsageError` while a server waits to be accepted: nobody can be asked, and none is left out silently."""
    keeper = trust_keeper(made)
    waiting = [name for name in keeper.startable() if not keeper.admits(name)]
    if waiting:
        changed = {name for name in waiting if keeper.known(name)}
        words = "; ".join(f"{name} (changed since it was accepted)" if name in changed else name for name in waiting)
        commands = "\n".join(f"  {trust_command(options, name)}" for name in waiting)
        told = " ".join(keeper.problems)
        raise UsageError(
            f"These servers are not trusted, and nothing was started: {words}. {told}".strip(),
            hint=f"Look at their command lines and accept them:\n{commands}",
        )


def rules_of(options: Options, made: Setup) -> RulesFile:
    """``--rules``, or the user's rules.  Raises `InvalidConfiguration`: what denies something is not left out."""
    if options.rules is not None:
        return RulesFile.load_valid(Path(options.rules).expanduser().absolute(), required=True)
    return RulesFile() if made.demo else RulesFile.load_valid(made.paths.rules_file, required=False)


def check_data_dir(directory: Path) -> None:
    """Raise `UsageError` where conversations cannot be kept, before anything is started or asked."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise UsageError(f"Conversations cannot be kept in {directory}: {error.strerror}.") from None
    if not os.access(directory, os.W_OK | os.X_OK):
        raise UsageError(f"Conversations cannot be kept in {directory}: it is not writable.")


def on_signals(engine: Engine, stopped: list[int]) -> None:
    """The first signal ends the turn in good order, the second one the process; its servers end in any case."""
    loop = asyncio.get_running_loop()

    def stop(number: int) -> None:
        if stopped:
            os._exit(128 + number)
        stopped.append(number)
        engine.cancel_turn(drop_queue=True)

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop, int(number))


def say(text: str) -> None:
    """A line on standard error."""
    sys.stderr.write(f"{prose(text).rstrip()}\n")
    sys.stderr.flush()
