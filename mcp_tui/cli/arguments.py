"""The argument parser."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mcp_tui import __version__

EPILOG = """\
exit codes:
  0   done
  1   the turn, or the program, ended in an error
  2   wrong usage or configuration; run: a server is not trusted
  3   run: a tool was denied by policy; servers trust: something was not accepted
  130 interrupted (128 + n: ended by signal n)
"""


@dataclass(slots=True)
class Options:
    """What the command line asks for."""

    command: Literal["app", "demo", "run", "init", "check", "servers_list", "servers_trust"]
    config: str | None = None
    servers: str | None = None
    conversation: str | None = None
    """An id, ``last``, or ``None`` for a new conversation."""
    text: str = ""
    json: bool = False
    model: str | None = None
    policy: Literal["deny", "allow"] = "deny"
    allow: tuple[str, ...] = ()
    demo: bool = False
    force: bool = False
    directory: str | None = None
    name: str = ""
    yes: bool = False


def parse(argv: Sequence[str] | None = None) -> Options:
    """Parse ``argv``; exits with status 2 and a message where it is wrong, with 0 for ``--help`` and ``--version``."""
    given = vars(_parser().parse_args(argv))
    given["allow"] = tuple(given.get("allow") or ())
    return Options(**given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="mcp-tui",
        description="Chat with any model in the terminal, with MCP tools that you approve.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"mcp-tui {__version__}")
    parser.set_defaults(command="app")
    _add_files(parser)
    _add_continue(parser)
    commands = parser.add_subparsers(title="commands", metavar="")
    demo = commands.add_parser("demo", help="try it: an offline demo model and bundled servers, no key, no network")
    demo.set_defaults(command="demo", demo=True)
    _add_continue(demo)
    _add_run(
        commands.add_parser(
            "run", help="one turn without the app", epilog=EPILOG, formatter_class=parser.formatter_class
        )
    )
    init = commands.add_parser("init", help="write commented sample files to start from")
    init.set_defaults(command="init")
    init.add_argument("--force", action="store_true", help="replace files that are there")
    init.add_argument("--directory", metavar="DIR", help="where to; the user's configuration directory by default")
    check = commands.add_parser("check", help="validate the configuration; starts nothing; exits with 0 or 2")
    check.set_defaults(command="check")
    _add_files(check)
    _add_servers(
        commands.add_parser(
            "servers", help="which servers may start", epilog=EPILOG, formatter_class=parser.formatter_class
        )
    )
    return parser


def _add_servers(servers: argparse.ArgumentParser) -> None:
    commands = servers.add_subparsers(title="commands", metavar="", required=True)
    listing = commands.add_parser("list", help="all servers: command, and whether it is trusted; starts nothing")
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
