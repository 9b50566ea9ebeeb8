from __future__ import annotations

from pathlib import Path

import pytest

from mcp_tui.config.problems import InvalidConfiguration, Problem, dotted

FILE = Path("/etc/config.yaml")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("a", "b-c", "d_1"), "a.b-c.d_1"),
        (("mcpServers", "git", "args", 1), "mcpServers.git.args[1]"),
        (("ui", "keys", "app.help"), 'ui.keys."app.help"'),
        (("a", ""), 'a.""'),
        ((), ""),
    ],
)
def test_field_paths(path: tuple[str | int, ...], text: str) -> None:
    assert dotted(path) == text


def test_a_problem_in_one_line_and_a_hint_in_a_second() -> None:
    problem = Problem(FILE, "is wrong", 3, 7, ("a", "b"), expected="text", found="a list", hint="Write it so.")
    assert str(problem) == "config.yaml:3:7: a.b: is wrong; expected text; found a list\n    Write it so."
    assert problem.render(full_path=True).startswith("/etc/config.yaml:3:7: ")
    assert Problem(FILE, "is a directory").render() == "config.yaml: is a directory"


def test_the_error_counts_and_lists() -> None:
    one = InvalidConfiguration([Problem(FILE, "is wrong")])
    two = InvalidConfiguration([Problem(FILE, "is wrong", 1), Problem(FILE, "is worse", 2)])
    assert str(one) == "The configuration has 1 problem.\nconfig.yaml: is wrong"
    assert two.message == "The configuration has 2 problems."
    assert two.problems == ("config.yaml:1: is wrong", "config.yaml:2: is worse")
    assert not two.first_start
