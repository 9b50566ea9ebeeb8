from __future__ import annotations

import re

from mcp_tui.cli.arguments import EPILOG
from tests.support.readme import README, ROOT, SCREENSHOT, with_sections


def test_key_table_and_configuration_reference_are_up_to_date():
    text = README.read_text(encoding="utf-8")
    assert text == with_sections(text), "run: make docs"


def test_links_lead_somewhere():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README.read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target


def test_the_screenshot_is_the_programs_own_and_names_no_host():
    svg = SCREENSHOT.read_text(encoding="utf-8")
    assert "mcp-tui" in svg
    assert "approval" in svg
    assert "offline" in svg


def test_exit_codes_are_those_of_the_command_line():
    rows = dict(re.findall(r"^\| (\d+) \| (.+?) \|$", README.read_text(encoding="utf-8"), re.MULTILINE))
    for code, words in re.findall(r"^  (\d+) +(.+)$", EPILOG, re.MULTILINE):
        assert code in rows
        assert words.split("(")[0].split(",")[0].split(":")[0].strip() in rows[code].replace("`", "")
