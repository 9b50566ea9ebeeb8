"""The harness of the benchmarks: rows, table, command line.  What they measure is not judged here."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from benchmarks import children, measure, rows, stall
from benchmarks.__main__ import NAMES
from benchmarks.measure import Row, Screen, environment, interleaved, table
from tests.support.waiting import wait_until

ROOT = Path(__file__).parent.parent


def test_the_table_shows_ratios_and_what_was_met() -> None:
    text = table([Row("a", 3.0, 2.0, "at most 1.2", "ms", "note", False), Row("b", 1.0, None, "")])
    assert text.splitlines()[2] == "| a | 3 ms | 2 ms | 1.50 | at most 1.2 | no | note |"
    assert text.splitlines()[3] == "| b | 1 s |  |  |  |  |  |"


def test_measurements_take_turns() -> None:
    order: list[str] = []

    def noted(name: str, value: float) -> float:
        order.append(name)
        return value

    assert interleaved(3, lambda: noted("a", 1.0), lambda: noted("b", 2.0)) == [1.0, 2.0]
    assert order == ["a", "b"] * 3


def test_results_of_the_conversation_pane_become_rows() -> None:
    case = {"lines": 1000, "cpu": 0.1, "stall": 0.02, "memory": 40.0, "rate": 0}
    results = [
        {**case, "widget": "pane", "asked": 2000},
        {**case, "widget": "pane", "asked": 4000, "cpu": 0.13},
        {**case, "widget": "textual", "asked": 4000, "cpu": 2.0},
    ]
    found = {row.name: row for row in rows.stream_markdown(results)}
    assert found["Markdown stream, full rate: cost of a line at 4000 lines"].met is False
    assert found["Markdown stream, full rate, 4000 lines: processor time"].met is True
    short, long = ({"messages": n, "echo": 0.004, "memory": 40.0} for n in (100, 10_000))
    assert rows.long_conversation([short, long])[0].ratio == 1.0


def test_every_name_is_a_module_with_run() -> None:
    for name in NAMES:
        assert "def run(" in (ROOT / "benchmarks" / f"{name}.py").read_text()


def test_an_unknown_name_is_refused() -> None:
    command = [sys.executable, "-m", "benchmarks", "nothing"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 2
    assert "there is no benchmark nothing" in ran.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_the_echo_of_a_key_is_timed_from_the_program_not_from_the_terminal(tmp_path: Path) -> None:
    code = (
        "import os, time, tty\nready = time.monotonic() + 0.5\ntty.setraw(0)\n"
        "while (data := os.read(0, 9)):\n    if time.monotonic() > ready: os.write(1, data)"
    )
    with Screen(measure.python("-c", code), environment(tmp_path)) as screen:
        assert screen.until_echo(timeout=30) >= 0.5


ORPHAN = """\
import signal, sys, time
from pathlib import Path
from benchmarks import children, measure
if sys.argv[1] == "terminal":
    children._LIBC = None
ignore = "" if sys.argv[1] == "terminal" else "signal.signal(signal.SIGHUP, signal.SIG_IGN);"
code = f"import os, signal, time; {ignore} print('pid', os.getpid(), 'end', flush=True)\\nwhile True: time.sleep(60)"
with measure.Screen(measure.python("-c", code), measure.environment(Path(sys.argv[2]))) as screen:
    screen.until("end")
    print(screen.output.split()[1].decode(), flush=True)
    while True: time.sleep(60)
"""


def gone(process: psutil.Process) -> bool:
    """Whether it ended, taken note of by its new parent or not."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.parametrize(
    "what",
    [
        "terminal",
        pytest.param("parent", marks=pytest.mark.skipif(sys.platform != "linux", reason="Linux tells of the parent")),
    ],
)
def test_what_a_benchmark_started_ends_with_it(what: str, tmp_path: Path) -> None:
    """Killed, it cannot tidy up: the terminal that closes ends its programs, or the system does."""
    command = measure.python("-c", ORPHAN, what, str(tmp_path))
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.is_running()
        parent.kill()
        parent.wait(10)
        wait_until(
            lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, what="the end of the child"
        )


def test_what_goes_wrong_in_a_program_is_what_its_benchmark_says(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with pytest.raises(RuntimeError, match="nothing was reported: b'screen'"):
        children.read(report, b"screen")
    with pytest.raises(TimeoutError), children.reporting(report):
        asyncio.run(stall.within(lambda: False, "an answer", 0.01))
    with pytest.raises(RuntimeError, match=r"TimeoutError: 0\.01 s without an answer"):
        children.read(report, b"screen")
    children.write(report, 0.5)
    assert children.read(report, b"") == 0.5


def test_the_stall_of_a_bare_app_is_measured() -> None:
    assert 0 < stall.stall_seconds("floor") < 60
