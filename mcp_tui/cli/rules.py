"""``mcp-tui rules list|test|add|remove``: permission rules without the app.  Starts nothing."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from mcp_tui.cli import EXIT_OK
from mcp_tui.cli.options import Options
from mcp_tui.cli.standard_output import write
from mcp_tui.cli.wiring import conversations_dir, guards
from mcp_tui.config.json_source import parse_json
from mcp_tui.config.loader import load
from mcp_tui.config.paths import Paths, resolve_paths
from mcp_tui.config.rule_models import RuleEntry, to_data
from mcp_tui.config.rules_file import RulesFile, new_entry
from mcp_tui.config.source import Unreadable
from mcp_tui.conversation.calls import CallRecord
from mcp_tui.engine.proposals import free_id
from mcp_tui.errors import ConfigError, UsageError
from mcp_tui.events.tools import ToolDefinition
from mcp_tui.history.jsonl import JsonlStore
from mcp_tui.permissions.base import CallFacts, Rule, Verdict
from mcp_tui.permissions.file_rules import FileRules, rule_words
from mcp_tui.permissions.service import asked_words, evaluate
from mcp_tui.safety.secrets import Redactor
from mcp_tui.safety.text import shorten, strict
from mcp_tui.trust.store import TrustFile

MOST_CALLS = 50
"""Recorded calls that a dry run lists in words; with ``--json``, all of them."""


def list_rules(options: Options) -> int:
    """Every rule, in the order of the file."""
    rules = _rules(options)
    if options.json:
        _print(json.dumps(to_data(entry)) for entry in rules.entries)
        return EXIT_OK
    _print([f"{rules.path}: {len(rules.entries) or 'no'} rule{'' if len(rules.entries) == 1 else 's'}"])
    wide = max((len(entry.id) for entry in rules.entries), default=0)
    _print(f"  {entry.effect:<5}  {entry.id:<{wide}}  {_words(entry)}" for entry in rules.entries)
    return EXIT_OK


def test_rule(options: Options) -> int:
    """What would become of a call, or of every recorded one, and which rule says so."""
    rules = _rules(options)
    file_rules, others = _evaluators(options, rules)
    if options.history:
        return _dry_run(options, file_rules, others)
    server, tool = _names(options.tool)
    annotations = {"readOnlyHint": True} if options.read_only else {}
    digest = _accepted_digest(_paths(options), server, tool)
    definition = ToolDefinition(wire_name="", server=server, name=tool, annotations=annotations, digest=digest)
    call = CallFacts(definition, _object(options.arguments or "{}", "ARGUMENTS"))
    verdict = evaluate(call, [*others, file_rules])
    matching = list(file_rules.matching(call))
    if options.json:
        _print([json.dumps({**_as_data(verdict), "matching": [entry.id for entry in matching]})])
        return EXIT_OK
    _print([_verdict_words(verdict)])
    _print(f"  matches {entry.effect} rule {entry.id}: {_words(entry)}" for entry in matching)
    claims = [entry.id for entry in rules.entries if entry.annotation and entry.server == server]
    if claims and not options.read_only:
        _print([f"  not looked at: {', '.join(claims)} (add --read-only if the server says so of this tool)"])
    return EXIT_OK


def add_rule(options: Options) -> int:
    """Write a new rule, and say what was written."""
    rules = _rules(options)
    server, _, tool = options.tool.partition(".")
    taken = {entry.id for entry in rules.entries}
    data: dict[str, Any] = {
        "id": options.id or free_id(f"{server}.{tool}".replace("*", "any"), taken),
        "effect": options.effect,
        "server": server,
        "tool": tool or "*",
    }
    if options.arguments is not None:
        data["arguments"] = _object(options.arguments, "--arguments")
    if options.read_only:
        data["annotation"] = "read_only"
    if options.project:
        data["project"] = os.path.normpath(Path(options.project).expanduser().absolute())
    if options.note:
        data["note"] = options.note
    entry = new_entry(data)
    rules.add(entry)
    _print([json.dumps(to_data(entry))] if options.json else [f"{rules.path}:", rules.text(entry).rstrip("\n")])
    return EXIT_OK


def remove_rule(options: Options) -> int:
    """Take a rule out, and say what it was."""
    rules = _rules(options)
    entry = next((entry for entry in rules.entries if entry.id == options.id), None)
    rules.remove(options.id)
    assert entry is not None
    _print(
        [json.dumps(to_data(entry))] if options.json else [f"removed {entry.effect} rule {entry.id}: {_words(entry)}"]
    )
    return EXIT_OK


def _paths(options: Options) -> Paths:
    return resolve_paths(os.environ, config=options.config, servers=options.servers)


def _rules(options: Options) -> RulesFile:
    """The file in question.  Raises `InvalidConfiguration` with every problem of it."""
    path = Path(options.rules).expanduser().absolute() if options.rules else _paths(options).rules_file
    return RulesFile.load_valid(path, required=bool(options.rules) and options.command != "rules_add")


def _evaluators(options: Options, rules: RulesFile) -> tuple[FileRules, Sequence[Rule]]:
    """The rules, and the guards as far as the configuration can be read."""
    paths = _paths(options)
    try:
        loaded = load(paths.config_file, paths.servers_file, dict(os.environ))
    except ConfigError:
        sys.stderr.write("note: without a valid configuration, secrets and the servers' folders are not looked at.\n")
        return FileRules(rules.entries), guards(paths, Redactor(), {}, rules)
    cwds = {name: server.cwd for name, server in loaded.servers.items() if server.cwd}
    return FileRules(rules.entries, server_cwds=cwds), guards(paths, Redactor(loaded.secrets), cwds, rules)


def _accepted_digest(paths: Paths, server: str, tool: str) -> str:
    """Digest of the tool's definition as it was accepted last; empty where none was."""
    trusted = TrustFile(paths.data_dir).load().get(server)
    pin = trusted.tools.get(tool) if trusted is not None else None
    return pin.digest if pin is not None else ""


def _dry_run(options: Options, file_rules: FileRules, others: Sequence[Rule]) -> int:
    """Every recorded call as it would be decided now."""
    records = asyncio.run(_recorded(_paths(options)))
    if options.tool:
        server, _, tool = options.tool.partition(".")
        records = [record for record in records if record.server == server and (not tool or record.name == tool)]
    decided = [(record, evaluate(_facts(record), [*others, file_rules])) for record in records]
    if options.json:
        _print(json.dumps(_record_data(record, verdict)) for record, verdict in decided)
        return EXIT_OK
    totals = Counter(verdict.effect for _, verdict in decided)
    _print(
        [f"{len(decided)} recorded calls: {totals['allow']} allowed, {totals['ask']} asked, {totals['deny']} denied"]
    )
    used = Counter(verdict.rule_id for _, verdict in decided if verdict.rule_id)
    _print(f"  {entry.effect:<5}  {entry.id}: decides {used[entry.id]} of them" for entry in file_rules.entries)
    _print(_record_words(record, verdict) for record, verdict in reversed(decided[-MOST_CALLS:]))
    if len(decided) > MOST_CALLS:
        _print([f"  and {len(decided) - MOST_CALLS} earlier ones (--json has all)"])
    return EXIT_OK


async def _recorded(paths: Paths) -> Sequence[CallRecord]:
    directory = conversations_dir(paths)
    if not directory.is_dir():
        return []
    store = JsonlStore(directory)
    try:
        return await store.tool_calls()
    finally:
        await store.aclose()


def _facts(record: CallRecord) -> CallFacts:
    tool = ToolDefinition(wire_name="", server=record.server, name=record.name, digest=record.tool_digest)
    return CallFacts(tool, record.arguments)


def _record_words(record: CallRecord, verdict: Verdict) -> str:
    now = f"{verdict.effect}{f' by {verdict.rule_id}' if verdict.rule_id else ' (guard)' if verdict.guarded else ''}"
    then = f"{record.decision or 'not decided'}{f' by {record.decided_by}' if record.decided_by else ''}"
    arguments = shorten(json.dumps(record.arguments, ensure_ascii=False), 60)
    return f"  {record.at:%Y-%m-%d %H:%M}  {record.server}.{record.name} {arguments}  now: {now}; then: {then}"


def _record_data(record: CallRecord, verdict: Verdict) -> dict[str, Any]:
    return {
        "conversation_id": record.conversation_id,
        "call_id": record.call_id,
        "at": record.at.isoformat(),
        "server": record.server,
        "tool": record.name,
        "arguments": record.arguments,
        "decision": record.decision,
        **_as_data(verdict),
    }


def _as_data(verdict: Verdict) -> dict[str, Any]:
    return {"verdict": verdict.effect, "rule_id": verdict.rule_id, "reason": verdict.rule, "guard": verdict.guard}


def _verdict_words(verdict: Verdict) -> str:
    if verdict.effect == "ask":
        return f"ask: {asked_words(verdict)}{' (guard)' if verdict.guarded else ''}"
    return f"{verdict.effect}: rule {verdict.rule_id}, {verdict.rule}"


def _words(entry: RuleEntry) -> str:
    """Who, what and where, then the note."""
    said = rule_words(entry.model_copy(update={"note": ""})).partition(" ")[2]
    if entry.annotation:
        said += " that its server calls read-only"
    if entry.project:
        said += f", in {entry.project}"
    return f"{said}  # {entry.note}" if entry.note else said


def _names(text: str) -> tuple[str, str]:
    server, _, tool = text.partition(".")
    if not (server and tool):
        raise UsageError("Name the tool as SERVER.TOOL, or try the recorded calls with --history.")
    return server, tool


def _object(text: str, name: str) -> dict[str, Any]:
    """A JSON object from the command line.  Raises `UsageError`."""
    try:
        document = parse_json(Path(name), text)
    except Unreadable as error:
        raise UsageError(str(error.problem), hint="""Write it as JSON: '{"path": "/tmp/x"}'.""") from None
    if document.problems:
        raise UsageError(str(document.problems[0]))
    if not isinstance(document.data, dict):
        raise UsageError(f"""{name} must be a JSON object such as '{{"path": "/tmp/x"}}'.""")
    return document.data


def _print(lines: Iterable[str]) -> None:
    write("".join(f"{strict(line, one_line=False)}\n" for line in lines))
