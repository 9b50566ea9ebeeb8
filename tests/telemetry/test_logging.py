from __future__ import annotations

import json
import logging
import stat
import threading

import pytest

from mcp_tui.safety.secrets import Redactor
from mcp_tui.telemetry.logging import LogFile, conversation_id, turn_id

SECRET = "configured-secret-value"


@pytest.fixture
def log_file(tmp_path):
    root = logging.getLogger()
    before = root.handlers[:], root.level
    log = LogFile(tmp_path / "logs" / "mcp-tui.log", Redactor([SECRET]))
    yield log
    log.close()
    root.handlers[:], root.level = before


def lines(log):
    log.close()
    return [json.loads(line) for line in log.path.read_text().splitlines()]


def test_records_carry_correlation_operation_and_duration(log_file):
    conversation_id.set("c1")
    turn_id.set("t1")
    logging.getLogger("mcp_tui.engine").info("done", extra={"operation": "tool_call", "duration": 0.5, "call_id": "k"})
    (line,) = lines(log_file)
    assert (line["conversation_id"], line["turn_id"], line["call_id"]) == ("c1", "t1", "k")
    assert (line["operation"], line["duration"], line["level"]) == ("tool_call", 0.5, "info")
    assert line["at"].endswith("+00:00")


def test_case_102_no_secret_reaches_the_file(log_file):
    logger = logging.getLogger("mcp_tui.gateway")
    logger.warning("key %s", SECRET)
    try:
        raise ValueError(f"refused {SECRET}")
    except ValueError:
        logger.exception("failed", extra={"error": SECRET})
    text = json.dumps(lines(log_file))
    assert SECRET not in text
    assert "ValueError" in text


def test_the_file_is_private_and_nothing_is_printed(log_file, capsys):
    logging.getLogger("some.package").error("noise")
    (line,) = lines(log_file)
    assert line["logger"] == "some.package"
    assert stat.S_IMODE(log_file.path.stat().st_mode) == 0o600
    assert capsys.readouterr() == ("", "")


def test_case_104_debug_of_libraries_stays_out(log_file):
    logging.getLogger("some.package").info("chatter")
    logging.getLogger("mcp_tui").debug("detail")
    assert lines(log_file) == []


def test_text_form_is_one_line_each(tmp_path):
    root = logging.getLogger()
    before = root.handlers[:], root.level
    log = LogFile(tmp_path / "log", Redactor(), style="text")
    logging.getLogger("mcp_tui").warning("two\nlines", extra={"operation": "x"})
    log.close()
    root.handlers[:], root.level = before
    (line,) = log.path.read_text().splitlines()
    assert "two\\nlines" in line
    assert 'operation="x"' in line


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_case_093_what_a_thread_dies_of_goes_to_the_file_scrubbed(log_file, capsys):
    def work(local=SECRET):
        raise ValueError(f"refused {local}")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    (line,) = lines(log_file)
    assert (line["error"], line["operation"]) == ("ValueError", "thread")
    assert "work" in line["traceback"]
    assert SECRET not in json.dumps(line)
    assert capsys.readouterr() == ("", "")


def test_case_081_no_control_character_reaches_a_text_log(tmp_path):
    root = logging.getLogger()
    before = root.handlers[:], root.level
    log = LogFile(tmp_path / "mcp-tui.log", Redactor(), style="text")
    logging.getLogger("mcp_tui.x").warning("a\x1b[2J\x9b1m\u202eb\nc", extra={"server": "\x1b]0;x\x07"})
    log.close()
    root.handlers[:], root.level = before
    (line,) = log.path.read_text().splitlines()
    assert line.isascii()
    assert line.isprintable()
    assert "a<U+001B>[2J<U+009B>1m<U+202E>b\\nc" in line
