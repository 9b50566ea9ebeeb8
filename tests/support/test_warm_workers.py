"""A forked worker is a worker: it answers, ends with its stdin, and is gone when its stand-in is killed."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psutil
import pytest

from mcp_tui.gateway import wire
from mcp_tui.gateway.process import WorkerProcess
from tests.support import leftovers, warm_workers
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.skipif(warm_workers.COLD, reason="every worker starts as it is")


def forks() -> list[psutil.Process]:
    """Workers that a template forked."""
    return [
        process
        for template in psutil.Process().children()
        if "tests.support.worker_template" in template.cmdline()
        for process in template.children()
    ]


@asynccontextmanager
async def started(workers: str) -> AsyncIterator[tuple[WorkerProcess, list[dict[str, Any]]]]:
    messages: list[dict[str, Any]] = []
    environ = {**os.environ, **warm_workers.environment(workers)}
    process = WorkerProcess(environ, wire.encode({"op": "configure", "models": []}), messages.append, lambda _: None)
    process.start()
    try:
        await asyncio.wait_for(process.wait_ready(), 60)
        yield process, messages
    finally:
        await process.aclose()


async def test_it_answers_and_ends_with_its_stdin(workers: str) -> None:
    async with started(workers) as (process, messages):
        (fork,) = forks()
        assert fork.pid != process.pid
        assert os.getsid(fork.pid) == fork.pid
        process.send(wire.encode({"op": "info", "id": 1, "model": "openai/gpt-4o"}))
        await wait_until_async(lambda: messages, what="an answer")
        assert messages[0]["info"]["context_window"] > 100_000
    assert process.describe_end() == "exit code 0"
    assert leftovers.gone(fork.pid)


async def test_whoever_kills_it_kills_both(workers: str) -> None:
    async with started(workers) as (process, _):
        (fork,) = forks()
        process.kill()
        assert await asyncio.to_thread(leftovers.gone, fork.pid)
        await wait_until_async(lambda: process.ended, what="the end of the stand-in")
    assert process.describe_end() == "signal 9"


async def test_it_ends_as_the_worker_ends(workers: str) -> None:
    async with started(workers) as (process, _):
        (fork,) = forks()
        fork.kill()
        await wait_until_async(lambda: process.ended, what="the end of the stand-in")
    assert process.describe_end() == "signal 9"
