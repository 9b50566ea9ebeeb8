"""The command line: arguments, wiring of the concrete parts, exit codes.

Exit codes of every command: 0 done; 1 the turn (or the program) ended in an error, ``replay --verify``: a result
differs; 2 wrong usage or configuration, or ``run`` and ``replay --verify`` with a server that is not trusted;
3 ``run``: a tool was denied by policy, ``replay --verify``: no result differs and a call could not be run,
``servers trust``: something was not accepted; 128 + n ended by signal n, so 130 for Ctrl+C; 141 where who read the
output left, as other programs end by SIGPIPE then.

``arguments``  the parser
``app``        the Textual app, with the engine around it
``run``        one turn without the app
``verify``     ``replay --verify``: the calls of a conversation again
``offline``    ``replay --offline-tools``: a conversation on another model, with recorded results
``headless``   what commands share that drive the engine without the app
``replay``     a conversation as it happened: in the app (``replay_app``), as text, as JSON lines
``setup``      ``init`` and ``check``
``conversations``  which conversation a word means
``history_files``  ``history export`` and ``history import``
``history_app``  ``history`` alone: the app on its history screen
``history``    ``history list``, ``search``, ``rename``, ...; ``history_arguments`` is their parser
``servers``    ``servers list`` and ``servers trust``
``wiring``     configuration -> engine
``shutdown``   signals, a vanished terminal, the last resort
``standard_output``  what every command writes through; ``progress``: how far something is
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcp_tui.cli.options import Options

EXIT_OK, EXIT_ERROR, EXIT_USAGE, EXIT_DENIED, EXIT_INTERRUPTED, EXIT_READER_LEFT = 0, 1, 2, 3, 130, 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command in ``argv`` (the process's own by default) and return its exit code."""
    from mcp_tui.cli import standard_output

    standard_output.prepare()
    try:
        try:
            return _run(argv)
        finally:
            standard_output.flush()
    except standard_output.ReaderLeft:
        standard_output.give_up()
        return EXIT_READER_LEFT
    except standard_output.OutputFailed as error:
        standard_output.give_up()
        sys.stderr.write(f"mcp-tui: {error}\n")
        return EXIT_ERROR


def _run(argv: Sequence[str] | None) -> int:
    from mcp_tui.cli.arguments import parse
    from mcp_tui.cli.standard_output import OutputFailed, ReaderLeft
    from mcp_tui.errors import McpTuiError
    from mcp_tui.safety.text import prose

    options = parse(argv)
    try:
        return _command(options.command)(options)
    except (OutputFailed, ReaderLeft):
        raise
    except McpTuiError as error:
        sys.stderr.write(prose(f"mcp-tui: {error}\n"))
        return EXIT_USAGE
    except KeyboardInterrupt:
        if sys.stderr.isatty():
            sys.stderr.write("\n")  # behind the ^C that the terminal shows
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the top of the command line: words and a status, never a traceback
        sys.stderr.write(_fault(error))
        return EXIT_ERROR


def _fault(error: Exception) -> str:
    """Where a fault of the program itself happened; without its message and its variables, which may hold a key."""
    import traceback

    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"mcp-tui stopped because of a fault of its own: {type(error).__name__}.\n{frames}"


def _command(name: str) -> Callable[[Options], int]:
    """The function behind a command; each is imported only when it runs."""
    match name:
        case "run":
            from mcp_tui.cli.run import run

            return run
        case "init":
            from mcp_tui.cli.setup import init

            return init
        case "servers_list":
            from mcp_tui.cli.servers import list_servers

            return list_servers
        case "servers_trust":
            from mcp_tui.cli.servers import trust_server

            return trust_server
        case "rules_list" | "rules_test" | "rules_add" | "rules_remove":
            from mcp_tui.cli import rules

            functions = {"list": rules.list_rules, "test": rules.test_rule, "add": rules.add_rule}
            return functions.get(name.removeprefix("rules_"), rules.remove_rule)
        case "history":
            from mcp_tui.cli.history_app import browse

            return browse
        case "history_export" | "history_import":
            from mcp_tui.cli.history_files import export_conversation, import_files

            return export_conversation if name == "history_export" else import_files
        case str() if name.startswith("history_"):
            from mcp_tui.cli.history import COMMANDS

            return COMMANDS[name]
        case "replay":
            from mcp_tui.cli.replay import replay

            return replay
        case "check":
            from mcp_tui.cli.setup import check

            return check
        case _:
            from mcp_tui.cli.app import run_app

            return run_app
