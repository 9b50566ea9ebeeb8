"""Ends the servers' process groups when the app is gone, however it went (requirement C6).

Runs as a process of its own (``python -I -S reaper.py``) in its own session, imports nothing of the package and
holds only the read end of a pipe.  The app writes ``+PGID STARTTIME`` and ``-PGID`` lines.  When the pipe closes
(exit, crash, SIGKILL, out of memory) the groups still on the list are ended.

STARTTIME is field 22 of ``/proc/PID/stat``; it guards against a number that was given to another process since.
Where there is no ``/proc`` it is empty and the guard is missing.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

POLITE_SECONDS = 0.5
"""Servers see the end of their input too; most leave by themselves within this time."""

TERMINATE_SECONDS = 2.0


def start_time(pid: int) -> str:
    """When a process started, in clock ticks since boot; empty when it is gone or there is no ``/proc``."""
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rsplit(b")", 1)[1].split()[19].decode()
    except (OSError, IndexError):
        return ""


def group_alive(group: int) -> bool:
    """Whether any process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def signal_group(group: int, number: int) -> None:
    """Send a signal to a group; a group that is gone or not ours is left alone."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return


def read_groups(lines: Iterable[str]) -> dict[int, str]:
    """Follow the app's lines until the pipe closes; what remains on the list, with start times."""
    groups: dict[int, str] = {}
    for line in lines:
        words = line.split()
        if not words or not words[0][1:].isdigit():
            continue
        group = int(words[0][1:])
        if words[0][0] == "+":
            groups[group] = words[1] if len(words) > 1 else ""
        else:
            groups.pop(group, None)
    return groups


def end_groups(groups: dict[int, str]) -> None:
    """End what is left: a moment to leave, SIGTERM, two seconds, SIGKILL."""
    # A dead leader has no start time but may have left members; another start time is another process.
    mine = [group for group, started in groups.items() if group_alive(group) and start_time(group) in ("", started)]
    _wait_gone(mine, POLITE_SECONDS)
    for group in mine:
        signal_group(group, signal.SIGTERM)
        signal_group(group, signal.SIGCONT)
    _wait_gone(mine, TERMINATE_SECONDS)
    for group in mine:
        signal_group(group, signal.SIGKILL)


def _wait_gone(groups: list[int], seconds: float) -> None:
    end = time.monotonic() + seconds
    while any(group_alive(group) for group in groups) and time.monotonic() < end:
        time.sleep(0.05)


def main() -> None:
    """Wait for the end of the pipe, then clean up.  Signals meant for the app do not end this process."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups = read_groups(sys.stdin)
    if groups:
        end_groups(groups)


if __name__ == "__main__":
    main()
