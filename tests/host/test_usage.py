"""What a server takes of the machine is seen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mcp_tui.host import upkeep
from mcp_tui.host.usage import UsageMeter
from tests.support.hosts import PATIENCE, HostFactory, hostile
from tests.support.waiting import wait_until, wait_until_async

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")

PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "x = bytearray(b'x') * 80_000_000; print('up', flush=True); input()"])
child.wait()
"""


async def test_case_049_memory_and_processor_time_of_a_server_are_known(
    make_host: HostFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "USAGE_INTERVAL", 0.1)
    kit = await make_host(
        {"hungry": hostile("eat_memory", "150"), "busy": hostile("flood_logs"), "good": hostile("ok")}
    )
    await wait_until_async(
        lambda: (kit.status("hungry").memory_bytes or 0) > 150_000_000, seconds=PATIENCE, what="its memory"
    )
    await wait_until_async(lambda: (kit.status("busy").cpu_share or 0) > 0.05, seconds=PATIENCE, what="its load")
    assert 1_000_000 < (kit.status("good").memory_bytes or 0) < 100_000_000
    kit.host.set_enabled("hungry", False)
    status = await kit.state("hungry", "stopped")
    assert (status.memory_bytes, status.cpu_share) == (None, None)


def test_case_049_what_a_wrapper_starts_is_counted_with_it() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        meter = UsageMeter()
        memory, share = meter.read(process.pid)
        assert memory is not None
        assert memory > 80_000_000
        assert share is None, "the first reading has nothing to compare with"
        wait_until(lambda: meter.read(process.pid)[1] is not None, what="a second reading")
        process.communicate(b"\n")
    assert UsageMeter().read(process.pid) == (None, None)
    assert UsageMeter().read(None) == (None, None)
