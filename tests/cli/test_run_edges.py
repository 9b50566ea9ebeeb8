"""``mcp-tui run`` where something is odd: what comes in, where it goes, when it is interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from tests.support.program import Program

ALLOW = ("run", "--demo", "--policy", "allow")

SLOW = '/call slow.run_task {"steps": 60, "seconds": 60}'
"""A minute in which something can happen."""


@pytest.fixture
def program(tmp_path):
    return Program(tmp_path)


def run_bytes(program, *arguments, stdin):
    return subprocess.run(
        program.command(*arguments),
        input=stdin,
        capture_output=True,
        timeout=60,
        env={**os.environ, **program.environ},
        check=False,
    )


def test_case_123_standard_input_that_is_no_utf8_is_refused_with_its_place(program):
    done = run_bytes(program, "run", "--demo", "-", stdin=b"caf\xe9")
    assert done.returncode == 2
    assert b"Standard input is not UTF-8 text: byte 4 is 0xe9." in done.stderr
    assert done.stdout == b""


def test_text_with_a_mark_and_a_long_one_is_taken(program):
    done = run_bytes(program, "run", "--demo", "-", stdin=b"\xef\xbb\xbfhello " + b"long words " * 50_000)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_case_123_words_that_are_no_text_in_the_command_line_are_taken(program):
    done = subprocess.run(
        [os.fsencode(part) for part in program.command("run", "--demo")] + [b"caf\xe9 hello"],
        capture_output=True,
        timeout=60,
        env={**os.environ, **program.environ, "PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["files", ".x", "files."])
def test_a_name_that_cannot_be_allowed_is_refused(program, name):
    done = program.run("run", "--demo", "--allow", name, "hi")
    assert done.returncode == 2
    assert f"--allow {name}: write it as SERVER.TOOL." in done.stderr


def test_an_allowed_tool_that_no_server_has_is_a_warning(program):
    done = program.run("run", "--demo", "--allow", "nobody.nothing", "hi")
    assert done.returncode == 0, done.stderr
    assert "warning: --allow nobody.nothing: no running server has such a tool." in done.stderr


def test_case_010_a_data_directory_that_cannot_be_one_is_said_with_status_2(program):
    program.data_dir.mkdir()
    (program.data_dir / "conversations").write_text("a file")
    done = program.run("run", "--demo", "hi")
    assert done.returncode == 2, done.stderr
    assert "Conversations cannot be kept in" in done.stderr


def test_when_nobody_reads_the_answer_the_turn_ends(program):
    process = subprocess.Popen(
        program.command(*ALLOW, "--json", SLOW),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **program.environ},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert any(b'"tool_call_started"' in line for line in process.stdout)
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 141
    assert b"Traceback" not in errors
    (log,) = (program.data_dir / "conversations").glob("*.jsonl")
    ends = [json.loads(line) for line in log.read_text().splitlines() if '"turn_finished"' in line]
    assert [end["outcome"] for end in ends] == ["cancelled"]


def test_a_second_interrupt_ends_it_at_once(program):
    command = program.command(*ALLOW, "--json", SLOW)
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **program.environ},
    ) as process:
        assert process.stdout is not None
        assert any('"tool_call_started"' in line for line in process.stdout)
        for _ in range(2):
            process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait(60) == 130
