"""Workers of the model layer that are forked from one that has LiteLLM loaded: two seconds less for each start.

The program under test is the one that people have and starts its worker with its own command.  Where `VARIABLE`
names a socket, ``preload/sitecustomize.py`` (found by ``PYTHONPATH``) sees that command and stands in for the
process: it hands its streams, environment and folder to `tests.support.worker_template`, which forks a worker for
them.  The stand-in ends as the worker ends, and the worker is killed when the stand-in is gone, so that whoever ends
one has ended both; a worker that stays is a descendant of the tests and found by ``no_process_left``.

Tests of the worker's own life start it as it is: ``tests/gateway``, the ways to end, secrets.
``MCP_TUI_TEST_COLD_WORKERS=1`` has every test do so.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

VARIABLE = "MCP_TUI_TEST_WARM_WORKERS"
"""Names the template's socket."""

COLD = bool(os.environ.get("MCP_TUI_TEST_COLD_WORKERS")) or sys.platform == "win32"
"""Every worker starts as it is."""

ROOT = Path(__file__).parent.parent.parent
PRELOAD = Path(__file__).parent / "preload"


@contextlib.contextmanager
def template() -> Iterator[str]:
    """Run a template; gives the name of its socket at once: who connects before it is loaded waits."""
    if COLD:
        yield ""
        return
    with tempfile.TemporaryDirectory(prefix="warm-") as folder, socket.socket(socket.AF_UNIX) as listener:
        name = str(Path(folder, "socket"))
        listener.bind(name)
        listener.listen(64)
        harmless = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL", "TMPDIR") if key in os.environ}
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.worker_template", str(listener.fileno())],
            stdin=subprocess.PIPE,
            env={**harmless, "HOME": folder},
            cwd=ROOT,
            pass_fds=(listener.fileno(),),
            start_new_session=True,
        )
        assert process.stdin is not None
        try:
            yield name
        finally:
            process.stdin.close()
            try:
                process.wait(timeout=10)
            finally:
                process.kill()


def environment(name: str) -> dict[str, str]:
    """What the program gets so that its workers come from the template with that socket; nothing for ``""``."""
    return {VARIABLE: name, "PYTHONPATH": f"{PRELOAD}{os.pathsep}{ROOT}"} if name else {}
