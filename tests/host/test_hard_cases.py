"""Cases of the fault catalogue with a bound: memory, log, number of requests; whole groups however a server ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.support import leftovers
from tests.support.catalogue import name_of
from tests.support.hosts import HostFactory, hostile
from tests.support.waiting import wait_until_async

MEGABYTE = 1_000_000


class Growth:
    """By how much this process grew since the beginning, in bytes."""

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._first = self._process.memory_info().rss
        self.most = 0

    def look(self) -> None:
        self.most = max(self.most, self._process.memory_info().rss - self._first)


@contextmanager
def growth(seconds_between: float = 0.02) -> Iterator[Growth]:
    """Look at the process's memory again and again while the loop runs."""
    measured = Growth()

    async def watch() -> None:
        while True:
            measured.look()
            await asyncio.sleep(seconds_between)

    task = asyncio.get_running_loop().create_task(watch())
    try:
        yield measured
    finally:
        measured.look()
        task.cancel()


async def test_case_036_a_result_of_100_megabytes_costs_no_memory_and_no_time_of_the_loop(
    make_host: HostFactory,
) -> None:
    kit = await make_host({"bad": hostile("huge_result", "100"), "good": hostile("ok")})
    loop, longest = asyncio.get_running_loop(), 0.0
    with growth() as measured:
        call = asyncio.create_task(kit.call("bad"))
        while not call.done():
            before = loop.time()
            await asyncio.sleep(0.005)
            longest = max(longest, loop.time() - before)
    result = call.result()
    assert result.outcome == "error"
    assert "larger than 16 MB" in repr(result)
    assert measured.most < 60 * MEGABYTE
    assert longest < 0.5, "0.1 s, and what a busy machine adds"
    assert (await kit.call("good")).outcome == "success"


@pytest.mark.parametrize("mode", ["flood_ping", "flood_logs", "flood_list_changed", "flood_stderr"], ids=name_of)
async def test_memory_is_flat_under_a_flood(mode: str, make_host: HostFactory) -> None:
    kit = await make_host({"bad": hostile(mode)})
    await asyncio.sleep(0.3)
    events = len(kit.events)
    with growth() as measured:
        await asyncio.sleep(1)
    assert measured.most < 40 * MEGABYTE
    assert len(kit.events) - events < 60, "what the screen is told is limited"


async def test_case_063_a_storm_of_changes_is_one_listing_a_second(make_host: HostFactory, tmp_path: Path) -> None:
    log = tmp_path / "log"
    kit = await make_host({"bad": hostile("flood_list_changed", env={"HOSTILE_LOG": str(log)})})

    def listings() -> int:
        return log.read_text().count('"method": "tools/list"')

    await wait_until_async(lambda: listings() >= 2, what="a second listing")
    first, began = listings(), asyncio.get_running_loop().time()
    await asyncio.sleep(2)
    passed = asyncio.get_running_loop().time() - began
    assert 1 <= listings() - first <= passed + 1
    assert (await kit.call("bad")).outcome == "success"


async def test_case_035_garbage_does_not_fill_the_log(make_host: HostFactory, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        kit = await make_host({"bad": hostile("flood_garbage")}, connection={"max_reconnect_attempts": 0})
        await kit.given_up("bad")
    assert len(caplog.text) < 100_000
    assert sum(len(text) for text in kit.status("bad").warnings) < 10_000


@pytest.mark.parametrize("mode", ["die_mid_call", "schema_mismatch", "never_answer", "bad_result_shape"], ids=name_of)
async def test_a_call_that_may_have_run_is_sent_once(mode: str, make_host: HostFactory, tmp_path: Path) -> None:
    """Whatever became of it: only a person or the model may try again."""
    log = tmp_path / "log"
    kit = await make_host(
        {"bad": hostile(mode, env={"HOSTILE_LOG": str(log)})}, tools={"idle_timeout": 0.5, "total_timeout": 2.0}
    )
    assert (await kit.call("bad")).outcome in ("unknown", "invalid_result", "timeout")
    await kit.state("bad", "running")
    received = [line.split(" recv ", 1)[1] for line in log.read_text().splitlines() if " recv " in line]
    assert [json.loads(line)["method"] for line in received if '"id"' in line].count("tools/call") == 1


@pytest.mark.parametrize(
    ("mode", "how"),
    [("grandchild", "crash"), ("grandchild_quiet", "disable"), ("fork_wrapper", "crash"), ("fork_wrapper", "restart")],
)
async def test_case_040_the_whole_group_goes(mode: str, how: str, make_host: HostFactory) -> None:
    kit = await make_host({"s": hostile(mode)}, connection={"max_reconnect_attempts": 0})
    pid = (await kit.state("s", "running")).pid
    assert pid is not None
    below = psutil.Process(pid).children(recursive=True)
    match how:
        case "restart":
            kit.host.restart("s")
        case "disable":
            kit.host.set_enabled("s", False)
        case "crash":
            os.kill(pid, signal.SIGKILL)
    await wait_until_async(lambda: kit.status("s").pid != pid, seconds=10, what="another state")
    assert await asyncio.to_thread(leftovers.group_gone, pid)
    for child in below:
        assert await asyncio.to_thread(leftovers.gone, child.pid)
