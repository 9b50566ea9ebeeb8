"""Rules, and what they would decide, in words: pure functions to text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual.content import Content

from mcp_tui.safety.text import shorten, strict
from mcp_tui.ui import formats
from mcp_tui.ui.literal import to_json

if TYPE_CHECKING:
    from mcp_tui.config.rule_models import RuleEntry
    from mcp_tui.conversation.calls import CallRecord

Part = tuple[str, str]

EFFECT_STYLES = {"allow": "$success bold", "deny": "$error bold", "ask": "$warning bold"}
STRONGEST = ("deny", "ask", "allow")
"""Which effect wins where several rules match a call."""
MAX_CALLS = 200
"""Recorded calls that the dry run shows."""

_SAYS = {"allow": "allowed", "deny": "denied", "ask": "asked about"}


def argument_words(entry: RuleEntry) -> str:
    """``path under /srv, mode = "r"``; what an allow does not list makes it fail."""
    if entry.arguments is None:
        return "any arguments"
    if not entry.arguments:
        return "no arguments"
    return ", ".join(f"{strict(name)} {pattern_words(pattern)}" for name, pattern in entry.arguments.items())


def pattern_words(pattern: Any) -> str:
    """One pattern as people say it."""
    value = pattern.value
    match pattern.kind:
        case "equals":
            return f"= {to_json(value, indent=None)}"
        case "one_of":
            return "is " + " or ".join(to_json(choice, indent=None) for choice in value)
        case "path_under":
            return f"under {strict(value)}"
        case "host_in":
            return f"at {' or '.join(strict(host) for host in value)}"
        case "max":
            return f"at most {value:g}"
        case _:
            return f"like {strict(str(value))}"


def scope_words(entry: RuleEntry) -> str:
    """Where it counts."""
    return f"only in {strict(entry.project)}" if entry.project else "everywhere"


def who_words(entry: RuleEntry) -> str:
    """``fs.read_file``, ``any tool of fs``, ``any tool of any server``."""
    server = "any server" if entry.server == "*" else strict(entry.server)
    if entry.tool == "*":
        return f"any tool of {server}"
    return (
        f"{strict(entry.server)}.{strict(entry.tool)}" if entry.server != "*" else f"{strict(entry.tool)} of any server"
    )


def row(entry: RuleEntry, matched: int | None, width: int) -> Content:
    """One line: effect, id, tool, arguments, how many recorded calls it matches."""
    count = "…" if matched is None else f"{matched:,}"
    id_width, who_width = columns(width)
    words = argument_words(entry) + (f"; {scope_words(entry)}" if entry.project else "")
    words += "; tools said to be read-only" if entry.annotation else ""
    words += "; as defined now" if entry.definition else ""
    left = Content.assemble(
        (f"{entry.effect:<7}", EFFECT_STYLES[entry.effect]),
        (f"{shorten(entry.id, id_width - 1):<{id_width}}", ""),
        (f"{shorten(who_words(entry), who_width - 1):<{who_width}}", "$role-tool"),
        (words, ""),
    )
    room = max(10, width - 8)
    return Content.assemble(left.truncate(room, ellipsis=True, pad=True), (f"{count:>7}", "$muted"))


def columns(width: int) -> tuple[int, int]:
    """Cells of the id and of the tool."""
    return (16, 22) if width < 100 else (24, 30)


def head(width: int) -> str:
    """The titles above the rows."""
    id_width, who_width = columns(width)
    left = f"{'effect':<7}{'id':<{id_width}}{'tool':<{who_width}}arguments"
    return f"{left:<{max(10, width - 8)}}{'calls':>7}"


def dry_run(
    entry: RuleEntry, written: str, matched: Sequence[CallRecord] | None, wins: Mapping[str, RuleEntry]
) -> Content:
    """The rule in words, as it stands in the file, and what it would have decided.

    ``wins``: call id -> the strongest rule that matches the call, where that is not this one.
    """
    parts: list[Part | Content] = [
        (entry.effect, EFFECT_STYLES[entry.effect]),
        (f" {who_words(entry)}", "$role-tool"),
        (f" with {argument_words(entry)}, {scope_words(entry)}", ""),
        (", only tools that say of themselves that they are read-only" if entry.annotation else "", ""),
        (", only while the tool is defined as it was then" if entry.definition else "", ""),
        ("\n", ""),
    ]
    if entry.note:
        parts.append((f"{strict(entry.note)}\n", "$muted"))
    if matched is None:
        parts.append(("\nlooking through the recorded calls …\n", "$muted"))
    else:
        parts += _calls(entry, matched, wins)
    parts += [("\nas it stands in the file\n", "bold"), (strict(written.rstrip(), one_line=False), "$muted")]
    return Content.assemble(*parts)


def _calls(entry: RuleEntry, matched: Sequence[CallRecord], wins: Mapping[str, RuleEntry]) -> list[Part]:
    if not matched:
        return [("\nno recorded call matches\n", "bold")]
    count = formats.plural(len(matched), "recorded call")
    verb = "matches" if len(matched) == 1 else "match"
    parts: list[Part] = [(f"\n{count} {verb}; with the rules as they are now:\n", "bold")]
    for record in matched[:MAX_CALLS]:
        parts += _call(record, entry, wins.get(record.call_id))
    if len(matched) > MAX_CALLS:
        parts.append((f"… {len(matched) - MAX_CALLS:,} more\n", "$muted"))
    return parts


def _call(record: CallRecord, entry: RuleEntry, stronger: RuleEntry | None) -> list[Part]:
    arguments, effect = to_json(record.arguments, indent=None), (stronger or entry).effect
    by = f" by rule {strict(stronger.id)}" if stronger is not None else ""
    return [
        (f"{_SAYS[effect] + by:<12} ", EFFECT_STYLES[effect]),
        (f"{formats.local_date(record.at)}  ", "$muted"),
        (f"{strict(record.server)}.{strict(record.name)}  ", "$role-tool"),
        (shorten(arguments, 160), ""),
        (f"  {then_words(record)}\n", "$muted"),
    ]


def then_words(record: CallRecord) -> str:
    """How the call was decided when it was made."""
    who = {"user": "you", "rule": "a rule", "engine": "the program"}.get(record.decided_by, "")
    if record.decided_by == "rule" and record.rule_id:
        who = f"rule {strict(record.rule_id)}"
    said = {"allow": "allowed", "deny": "denied", "stop": "denied", "withdrawn": "withdrawn"}.get(record.decision, "")
    words = f"then {said} by {who}" if said and who else "then not decided"
    return f"{words}, {record.outcome.replace('_', ' ')}" if record.outcome and record.ran else words
