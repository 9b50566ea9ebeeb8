"""What is wrong with a configuration file, said so that it can be mended at once (requirement B1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mcp_tui.errors import ConfigError
from mcp_tui.safety.text import strict

FieldPath = tuple[str | int, ...]
"""Keys and list positions from the top of a file to a value."""


def dotted(path: FieldPath) -> str:
    """A field path as people write it: ``llm.providers.openai.model``, ``mcpServers.git.args[1]``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            name = part if part and all(c.isalnum() or c in "_-" for c in part) else f'"{part}"'
            text += f".{name}" if text else name
    return text


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, or (among the warnings) worth knowing.

    ``line`` and ``column`` count from 1 and are ``None`` where the file as a whole is meant.  ``message`` says
    what is wrong; ``expected`` and ``found`` are filled where a value is of the wrong kind; ``hint`` says what to
    write instead.  No text holds the value of a field that may be a secret.
    """

    file: Path
    message: str
    line: int | None = None
    column: int | None = None
    path: FieldPath = ()
    expected: str = ""
    found: str = ""
    hint: str = ""

    @property
    def field(self) -> str:
        """The field path in dotted form; empty for the file as a whole."""
        return dotted(self.path)

    def render(self, *, full_path: bool = False) -> str:
        """One line, and a second, indented one with the hint when there is a hint.

        ``full_path`` writes the whole path of the file rather than its name.
        """
        place = str(self.file) if full_path else self.file.name
        if self.line is not None:
            place += f":{self.line}" if self.column is None else f":{self.line}:{self.column}"
        field = f"{self.field}: " if self.path else ""
        detail = "".join(
            [f"; expected {self.expected}" if self.expected else "", f"; found {self.found}" if self.found else ""]
        )
        text = strict(f"{place}: {field}{self.message}{detail}")
        return f"{text}\n    {strict(self.hint)}" if self.hint else text

    def __str__(self) -> str:
        return self.render()


class InvalidConfiguration(ConfigError):
    """The files cannot be used; ``details`` has every problem of both, in the order of the files.

    ``missing`` names the files that do not exist: when nothing else is wrong, this is a first start (B6).
    """

    def __init__(
        self, details: Iterable[Problem], warnings: Iterable[Problem] = (), missing: Iterable[Path] = ()
    ) -> None:
        self.details = tuple(details)
        self.warnings = tuple(warnings)
        self.missing = tuple(missing)
        count = len(self.details)
        hint = "`mcp-tui init` writes both files, `mcp-tui demo` needs none." if self.missing else ""
        super().__init__(
            f"The configuration has {count} problem{'' if count == 1 else 's'}.",
            problems=tuple(problem.render() for problem in self.details),
            hint=hint,
        )

    @property
    def first_start(self) -> bool:
        """True when files are missing and nothing else is wrong."""
        return bool(self.missing) and len(self.details) == len(self.missing)
