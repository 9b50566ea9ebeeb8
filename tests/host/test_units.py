"""Small parts: back-off, start gate, rates, environment, content."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mcp_tui.config.servers import ServerConfig
from mcp_tui.host.adapters import content_blocks, error_of, not_offered
from mcp_tui.host.backoff import JITTER, STABLE_SECONDS, Backoff
from mcp_tui.host.environment import command_line, fingerprint, server_environment
from mcp_tui.host.gate import StartGate
from mcp_tui.host.process import STDERR_LINE_BYTES, STDERR_LINES, StderrRing
from mcp_tui.host.rates import TokenBucket

ROOT = Path(__file__).parent.parent.parent


def test_case_045_backoff_grows_with_jitter_to_its_limit_and_ends() -> None:
    backoff = Backoff(initial=1.0, longest=5.0, attempts=5)
    waits = [backoff.failed(0) for _ in range(6)]
    for wait, expected in zip(waits, [1, 2, 4, 5, 5], strict=False):
        assert wait is not None
        assert expected * (1 - JITTER) <= wait <= expected * (1 + JITTER)
    assert waits[5] is None
    backoff.reset()
    assert backoff.failed(0) is not None


def test_case_045_a_crash_loop_counts_and_a_stable_connection_starts_anew() -> None:
    backoff = Backoff(initial=1.0, longest=5.0, attempts=2)
    assert [backoff.failed(STABLE_SECONDS / 2) is None for _ in range(3)] == [False, False, True]
    assert backoff.failed(STABLE_SECONDS) is not None
    assert backoff.failures == 1


def test_no_attempts_means_none() -> None:
    assert Backoff(1.0, 1.0, 0).failed(0) is None


async def test_the_gate_bounds_and_forgets_those_that_hold_too_long() -> None:
    gate = StartGate(2, hold_seconds=0.05)
    await gate.enter("a")
    await gate.enter("b")
    waiting = asyncio.create_task(gate.enter("c"))
    await asyncio.sleep(0)
    assert not waiting.done()
    gate.leave("a")
    gate.leave("a")
    await waiting
    await asyncio.wait_for(gate.enter("d"), 5)
    await asyncio.wait_for(gate.enter("e"), 5)
    for name in "bcde":
        gate.leave(name)


def test_a_bucket_empties_and_fills(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("mcp_tui.host.rates.time.monotonic", lambda: now[0])
    bucket = TokenBucket(rate=10, burst=3)
    assert [bucket.take() for _ in range(4)] == [True, True, True, False]
    now[0] += 0.1
    assert [bucket.take() for _ in range(2)] == [True, False]


def test_case_103_the_environment_is_a_short_list_plus_the_entry() -> None:
    environ = {
        "PATH": "/bin",
        "HOME": "/h",
        "AWS_SECRET_ACCESS_KEY": "x",
        "SHELL": "() { x; }",
        "https_proxy": "http://u:p@h",
    }
    assert server_environment({"PATH": "/mine", "KEY": "v"}, environ) == {"PATH": "/mine", "HOME": "/h", "KEY": "v"}


def test_command_lines_can_be_read_and_show_no_value_of_the_entry() -> None:
    config = ServerConfig(command="npx", args=["a b", "--key=abcdefgh"], env={"K": "abcdefgh"})
    assert command_line(config, str) == "npx 'a b' '--key=***'"
    assert command_line(ServerConfig(url="https://h/x"), str.upper) == "HTTPS://H/X"
    assert fingerprint(config) != fingerprint(config.model_copy(update={"args": []}))


def test_case_037_the_ring_is_bounded_and_keeps_the_end() -> None:
    ring = StderrRing()
    for number in range(STDERR_LINES * 3):
        ring.feed(f"line {number}\n".encode())
    ring.feed(b"x" * 100_000)
    ring.feed(b"y\xff\nlast")
    lines = ring.lines()
    assert len(lines) <= STDERR_LINES + 1
    assert max(len(line) for line in lines) <= STDERR_LINE_BYTES
    assert lines[-1] == "last"
    assert lines[0] == f"line {STDERR_LINES * 2 + 1}"


@pytest.mark.parametrize(
    ("block", "kind"),
    [
        ({"type": "text", "text": "t"}, "text"),
        ({"type": "image", "data": "AAAA", "mimeType": "image/png"}, "image"),
        ({"type": "audio", "data": "AAAA", "mimeType": "audio/wav"}, "audio"),
        ({"type": "resource_link", "uri": "file:///x"}, "resource_link"),
        ({"type": "resource", "resource": {"uri": "x:y", "text": "t"}}, "resource"),
        ({"type": "resource", "resource": {"uri": "x:y", "blob": "AAAA"}}, "resource"),
        ({"type": "hologram", "data": 1}, "unknown"),
        ({"type": "text"}, "unknown"),
        ({"type": "image", "data": 5, "mimeType": "x"}, "unknown"),
        ({"type": "resource", "resource": None}, "unknown"),
        ({"type": ["text"]}, "unknown"),
        ("text", "unknown"),
        (None, "unknown"),
    ],
)
def test_case_058_content_is_kept_whatever_it_is(block: Any, kind: str) -> None:
    (found, after) = content_blocks([block, {"type": "text", "text": "after"}])
    assert found.type == kind
    assert after.type == "text"


def test_errors_say_what_they_mean() -> None:
    assert "boom" in error_of({"code": -32603, "message": "boom"}, str).message
    assert error_of({"code": -32042, "message": "open x"}, str).kind == "not_supported"
    assert error_of({"code": -32021, "message": "x"}, str).kind == "not_supported"
    assert "arguments" in error_of({"code": -32602, "message": "x"}, str).hint
    assert error_of({"code": "x", "message": 5}, str).message.endswith("no reason given")
    assert "elicitation and sampling" in not_offered(["sampling/createMessage", "elicitation/create"]).message


def test_the_contract_imports_no_sdk() -> None:
    code = "import sys, mcp_tui.host.base; sys.exit('mcp' in sys.modules or 'mcp_types' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_nothing_is_printed_by_the_sdk() -> None:
    """Without a configured log, Python prints warnings over the screen unless a handler stands in the way."""
    code = (
        "import asyncio, logging\n"
        "from tests.support.hosts import connection_config, tools_config\n"
        "from mcp_tui.host.base import AdmitEverything\n"
        "from mcp_tui.host.host import McpHost\n"
        "McpHost({}, connection_config(), tools_config(), emit=print, environ={}, mask=str, client_version='0',"
        " gatekeeper=AdmitEverything())\n"
        "for name in ('mcp.client.session', 'client', 'mcp_tui.host.x'): logging.getLogger(name).error('text')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert (done.stdout, done.stderr) == ("", "")
