"""``python -m benchmarks [--quick] [NAME ...]``: measure, print one table in Markdown."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys
import time

from benchmarks.measure import Row, table
from benchmarks.rows import ADAPTERS

NAMES = (
    "start",
    "stall",
    "stream_markdown",
    "long_conversation",
    "open_conversation",
    "open_replay",
    "tool_call",
    "servers",
    "history",
)
"""Modules with a ``run(quick)`` that returns rows, or what `benchmarks.rows` makes rows of."""


def main() -> int:
    """Run what is asked for; 1 when something could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of: {', '.join(NAMES)} (default: all)")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    rows: list[Row] = []
    failed = []
    for name in arguments.names or NAMES:
        began = time.monotonic()
        try:
            results = importlib.import_module(f"benchmarks.{name}").run(arguments.quick)
            rows += ADAPTERS[name](results) if name in ADAPTERS else results
        except (RuntimeError, OSError, ImportError) as error:
            failed.append(f"{name}: {error}")
        print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    load = f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
    print(f"Python {platform.python_version()}, {platform.system()}, medians of interleaved runs, {load}.\n")
    print(table(rows))
    for line in failed:
        print(f"could not be measured: {line}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
