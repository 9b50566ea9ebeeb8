"""The argument parser."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from mcp_tui import __version__
from mcp_tui.cli.history_arguments import add_history
from mcp_tui.cli.options import Options
from mcp_tui.cli.replay_arguments import add_replay
from mcp_tui.safety.text import prose

EPILOG = """\
exit codes:
  0   done
  1   the turn, or the program, ended in an error; replay --verify: a result differs; replay --offline-tools: a
      recorded call was not made
  2   wrong usage or configuration; run, replay --verify: a server is not trusted
  3   run: a tool was denied by policy; replay --verify: nothing differs, and a call could not be run;
      replay --offline-tools: a call has no recorded result; servers trust: something was not accepted
  130 interrupted (128 + n: ended by signal n)
  141 who read the output left, as in `| head -1`
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong without repeating raw what stood in the command line."""

    def _print_message(self, message: str, file: Any = None) -> None:
        super()._print_message(prose(message), file)


def parse(argv: Sequence[str] | None = None) -> Options:
    """Parse ``argv``; exits with status 2 and a message where it is wrong, with 0 for ``--help`` and ``--version``."""
    parser = _parser()
    known, others = parser.parse_known_args(argv)
    if others:
        dashed = "; what begins with - and is no option stands behind --" * any(one.startswith("-") for one in others)
        parser.error(f"unrecognized arguments: {' '.join(others)}{dashed}")
    given = vars(known)
    for name in ("allow", "ignore", "ignore_patterns", "ids", "words", "tags", "remove"):
        given[name] = tuple(given.get(name) or ())
    return Options(**given)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="mcp-tui",
        description="Chat with any model in the terminal, with MCP tools that you approve: the app, without a command.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mcp-tui {__version__}")
    parser.set_defaults(command="app")
    _add_files(parser)
    _add_continue(parser)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    demo = commands.add_parser(
        "demo",
        help="try it: an offline demo model and bundled servers, no key, no network",
        description="The app with an offline demo model and bundled servers: no configuration, no key, no network.",
    )
    demo.set_defaults(command="demo", demo=True)
    _add_continue(demo)
    _add_run(
        commands.add_parser(
            "run",
            help="one turn without the app",
            description="One turn without the app: the answer goes to standard output, all else to standard error.\n"
            "Nobody can be asked, so a tool that nothing allows is denied, and named at the end.",
            epilog=EPILOG,
            formatter_class=parser.formatter_class,
        )
    )
    init = commands.add_parser(
        "init",
        help="write commented sample files to start from",
        description="Write commented sample files of configuration, servers and rules, and say which keys and local "
        "models were found. A file that is there stays.",
    )
    init.set_defaults(command="init")
    init.add_argument("--force", action="store_true", help="replace files that are there")
    init.add_argument("--directory", metavar="DIR", help="where to; the user's configuration directory by default")
    check = commands.add_parser(
        "check",
        help="validate the configuration; starts nothing; exits with 0 or 2",
        description="Validate configuration, servers and rules, and name every mistake with its place. Starts nothing; "
        "exits with 0 when all of it can be used, else with 2.",
    )
    check.set_defaults(command="check")
    _add_files(check)
    _add_servers(
        commands.add_parser(
            "servers",
            help="which servers may start",
            description="Which servers may start: each only once its command line was accepted.",
            epilog=EPILOG,
            formatter_class=parser.formatter_class,
        )
    )
    _add_rules(
        commands.add_parser(
            "rules",
            help="permission rules: list, test, add, remove",
            description="Permission rules: which calls run without being asked about, never, or only when asked about.",
        )
    )
    history = commands.add_parser(
        "history",
        help="conversations: browse them in the app, or list, search, check, ...",
        description="Without a command, the app opens on the list of conversations; that needs no configuration.",
    )
    add_history(history)
    _add_files(history)
    replay = commands.add_parser(
        "replay",
        help="play a conversation as it happened, or verify it: run its tool calls again and compare",
        description="Plays a conversation as it happened, in the app; without a terminal it is written as text.\n"
        "Starts no server and no model, unless it is to be verified, or tried on another model.",
        epilog=EPILOG,
        formatter_class=parser.formatter_class,
    )
    add_replay(replay)
    _add_files(replay)
    return parser


def _add_rules(rules: argparse.ArgumentParser) -> None:
    commands = rules.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listing = commands.add_parser("list", help="all rules", description="All rules, with their effect and id.")
    test = commands.add_parser(
        "test",
        help="what would become of a call, and which rule says so",
        description="What would become of a call, and which rule says so; with --history, of every recorded call. "
        "Nothing runs.",
    )
    test.add_argument("tool", metavar="SERVER.TOOL", nargs="?", default="", help="the tool; with --history a filter")
    test.add_argument("arguments", metavar="ARGUMENTS", nargs="?", help="JSON object; {} by default")
    test.add_argument("--history", action="store_true", help="try the rules on all recorded calls")
    add = commands.add_parser(
        "add",
        help="write a rule",
        description="Write a rule into the file; one with a mistake is refused.",
    )
    add.add_argument("effect", choices=("allow", "deny", "ask"), help="deny wins over ask, ask over allow")
    add.add_argument("tool", metavar="SERVER[.TOOL]", help="one tool, or all of a server; patterns for deny and ask")
    add.add_argument(
        "--arguments", metavar="JSON", help="""argument -> pattern, such as '{"path": {"path_under": "/srv/notes"}}'"""
    )
    add.add_argument("--project", metavar="DIR", help="only while mcp-tui runs in this folder or below it")
    add.add_argument("--id", metavar="ID", default="", help="a name of its own; made from the tool's by default")
    add.add_argument("--note", metavar="TEXT", default="", help="why it is there")
    for parser in (test, add):
        parser.add_argument("--read-only", action="store_true", help="the server says the tool changes nothing")
    remove = commands.add_parser("remove", help="take a rule out", description="Take a rule out of the file.")
    remove.add_argument("id", metavar="ID", help="as `rules list` shows it")
    named = {"list": listing, "test": test, "add": add, "remove": remove}
    for name, parser in named.items():
        parser.set_defaults(command=f"rules_{name}")
        parser.add_argument("--json", action="store_true", help="JSON, an object per line")
        parser.add_argument("--rules", metavar="FILE", help="another file than permissions.yaml beside config.yaml")
        _add_files(parser)


def _add_servers(servers: argparse.ArgumentParser) -> None:
    commands = servers.add_subparsers(title="commands", metavar="COMMAND", required=True)
    listing = commands.add_parser(
        "list",
        help="all servers: command, and whether it is trusted; starts nothing",
        description="All servers with their command lines, and whether they are trusted. Starts nothing.",
    )
    listing.set_defaults(command="servers_list")
    listing.add_argument("--json", action="store_true", help="one JSON object per server and line")
    _add_files(listing)
    trust = commands.add_parser(
        "trust",
        help="show a server's command line in full and accept it",
        description="Show a server's command line in full, with what deserves a second look, and ask. Accepted, it is "
        "started once: the tools that it lists are shown and accepted with it. Done again, what it changed since is "
        "shown and asked about.",
    )
    trust.set_defaults(command="servers_trust")
    trust.add_argument("name", metavar="NAME", help="its name in servers_config.json")
    trust.add_argument(
        "--yes", action="store_true", help="accept without asking; never tools whose definition hides something"
    )
    _add_files(trust)


def _add_run(run: argparse.ArgumentParser) -> None:
    run.set_defaults(command="run")
    run.add_argument("text", help="what to say; - reads it from standard input")
    _add_files(run)
    run.add_argument("--json", action="store_true", help="write every event as a JSON line instead of the answer")
    run.add_argument("--model", metavar="NAME", help="a provider of the configuration other than the active one")
    run.add_argument("--conversation", metavar="ID", help="continue a conversation; 'last' takes the latest")
    run.add_argument(
        "--policy",
        choices=("deny", "allow"),
        default="deny",
        help="what happens to a tool call that nothing allows (default: deny)",
    )
    run.add_argument("--allow", metavar="SERVER.TOOL", action="append", help="a tool that may run; repeatable")
    run.add_argument("--rules", metavar="FILE", help="permission rules instead of permissions.yaml beside config.yaml")
    run.add_argument("--demo", action="store_true", help="the offline demo model and servers")


def _add_files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS, help="config.yaml; also MCP_CONFIG_PATH")
    parser.add_argument(
        "--servers", metavar="FILE", default=argparse.SUPPRESS, help="servers_config.json; also MCP_SERVERS_CONFIG_PATH"
    )


def _add_continue(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--continue",
        dest="conversation",
        metavar="ID",
        nargs="?",
        const="last",
        default=argparse.SUPPRESS,
        help="open the latest conversation, or the one with this id",
    )
