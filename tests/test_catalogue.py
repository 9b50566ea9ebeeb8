"""Every case of the fault catalogue has a test whose name carries its number, or a reason in SECURITY.md."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.catalogue import LAST, MODES, name_of, numbers_in

ROOT = Path(__file__).parent.parent
SECURITY = ROOT / ".github" / "SECURITY.md"
EVERY = set(range(1, LAST + 1))


def names_of_tests(session: pytest.Session) -> list[str]:
    """All tests with their parameters: those of this run where it is of everything, otherwise collected anew."""
    files = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")}
    collected = [item.nodeid for item in session.items]
    option = session.config.option
    if files <= {name.partition("::")[0] for name in collected} and not (option.keyword or option.markexpr):
        return collected
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [*command, "tests"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return [line for line in done.stdout.splitlines() if "::" in line]


def excused() -> dict[int, str]:
    """Case number to reason, from the table in SECURITY.md: ``| 41 | why |`` or ``| 60-62 | why |``."""
    _, _, section = SECURITY.read_text(encoding="utf-8").partition("## Faults without a test")
    reasons: dict[int, str] = {}
    for first, last, reason in re.findall(r"^\| *(\d+)(?:-(\d+))? *\| *(.+?) *\|$", section, re.MULTILINE):
        for number in range(int(first), int(last or first) + 1):
            assert number not in reasons, f"case {number} is excused twice"
            reasons[number] = reason
    return reasons


def test_each_case_has_a_test_or_a_reason(request: pytest.FixtureRequest) -> None:
    """Not both; and no name carries a number that the catalogue does not have."""
    tests, reasons = numbers_in(names_of_tests(request.session)), excused().keys()
    assert sorted(EVERY - tests - reasons) == [], "neither a test nor a line in SECURITY.md"
    assert sorted(tests & reasons) == [], "excused in SECURITY.md in spite of a test"
    assert sorted((tests | reasons) - EVERY) == [], "no case of the catalogue"


def test_reasons_are_sentences() -> None:
    assert all(len(reason.split()) > 4 for reason in excused().values())


def test_numbers_are_read_from_names() -> None:
    names = ["x.py::test_case_002_003_full", "x.py::test_start[case_034_invalid-1]", "x.py::test_case_12_no", "t"]
    assert numbers_in(names) == {2, 3, 34}
    assert numbers_in(name_of(mode) for mode in MODES) == {number for numbers in MODES.values() for number in numbers}
    assert name_of("ok", "") == "ok"
