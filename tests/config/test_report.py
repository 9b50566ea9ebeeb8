from __future__ import annotations

from typing import Any

from mcp_tui.config.report import CheckReport, check


def run(files: Any) -> CheckReport:
    files.write()
    return check(files.config_path, files.servers_path, files.environ)


def test_a_valid_pair_is_summed_up(files: Any) -> None:
    files.servers["off"] = {"command": "npx", "args": ["--token", "${SOME_TOKEN}"], "enabled": False}
    files.servers["far"] = {"url": "https://user:hidden@example.com/mcp"}
    report = run(files)
    text = "\n".join(report.lines)
    assert (report.ok, report.exit_code) == (True, 0)
    assert "openai/gpt-5 (openai; configured: openai, anthropic, ollama)" in text
    assert "2 enabled, 1 disabled" in text
    assert "off: npx (disabled; needs SOME_TOKEN)" in text
    assert "far: remote, not supported yet" in text
    assert str(files.config_path) in text
    assert "hidden" not in text
    assert report.lines[-1] == "The configuration is valid."


def test_problems_come_with_their_number_and_the_warnings(files: Any) -> None:
    files.set("logging.level", "loud")
    del files.environ["ANTHROPIC_API_KEY"]
    report = run(files)
    text = "\n".join(report.lines)
    assert (report.ok, report.exit_code) == (False, 2)
    assert "logging.level: has the wrong kind of value" in text
    assert "warning: config.yaml" in text
    assert "The configuration has 1 problem." in text


def test_missing_files_say_how_to_begin(files: Any, tmp_path: Any) -> None:
    report = check(tmp_path / "a.yaml", tmp_path / "b.json", {})
    assert report.exit_code == 2
    assert "mcp-tui init" in report.lines[-1]


def test_nothing_is_written(files: Any) -> None:
    files.write()
    before = {path: path.stat().st_mtime_ns for path in files.config_path.parent.iterdir()}
    run_report = check(files.config_path, files.servers_path, files.environ)
    assert run_report.ok
    assert {path: path.stat().st_mtime_ns for path in files.config_path.parent.iterdir()} == before
