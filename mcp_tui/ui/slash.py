"""What a slash command is, and how a line becomes one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from mcp_tui.errors import UsageError

App_contra = TypeVar("App_contra", contravariant=True)
"""The app that a command is for."""


def _no_values(app: object) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Command(Generic[App_contra]):
    """A command: ``run`` is given the app and the words after the name, and raises `UsageError` for wrong ones."""

    name: str
    help: str
    run: Callable[[App_contra, str], None]
    argument: str = ""
    """How help writes the argument; empty where there is none."""
    values: Callable[[App_contra], Sequence[str]] = _no_values
    """What completion offers as argument."""
    key: str = ""
    """Id of the binding that does the same."""
    passed_on: bool = False
    """Not carried out here: the line is submitted as it stands."""
    palette: bool = True
    """Listed in the command palette."""

    @property
    def usage(self) -> str:
        """``/name argument``."""
        return f"/{self.name} {self.argument}".rstrip()


def parse(line: str, commands: Sequence[Command[App_contra]]) -> tuple[Command[App_contra], str]:
    """The command of ``line``, which starts with a slash, and its argument.

    Raises `UsageError`, naming the nearest command, when there is none.
    """
    from difflib import get_close_matches

    name, _, argument = line.strip()[1:].partition(" ")
    for command in commands:
        if command.name == name:
            return command, argument.strip()
    near = get_close_matches(name, [command.name for command in commands], 1, 0.4)
    hint = f"Did you mean /{near[0]}?" if near else "/help lists the commands."
    raise UsageError(f"There is no command /{name}.", hint=hint)


def complete(text: str, commands: Sequence[Command[App_contra]], app: App_contra) -> list[tuple[str, str]]:
    """What may follow: (whole line, help)."""
    name, space, argument = text[1:].partition(" ")
    if not space:
        return [(f"/{command.name}", command.help) for command in commands if command.name.startswith(name)]
    for command in commands:
        if command.name == name:
            values = [value for value in command.values(app) if value.startswith(argument)]
            return [(f"/{name} {value}", "") for value in values]
    return []


def one_of(value: str, known: Sequence[str], what: str) -> str:
    """``value`` if it is known.  Raises `UsageError` that lists what is."""
    from difflib import get_close_matches

    if value in known:
        return value
    near = get_close_matches(value, known, 1, 0.4)
    hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known) or 'none'}."
    raise UsageError(f"There is no {what} {value!r}." if value else f"Which {what}?", hint=hint)
