"""The life of the worker process: start, death, hang, end; nothing is ever left behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import aclosing
from pathlib import Path

import pytest

from mcp_tui.errors import GatewayError
from mcp_tui.gateway import litellm_gateway, process
from mcp_tui.gateway.base import TextChunk
from mcp_tui.gateway.litellm_gateway import LiteLLMGateway
from tests.gateway.conftest import Bench, limits, make_bench, worker_environ
from tests.support.leftovers import gone, group_gone
from tests.support.providers import FakeProvider
from tests.support.waiting import wait_until, wait_until_async

ROOT = Path(__file__).parents[2]


async def spawned(gateway: LiteLLMGateway) -> int:
    """The worker's process id, as soon as it has one."""
    return await wait_until_async(lambda: gateway.worker_pid, what="the worker's start")


async def test_start_returns_at_once_and_requests_wait(own_bench: Bench) -> None:
    begun = time.perf_counter()
    await own_bench.gateway.start()
    assert time.perf_counter() - begun < 0.1
    assert (await own_bench.ask("openai", {"text": "early"})).draft.text == "early"


async def test_killed_worker_fails_the_running_request_and_is_replaced(own_bench: Bench) -> None:
    own_bench.provider.script({"steps": [{"text": "one"}, {"stall": True}]})
    async with aclosing(own_bench.gateway.stream(own_bench.request("openai"))) as stream:
        assert await anext(stream) == TextChunk("one")
        first = own_bench.gateway.worker_pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        with pytest.raises(GatewayError) as caught:
            await anext(stream)
    assert (caught.value.kind, caught.value.retryable) == ("worker", True)
    assert "signal 9" in caught.value.message
    assert (await own_bench.ask("openai", {"text": "again"})).draft.text == "again"
    assert own_bench.gateway.worker_pid != first
    assert gone(first)


async def test_worker_that_lived_well_is_restarted_without_being_asked(
    own_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(litellm_gateway, "RESTART_AFTER", 0.0)
    await own_bench.gateway.wait_ready()
    first = own_bench.gateway.worker_pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await wait_until_async(lambda: own_bench.gateway.worker_pid not in (None, first), what="another worker")
    await own_bench.gateway.wait_ready()


async def test_close_is_quick_ends_requests_and_leaves_no_process(own_bench: Bench) -> None:
    own_bench.provider.script({"steps": [{"text": "one"}, {"stall": True}]})
    stream = own_bench.gateway.stream(own_bench.request("openai"))
    assert await anext(stream) == TextChunk("one")
    pid = own_bench.gateway.worker_pid
    assert pid is not None
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    begun = time.perf_counter()
    await own_bench.gateway.aclose()
    assert time.perf_counter() - begun < 2
    with pytest.raises(GatewayError, match="closed"):
        await waiting
    assert gone(pid, seconds=0)
    await asyncio.wait_for(own_bench.provider.requests[-1].gone.wait(), 5)
    with pytest.raises(GatewayError, match="closed"):
        await anext(own_bench.gateway.stream(own_bench.request("openai")))


@pytest.mark.parametrize("moment", ["spawning", "importing"])
async def test_close_during_the_start(moment: str) -> None:
    async with FakeProvider():
        gateway = LiteLLMGateway({}, limits(), environ=worker_environ())
        await gateway.start()
        pid = await spawned(gateway) if moment == "importing" else None
        begun = time.perf_counter()
        await gateway.aclose()
        assert time.perf_counter() - begun < 2
        assert pid is None or gone(pid, seconds=0)


@pytest.mark.parametrize("moment", ["spawning", "importing"])
async def test_request_that_waits_for_the_start_ends_with_the_close(moment: str) -> None:
    async for bench in make_bench():
        waiting = asyncio.ensure_future(anext(bench.gateway.stream(bench.request("openai"))))
        await asyncio.sleep(0)
        if moment == "importing":
            await spawned(bench.gateway)
        await bench.gateway.aclose()
        with pytest.raises(GatewayError, match="closed"):
            await asyncio.wait_for(waiting, 10)


async def test_close_without_start() -> None:
    await LiteLLMGateway({}, limits(), environ={}).aclose()


async def test_close_of_a_worker_that_hangs(own_bench: Bench) -> None:
    await own_bench.gateway.wait_ready()
    pid = own_bench.gateway.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    begun = time.perf_counter()
    await own_bench.gateway.aclose()
    assert time.perf_counter() - begun < 2
    assert gone(pid, seconds=0)


async def test_worker_that_ignores_a_cancel_is_killed(own_bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(litellm_gateway, "CANCEL_LIMIT", 0.2)
    own_bench.provider.script({"steps": [{"text": "one"}, {"stall": True}]})
    stream = own_bench.gateway.stream(own_bench.request("openai"))
    await anext(stream)
    pid = own_bench.gateway.worker_pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    await stream.aclose()
    await asyncio.wait_for(own_bench.provider.requests[-1].gone.wait(), 30)
    assert gone(pid)


async def test_worker_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async for bench in make_bench():
        monkeypatch.setattr(process, "_START", "import sys; sys.exit('no litellm here')")
        error = (await bench.ask("openai", {"text": "x"})).failure
        assert error.kind == "worker"
        assert "no litellm here" in error.message
        monkeypatch.undo()
        assert (await bench.ask("openai", {"text": "works again"})).draft.text == "works again"


async def test_no_python_to_run_the_worker_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    async for bench in make_bench():
        error = (await bench.ask("openai", {"text": "x"})).failure
        assert error.kind == "worker"
        assert "/nowhere/python" in error.message


async def test_worker_that_never_gets_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_START", "import time; time.sleep(60)")
    monkeypatch.setattr(process, "START_LIMIT", 0.2)
    async for bench in make_bench():
        error = (await bench.ask("openai", {"text": "x"})).failure
        assert "not ready within 0.2 seconds" in error.message


async def test_worker_that_breaks_the_protocol_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    start = """import time; print('{"ready": true}\\nhello', flush=True); time.sleep(60)"""
    monkeypatch.setattr(process, "_START", start)
    async for bench in make_bench():
        error = (await bench.ask("openai", {"text": "x"})).failure
        assert error.kind == "worker"
        assert "broke the line protocol" in error.message


async def test_words_that_python_prints_at_its_start_do_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_START", "print('noise', flush=True); " + process._START)
    async for bench in make_bench():
        assert (await bench.ask("openai", {"text": "fine"})).draft.text == "fine"


async def test_answer_that_takes_longer_than_the_total_limit() -> None:
    async for bench in make_bench(total_timeout=4.0):
        await bench.gateway.wait_ready()
        steps: list[dict[str, object]] = [{"text": "more "}, {"sleep": 0.3}]
        outcome = await bench.ask("openai", {"steps": steps * 40})
        assert outcome.failure.kind == "stalled"
        assert "total_timeout" in outcome.failure.hint
        assert outcome.draft.text.startswith("more ")
        await asyncio.wait_for(bench.provider.requests[-1].gone.wait(), 30)


async def test_worker_is_of_this_package_and_imports_nothing_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "litellm.py").write_text("raise SystemExit('the wrong litellm')")
    (tmp_path / "installed" / "mcp_tui").mkdir(parents=True)
    (tmp_path / "installed" / "mcp_tui" / "__init__.py").write_text("raise SystemExit('the wrong mcp_tui')")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "installed"))
    async for bench in make_bench():
        await bench.gateway.wait_ready()


APP = """
import asyncio, json, os, sys
from mcp_tui.config.models import RequestConfig
from mcp_tui.gateway.litellm_gateway import LiteLLMGateway

async def main():
    request = RequestConfig(connect_timeout=1.0, idle_timeout=1.0, total_timeout=1.0, max_retries=0,
                            initial_retry_delay=1.0, max_retry_delay=1.0)
    gateway = LiteLLMGateway({}, request, environ=os.environ)
    await gateway.start()
    while gateway.worker_pid is None:
        await asyncio.sleep(0.01)
    if "ready" in sys.argv:
        await gateway.wait_ready()
    print(json.dumps(gateway.worker_pid), flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("moment", "how"),
    [
        ("importing", signal.SIGKILL),
        ("ready", signal.SIGKILL),
        ("importing", signal.SIGTERM),
        ("importing", signal.SIGINT),
    ],
)
def test_worker_ends_when_the_app_dies_in_any_way(moment: str, how: signal.Signals) -> None:
    app = subprocess.Popen(
        [sys.executable, "-c", APP, moment], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert app.stdout is not None
    with app.stdout:
        worker = json.loads(app.stdout.readline())
        app.send_signal(how)
        app.wait(30)
    assert gone(worker, seconds=10)
    assert group_gone(worker, seconds=10)


def test_ctrl_c_in_the_terminal_does_not_reach_the_worker() -> None:
    app = subprocess.Popen(
        [sys.executable, "-c", APP, "importing"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert app.stdout is not None
    with app.stdout:
        worker = json.loads(app.stdout.readline())
        assert os.getsid(worker) == worker
        assert os.getpgid(worker) == worker
        app.kill()
        app.wait(30)
    wait_until(lambda: gone(worker, seconds=0), what="the worker's end")
