"""The guards of ``conftest`` themselves: each must fire."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import leftovers, net


def test_only_loopback_can_be_reached() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with socket.create_connection(listener.getsockname(), timeout=5):
            pass
    with pytest.raises(net.NetworkForbidden, match=r"192\.0\.2\.1"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(net.NetworkForbidden, match=r"example\.org"):
        socket.getaddrinfo("example.org", 443)


def test_the_home_is_empty_and_keys_are_gone(isolated_machine: Path) -> None:
    assert Path.home() == isolated_machine
    assert not [name for name in os.environ if name.endswith("_API_KEY")]


async def test_a_running_task_is_named() -> None:
    task = asyncio.create_task(asyncio.sleep(60), name="forgotten")
    assert any("forgotten" in line for line in await leftovers.remaining_tasks(seconds=0.05))
    task.cancel()


def test_a_process_left_behind_is_found_with_its_command() -> None:
    before = leftovers.descendants()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        left = leftovers.remaining_processes(before, seconds=0.1)
        assert [one.pid for one in left] == [process.pid]
        assert "time.sleep" in leftovers.describe_and_end(left)[0]
    assert leftovers.gone(process.pid)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("def test_it():\n    __import__('subprocess').Popen(['sleep', '60'])\n", "processes left behind"),
        (
            "async def test_it():\n    import asyncio\n    global kept\n"
            "    kept = asyncio.create_task(asyncio.sleep(60), name='forgotten')\n",
            "tasks left behind",
        ),
    ],
    ids=["process", "task"],
)
def test_a_test_that_leaves_something_behind_fails(tmp_path: Path, body: str, said: str) -> None:
    root = Path(__file__).parent.parent
    (tmp_path / "test_inner.py").write_text(body)
    (tmp_path / "conftest.py").write_text("from tests.conftest import *  # noqa: F403\n")
    settings = [
        "-o",
        "asyncio_mode=auto",
        "-o",
        f"pythonpath={root}",
        "-o",
        "asyncio_default_fixture_loop_scope=function",
    ]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", *settings]
    ran = subprocess.run(
        [*command, f"--rootdir={tmp_path}", str(tmp_path)], cwd=tmp_path, capture_output=True, text=True, timeout=100
    )
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert said in ran.stdout
