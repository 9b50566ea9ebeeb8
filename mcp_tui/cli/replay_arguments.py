"""The parser of ``mcp-tui replay``."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from mcp_tui.cli.history_arguments import ID_HELP
from mcp_tui.errors import UsageError

if TYPE_CHECKING:
    from mcp_tui.cli.options import Options

FASTEST = 1000.0


def add_replay(replay: argparse.ArgumentParser) -> None:
    """``replay ID``."""
    replay.set_defaults(command="replay")
    replay.add_argument("id", metavar="ID", help=ID_HELP)
    replay.add_argument(
        "--speed", metavar="N", type=_speed, default=1.0, help="times the recorded speed, or 'once' for at once"
    )
    replay.add_argument("--json", action="store_true", help="write every event as a JSON line instead")
    replay.add_argument(
        "--verify", action="store_true", help="run its tool calls again and say which results differ; no model is asked"
    )
    replay.add_argument("--allow", metavar="SERVER.TOOL", action="append", help="a tool that may run; repeatable")
    replay.add_argument("--rules", metavar="FILE", help="permission rules instead of permissions.yaml")
    replay.add_argument(
        "--policy",
        choices=("deny", "allow"),
        default="deny",
        help="what happens to a call that nothing allows (default: deny)",
    )
    replay.add_argument(
        "--ignore",
        metavar="PATH",
        action="append",
        help="with --verify: a place that is another each time, written as a difference names it: "
        "structuredContent.time, 'content[0].text:2' (a line), 'structuredContent.items[*].id'; of one tool: "
        "clock.now:structuredContent.time; repeatable",
    )
    replay.add_argument(
        "--ignore-pattern",
        metavar="REGEX",
        action="append",
        dest="ignore_patterns",
        help="with --verify: text that is another each time, wherever it stands in a result, such as "
        r"'\d\d:\d\d:\d\d'; repeatable",
    )
    replay.add_argument(
        "--offline-tools",
        action="store_true",
        help="ask a model again, with the recorded results instead of servers; exit code 1 when it leaves a call out, "
        "3 when it only makes others that have no recorded result",
    )
    replay.add_argument("--model", metavar="NAME", help="with --offline-tools: a provider other than the active one")
    replay.add_argument("--demo", action="store_true", help="with the offline demo model and servers")
    replay.add_argument("--plain", action="store_true", help="write it as text, as happens without a terminal")


def _speed(word: str) -> float:
    lower = word.strip().lower()
    if lower in ("once", "max"):
        return math.inf
    try:
        number = float(lower.removesuffix("x"))
    except ValueError:
        number = 0.0
    if not 0 < number <= FASTEST:
        most = f"{FASTEST:g} at most, or 'once'"
        raise argparse.ArgumentTypeError(f"{word!r}: write a number such as 1, 2 or 0.5, {most}")
    return number


def check_flags(options: Options) -> None:
    """Raise `UsageError` for flags that belong to something else."""
    if options.verify and options.offline_tools:
        raise UsageError("Either --verify or --offline-tools: one runs the tools again, the other runs none.")
    if options.model and not options.offline_tools:
        raise UsageError("--model needs --offline-tools: the other model is given the recorded results.")
    if (options.allow or options.policy == "allow" or options.rules) and not options.verify:
        raise UsageError("--allow, --rules and --policy need --verify: nothing else runs a tool.")
    if (options.ignore or options.ignore_patterns) and not options.verify:
        raise UsageError("--ignore and --ignore-pattern need --verify: nothing else compares results.")
