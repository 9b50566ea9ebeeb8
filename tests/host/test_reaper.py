"""No server outlives the app, however the app ends (requirement C6)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mcp_tui.host.reaper import group_alive, read_groups, start_time
from mcp_tui.host.reaping import Reaper
from tests.support import leftovers

ROOT = Path(__file__).parent.parent.parent
KINDS = ["ok", "ignore_eof", "ignore_sigterm", "grandchild", "fork_wrapper"]


@contextlib.contextmanager
def _host_process() -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    command = [sys.executable, "-m", "tests.support.host_process", *(f"{kind}={kind}" for kind in KINDS)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        try:
            line = process.stdout.readline()
            assert line, process.stderr.read()
            yield process, json.loads(line)
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_case_042_servers_end_when_the_app_is_killed(number: signal.Signals) -> None:
    with _host_process() as (process, pids):
        below = psutil.Process(process.pid).children(recursive=True)
        assert len(pids) == len(KINDS)
        assert all(group_alive(pid) for pid in pids)
        process.send_signal(number)
        process.wait()
        assert all(leftovers.group_gone(pid) for pid in pids)
        assert all(leftovers.gone(child.pid) for child in below)


def _sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)


async def test_a_dead_reaper_is_replaced() -> None:
    reaper, sleeper = Reaper(), _sleeper()
    try:
        reaper.watch(sleeper.pid)
        first = reaper.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        assert leftovers.gone(first)
        second = _sleeper()
        reaper.watch(second.pid)
        assert reaper.pid not in (first, None)
        await reaper.aclose()
        assert leftovers.group_gone(sleeper.pid)
        assert leftovers.group_gone(second.pid)
        second.wait()
    finally:
        sleeper.kill()
        sleeper.wait()


async def test_a_reaper_without_work_leaves_at_once() -> None:
    reaper, sleeper = Reaper(), _sleeper()
    reaper.watch(sleeper.pid)
    pid = reaper.pid
    reaper.forget(sleeper.pid)
    started = time.monotonic()
    await reaper.aclose()
    assert time.monotonic() - started < 0.5
    assert pid is not None
    assert leftovers.gone(pid)
    assert sleeper.poll() is None
    sleeper.kill()
    sleeper.wait()


def test_the_list_follows_the_lines() -> None:
    lines = ["+10 111\n", "+11\n", "-10\n", "nonsense\n", "\n", "+x\n", "+12 5\n"]
    assert read_groups(lines) == {11: "", 12: "5"}


def test_a_number_given_to_another_process_is_left_alone(tmp_path: Path) -> None:
    """The start time tells them apart."""
    sleeper = _sleeper()
    try:
        if not start_time(sleeper.pid):
            pytest.skip("/proc")
        reaper = subprocess.Popen(
            [sys.executable, "-I", "-S", str(ROOT / "mcp_tui/host/reaper.py")], stdin=subprocess.PIPE
        )
        reaper.communicate(f"+{sleeper.pid} 1\n".encode())
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


async def test_case_040_nothing_is_left_when_the_loop_is_torn_down() -> None:
    """``asyncio.run`` cancels every task, the owner too: the server ends all the same."""
    with _host_process() as (process, pids):
        process.send_signal(signal.SIGINT)
        await asyncio.to_thread(process.wait)
        assert all(leftovers.group_gone(pid, seconds=10) for pid in pids)
