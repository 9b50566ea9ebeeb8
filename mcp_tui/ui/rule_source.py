"""One rule as text to edit, and back: what is wrong is said field by field."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent
from typing import TYPE_CHECKING

from mcp_tui.errors import UsageError

if TYPE_CHECKING:
    from mcp_tui.config.problems import Problem
    from mcp_tui.config.rule_models import RuleEntry

_HEAD = "version: 1\nrules:\n  -\n"
_HEAD_LINES = _HEAD.count("\n")

TEMPLATE = """\
id: new-rule
effect: ask        # allow, deny or ask
server: "*"        # name of a server; "*" only with deny and ask
tool: "*"
# arguments:       # left out: any arguments
#   path: {path_under: /home/me/notes}
note: ""
"""
"""What a new rule starts from."""


def as_text(written: str) -> str:
    """An entry of the file as it is edited: without the list's hyphen and indent.  ``written`` is its text there."""
    lines = written.replace("- ", "  ", 1).rstrip("\n")
    return dedent(lines) + "\n"


def parse(text: str) -> RuleEntry:
    """The one rule in ``text``.  Raises `UsageError` with a line for everything that is wrong."""
    from mcp_tui.config.rules_file import parse_rules

    body = indent(text.replace("\t", "  "), "    ") if text.strip() else ""
    entries, problems = parse_rules(Path("rule"), _HEAD + body)
    if problems:
        lines = []
        for problem in problems:
            field = problem.field.partition("].")[2] or (
                "" if problem.field in ("rules", "rules[0]") else problem.field
            )
            at = f" (line {problem.line - _HEAD_LINES})" if problem.line and problem.line > _HEAD_LINES else ""
            wanted = f"; expected {problem.expected}" if problem.expected else ""
            hint = f". {problem.hint}" if problem.hint else ""
            lines.append(f"{field or 'rule'}: {problem.message}{wanted}{hint}{at}")
        raise UsageError("\n".join(lines))
    if len(entries) != 1:
        raise UsageError("This is not one rule.")
    return entries[0]


def _words(problem: Problem) -> str:
    field = problem.field.partition("].")[2] or "rule"
    at = f" (line {problem.line - _HEAD_LINES})" if problem.line and problem.line > _HEAD_LINES else ""
    wanted = f"; expected {problem.expected}" if problem.expected else ""
    found = f", found {problem.found}" if problem.found else ""
    hint = f". {problem.hint}" if problem.hint else ""
    return f"{field}: {problem.message}{wanted}{found}{hint}{at}"
