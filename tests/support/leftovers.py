"""What a test left behind: processes below this one, tasks in its event loop."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Collection

import psutil


def descendants() -> frozenset[psutil.Process]:
    """All living processes below this one, however deep; a zombie counts as gone."""
    return frozenset(process for process in psutil.Process().children(recursive=True) if _alive(process))


def _alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def remaining_processes(before: Collection[psutil.Process], *, seconds: float) -> list[psutil.Process]:
    """Processes that are new since ``before`` and do not end within ``seconds``."""
    deadline = time.monotonic() + seconds
    while left := [process for process in descendants() if process not in before]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return left


def describe_and_end(processes: Collection[psutil.Process]) -> list[str]:
    """Say what the processes are, then kill them so that later tests start clean."""
    lines = []
    for process in processes:
        try:
            lines.append(f"  {process.pid} {process.status()}: {' '.join(process.cmdline())[:200]}")
            process.kill()
        except psutil.NoSuchProcess:
            continue
    return lines


async def remaining_tasks(*, seconds: float) -> list[str]:
    """Tasks of the running loop, other than the current one, that do not end within ``seconds``."""
    deadline = time.monotonic() + seconds
    while left := asyncio.all_tasks() - {asyncio.current_task()}:
        if time.monotonic() > deadline:
            return [f"  {task.get_name()}: {task.get_coro()!r}" for task in left]
        await asyncio.sleep(0.01)
    return []


def gone(pid: int, *, seconds: float = 10.0) -> bool:
    """Whether a process is gone within ``seconds``; a zombie is gone."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)


def group_gone(group: int, *, seconds: float = 10.0) -> bool:
    """Whether no living process is left in a process group within ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        members = [process for process in psutil.process_iter() if _alive(process) and _group(process.pid) == group]
        if not members:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1
