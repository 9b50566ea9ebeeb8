"""The bundled servers, as real processes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp_types import CallToolResult

from mcp_tui.demo.configuration import DemoSetup, demo_setup
from mcp_tui.demo.servers.arithmetic import ArithmeticProblem, evaluate
from mcp_tui.demo.servers.sandbox import Sandbox, SandboxProblem
from tests.support import leftovers


@pytest.fixture
def setup() -> Iterator[DemoSetup]:
    with demo_setup() as made:
        yield made


@asynccontextmanager
async def connected(setup: DemoSetup, name: str) -> AsyncIterator[Client]:
    entry = setup.servers[name]
    assert entry.command is not None
    transport = stdio_client(StdioServerParameters(command=entry.command, args=entry.args))
    async with Client(transport, mode=entry.protocol) as client:
        yield client


def text(result: CallToolResult) -> str:
    return "".join(getattr(block, "text", "") for block in result.content)


async def test_both_protocol_eras_are_spoken_and_schemas_carry_their_limits(setup: DemoSetup) -> None:
    versions: dict[str, str | None] = {}
    tools: dict[str, Any] = {}
    for name in setup.servers:
        async with connected(setup, name) as client:
            versions[name] = client.protocol_version
            tools |= {f"{name}.{tool.name}": tool for tool in (await client.list_tools()).tools}
    assert versions == {"files": "2026-07-28", "clock": "2025-11-25", "slow": "2026-07-28", "flaky": "2026-07-28"}
    assert tools["slow.run_task"].input_schema["properties"]["seconds"]["maximum"] == 60
    assert tools["clock.add_to_date"].input_schema["properties"]["unit"]["enum"][0] == "days"
    assert tools["files.write_file"].annotations.destructive_hint is True
    assert tools["files.read_file"].annotations.read_only_hint is True
    assert tools["clock.now"].output_schema is not None
    assert all(tool.description for tool in tools.values())


async def test_files_are_listed_read_searched_and_written(setup: DemoSetup) -> None:
    async with connected(setup, "files") as client:
        listing = (await client.call_tool("list_files", {"folder": "notes"})).structured_content
        assert [entry["path"] for entry in listing["entries"]] == ["notes/meeting.txt", "notes/todo.md"]
        read = await client.call_tool("read_file", {"path": "haiku.txt", "first_line": 2, "max_lines": 1})
        assert text(read) == "A tool waits for your word: yes\n"
        found = (await client.call_tool("search_files", {"text": "TEA"})).structured_content
        assert {match["path"] for match in found["matches"]} == {"notes/meeting.txt", "notes/todo.md"}
        assert (await client.call_tool("write_file", {"path": "new/a.txt", "content": "ä"})).is_error is False
        again = await client.call_tool("write_file", {"path": "new/a.txt", "content": "b"})
        assert again.is_error
        assert "exists already" in text(again)
        more = await client.call_tool("write_file", {"path": "new/a.txt", "content": "c", "mode": "append"})
        assert more.structured_content == {"path": "new/a.txt", "mode": "append", "size": 3}
    assert (setup.files / "new/a.txt").read_text() == "äc"


async def test_the_clock_calculates_and_names_problems(setup: DemoSetup) -> None:
    async with connected(setup, "clock") as client:
        moment = (await client.call_tool("now", {"timezone": "UTC"})).structured_content
        assert moment["utc_offset"] == "+0000"
        shifted = await client.call_tool("add_to_date", {"start": "2024-01-31", "amount": 1, "unit": "months"})
        assert shifted.structured_content == {"date": "2024-02-29", "weekday": "Thursday"}
        for tool, arguments, said in (
            ("now", {"timezone": "Mars/Base"}, "no time zone"),
            ("calculate", {"expression": "1/0"}, "Division by zero"),
            ("add_to_date", {"start": "9999-12-31", "amount": 1}, "outside of the calendar"),
            ("days_between", {"start": "2026-02-30", "end": "2026-03-01"}, "not a date"),
        ):
            result = await client.call_tool(tool, arguments)
            assert result.is_error
            assert said in text(result)


async def test_a_slow_task_reports_progress_and_can_be_cancelled(setup: DemoSetup) -> None:
    seen: list[tuple[float, float | None, str | None]] = []

    async def note(progress: float, total: float | None, message: str | None) -> None:
        seen.append((progress, total, message))

    async with connected(setup, "slow") as client:
        arguments = {"seconds": 0.3, "steps": 3, "label": "tea"}
        result = await client.call_tool("run_task", arguments, progress_callback=note)
        assert seen == [(step, 3, f"tea: step {step} of 3") for step in (1, 2, 3)]
        assert result.structured_content["seconds"] >= 0.3
        began = time.monotonic()
        with anyio.move_on_after(0.3):
            await client.call_tool("run_task", {"seconds": 60})
        assert time.monotonic() - began < 10
        assert (await client.call_tool("run_task", {"seconds": 0.1, "steps": 1})).is_error is False


async def test_flaky_fails_in_each_of_its_ways(setup: DemoSetup) -> None:
    async with connected(setup, "flaky") as client:
        assert (await client.call_tool("fail", {"way": "none"})).structured_content == {"way": "none", "attempts": 1}
        error = await client.call_tool("fail", {"way": "tool_error"})
        assert error.is_error
        assert "asked for" in text(error)
        with pytest.raises(RuntimeError, match="'many' is not of type 'integer'"):
            await client.call_tool("fail", {"way": "bad_output"})
        with anyio.move_on_after(0.5) as scope:
            await client.call_tool("fail", {"way": "slow"})
        assert scope.cancelled_caught
        with pytest.raises(MCPError, match="closed"):
            await client.call_tool("fail", {"way": "crash"})


def test_the_folder_is_gone_afterwards() -> None:
    before = leftovers.descendants()
    with demo_setup() as setup:
        assert (setup.files / "notes/todo.md").is_file()
        assert setup.files.stat().st_mode & 0o077 == 0
        assert setup.config.llm.active in setup.config.llm.providers
    assert not setup.files.parent.exists()
    assert leftovers.descendants() <= before


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/passwd", "notes/../../x", "link/secret.txt", "link", "a\0b", "..\\x", "notes/./../../x"],
)
def test_nothing_outside_of_the_sandbox_can_be_reached(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    root = tmp_path / "root"
    (root / "notes").mkdir(parents=True)
    (root / "link").symlink_to(tmp_path)
    (root / "file-link").symlink_to(tmp_path / "secret.txt")
    sandbox = Sandbox(root)
    with pytest.raises(SandboxProblem):
        sandbox.read(name)
    with pytest.raises(SandboxProblem):
        sandbox.write(name, "x", "overwrite")
    with pytest.raises(SandboxProblem):
        sandbox.write("file-link", "x", "overwrite")
    assert [sandbox.name(path) for path in sandbox.entries(".", recursive=True)] == ["notes"]
    assert (tmp_path / "secret.txt").read_text() == "secret"


def test_large_and_binary_files_are_refused(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large").write_bytes(b"x" * 1_000_001)
    with pytest.raises(SandboxProblem, match="not a UTF-8 text file"):
        sandbox.read("binary")
    with pytest.raises(SandboxProblem, match="larger than"):
        sandbox.read("large")
    with pytest.raises(SandboxProblem, match="may not grow"):
        sandbox.write("large", "y", "append")


@pytest.mark.parametrize(
    ("expression", "value"),
    [("12 * (3 + 4)", 84), ("-2 ** 2", -4), ("7 // 2 + 7 % 2", 4), ("sqrt(16) + max(1, 2)", 6.0), ("2 ** 100", 2**100)],
)
def test_arithmetic(expression: str, value: float) -> None:
    assert evaluate(expression) == value


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os')", "(1).real", "'a' * 9", "9 ** 9 ** 9", "10 ** 100000", "1/0", "True + 1", "x", "sqrt(-1)",
        "[1, 2]", "lambda: 1", "1 if 1 else 2", "1 +", "", "(" * 300 + "1" + ")" * 300, "-" * 500 + "1", "1e999",
        "(-8) ** 0.5", "round(1, 2, 3)", "2 << 9", "1 and 2", "exp(100000)", "9" * 5000, "(2**1000) * (2**1500)",
    ],
)  # fmt: skip
def test_what_is_no_arithmetic_is_refused_quickly(expression: str) -> None:
    began = time.monotonic()
    with pytest.raises(ArithmeticProblem):
        evaluate(expression)
    assert time.monotonic() - began < 5
