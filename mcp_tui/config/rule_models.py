"""``permissions.yaml`` as models: what may run without a question, what never, what always asks.

An allow is read narrowly, a deny or an ask widely (`mcp_tui.permissions.patterns`).  What the fields of one entry
must keep among themselves stands in `mcp_tui.config.rule_checks`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from mcp_tui.config.words import InWords

Effect = Literal["allow", "deny", "ask"]
VERSION = 1
ANY = "*"

PATTERN_KINDS = ("equals", "one_of", "glob", "path_under", "host_in", "max")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class ArgumentPattern(_Part):
    """What one argument of a call must be: exactly one of these fields."""

    equals: Annotated[Any, InWords("a value")] = None
    """This value: same type, same text."""
    one_of: Annotated[list[Any], InWords("a list of values")] = Field(default_factory=list)
    """One of these values."""
    glob: str = ""
    """Text of this form as a whole: ``*`` stops at ``/``, ``**`` does not; neither takes ``;``, ``$`` and the like."""
    path_under: str = ""
    """An absolute path to this folder or below it, symbolic links followed."""
    host_in: list[str] = Field(default_factory=list)
    """A web address at exactly one of these hosts; ``host:port`` for a port other than the usual one."""
    max: Annotated[float, Field(allow_inf_nan=False)] = 0
    """A number that is not negative and not larger."""

    @property
    def kind(self) -> str:
        """The field that is given; empty where not exactly one is."""
        return next(iter(self.model_fields_set)) if len(self.model_fields_set) == 1 else ""

    @property
    def value(self) -> Any:
        """What the given field holds."""
        return getattr(self, self.kind)


class RuleEntry(_Part):
    """One rule."""

    id: str
    """A name of its own: every decision that the rule makes names it."""
    effect: Effect
    """A ``deny`` always wins, then ``ask``, then ``allow``; which is more specific never matters."""
    server: str
    """Name of a configured server; ``"*"`` (any) only with ``deny`` and ``ask``."""
    tool: str = ANY
    """Name of a tool; ``"*"`` is any of the server's.  ``deny`` and ``ask`` also take a pattern."""
    arguments: dict[str, ArgumentPattern] | None = None
    """Argument -> pattern; left out: any arguments.  An ``allow`` fails when the call has any other argument."""
    annotation: Literal["read_only"] | None = None
    """Only tools of which the server says that they change nothing; only with ``allow``."""
    definition: str | None = None
    """SHA-256 of the tool's definition that the rule was made for: another one asks again; only with ``allow``."""
    project: str | None = None
    """Folder: the rule counts only while mcp-tui runs in it or below it."""
    note: str = ""
    """For you: why it is there."""


class RulesModel(_Part):
    """The whole of ``permissions.yaml``."""

    version: Annotated[int, Field(ge=1)]
    """Format of this file: 1."""
    rules: list[RuleEntry]
    """Every rule, in any order."""


def to_data(entry: RuleEntry) -> dict[str, Any]:
    """The entry as it is written: fields that say nothing are left out."""
    data: dict[str, Any] = {"id": entry.id, "effect": entry.effect, "server": entry.server, "tool": entry.tool}
    if entry.arguments is not None:
        data["arguments"] = {name: {pattern.kind: _written(pattern)} for name, pattern in entry.arguments.items()}
    for name in ("annotation", "definition", "project", "note"):
        if value := getattr(entry, name):
            data[name] = value
    return data


def _written(pattern: ArgumentPattern) -> Any:
    """The pattern's value; a whole ``max`` without a decimal point."""
    if pattern.kind == "max" and pattern.max.is_integer():
        return int(pattern.max)
    return pattern.value


def same_entry(one: RuleEntry, other: RuleEntry) -> bool:
    """Whether two entries say the same, types included: ``1`` is not ``True``."""
    return repr(to_data(one)) == repr(to_data(other))
