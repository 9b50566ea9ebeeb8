"""``mcp-tui replay ID --verify``: the calls of a conversation again, against today's servers.

A line for each call - same, differs or not run - with its differences below it, what ``--ignore`` and
``--ignore-pattern`` left out of the comparisons, and a summary.  Nobody can be asked:
only what ``--allow``, the rules or ``--policy allow`` permit is run.  Exit code 0 when all results are the same, 1 when
one differs, 3 when none differs and a call could not be run.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from mcp_tui.cli import EXIT_DENIED, EXIT_ERROR, EXIT_OK
from mcp_tui.cli.conversations import find
from mcp_tui.cli.headless import (
    check_allowed_names,
    check_trust,
    on_signals,
    rules_of,
    run_headless,
    say,
    trust_command,
)
from mcp_tui.cli.history_output import count
from mcp_tui.cli.options import Options
from mcp_tui.cli.standard_output import write
from mcp_tui.cli.wiring import Setup, build_engine, conversations_dir
from mcp_tui.conversation.comparison import Verdict, counted_words, ignored_in_all, ignored_words, verdict
from mcp_tui.conversation.ignoring import Ignoring, parse_ignoring
from mcp_tui.conversation.items import ToolCallItem
from mcp_tui.engine.engine import Engine, Subscription
from mcp_tui.engine.verification import Verification, verification_of
from mcp_tui.events import tools, turns
from mcp_tui.events.tools import Difference, Ignored
from mcp_tui.gateway.absent import NoModel
from mcp_tui.history.base import StoredConversation
from mcp_tui.history.jsonl import JsonlStore
from mcp_tui.permissions.rules import AllowedTools, Policy
from mcp_tui.safety.text import prose, shorten, strict
from mcp_tui.telemetry.logging import silence

WORDS: dict[Verdict, str] = {"same": "same", "differs": "differs", "not_run": "not run"}

DERIVED = frozenset({"verification", "offline_replay"})
"""Kinds of origin of conversations that must not become the measure of the next verification by themselves."""

MOST_ARGUMENTS = 200
"""Characters of the arguments in a line."""


def verify(options: Options) -> int:
    """Verify a conversation and return the exit code.

    Raises `ConversationNotFound`, and `UsageError` where there is nothing to verify, a server is not trusted, or it
    cannot be read what to ignore.
    """
    silence()
    check_allowed_names(options.allow)
    ignoring = parse_ignoring(options.ignore, options.ignore_patterns)
    return run_headless(options, lambda made: _verify(options, made, ignoring), keys_needed=False)


async def stored_conversation(made: Setup, wanted: str) -> StoredConversation:
    """The conversation that ``wanted`` means; ``last`` is none that came of verifying or replaying another one.

    Raises `ConversationNotFound` and `UsageError`.
    """
    store = JsonlStore(conversations_dir(made.paths))
    try:
        stored = await store.list()
        if wanted == "last":
            stored = tuple(one for one in stored if one.origin is None or one.origin.kind not in DERIVED)
        return await store.read(find(stored, wanted).id)
    finally:
        await store.aclose()


async def _verify(options: Options, made: Setup, ignoring: Ignoring) -> int:
    stored = await stored_conversation(made, options.id)
    planned = verification_of(stored.id, stored.events)
    needed = {item.server for item in planned.calls}
    made = replace(made, servers={name: server for name, server in made.servers.items() if name in needed})
    rules_file = rules_of(options, made)
    check_trust(options, made)
    engine = build_engine(
        made,
        rules=[AllowedTools(options.allow)],
        fallback=Policy(options.policy),
        rules_file=rules_file,
        server_wait=made.config.mcp.connection.connection_timeout,
        gateway=NoModel(demo=made.demo),
    )
    stopped: list[int] = []
    on_signals(engine, stopped)
    for warning in made.warnings:
        say(f"warning: {warning}")
    report = _JsonReport(options) if options.json else _Report(options)
    try:
        await engine.start()
        code = await _run(engine, stored.id, ignoring, report, stopped)
    finally:
        await engine.aclose()
    return 128 + stopped[0] if stopped else code


async def _run(engine: Engine, conversation_id: str, ignoring: Ignoring, report: _Report, stopped: list[int]) -> int:
    request = await engine.verify(conversation_id, ignoring)
    if request.without_result:
        left_out = "is" if request.without_result == 1 else "are"
        say(f"warning: {count(request.without_result, 'call')} without a recorded result {left_out} left out.")
    subscription = engine.subscribe()
    watcher = asyncio.create_task(_watch(engine, subscription, report), name="report")
    watcher.add_done_callback(lambda _: engine.cancel_turn(drop_queue=True))
    if stopped:
        engine.cancel_turn(drop_queue=True)
    finished = await engine.idle()
    subscription.close()
    await watcher
    report.rest(engine, request)
    report.sum_up(engine, request)
    if report.counts["differs"] and not ignoring.rules:
        say("What is new each time, such as a time or an id, can be left out: --ignore PATH, --ignore-pattern REGEX.")
    say(f"conversation {engine.conversation_id}")
    if finished is None or finished.outcome == "error":
        if finished is not None and finished.error is not None:
            say(f"mcp-tui: {finished.error.message} {finished.error.hint}")
        return EXIT_ERROR
    return report.exit_code


async def _watch(engine: Engine, subscription: Subscription, report: _Report) -> None:
    """Write what happens; when nobody reads our output any more, this ends early, and the verification with it."""
    async for batch in subscription:
        for event in batch.events:
            match event:
                case tools.ToolCallCompared():
                    item = engine.transcript.call(event.call_id)
                    if item is not None:
                        report.take(item)
                case turns.Notice():
                    say(f"{event.severity}: {event.message} {event.hint}")
                case _:
                    pass


def why_not_run(item: ToolCallItem, schema: str) -> str:
    """Why a call was not run, in words; ``schema`` says which one its arguments were checked against."""
    if item.state == "denied":
        return item.decision
    if item.state == "invalid_arguments":
        problems = "; ".join(f"{problem.field}: {problem.message}".lstrip(": ") for problem in item.validation_errors)
        return f"its arguments do not fit {schema}: {problems}"
    return item.error.message if item.error is not None else item.state.replace("_", " ")


def difference_lines(differences: Iterable[Difference]) -> Iterator[str]:
    """Each place, what went with a minus and what came with a plus."""
    for difference in differences:
        yield f"    {strict(difference.path)}" if difference.path else f"    ... {strict(difference.after)}"
        if not difference.path:
            continue
        for sign, text in (("-", difference.before), ("+", difference.after)):
            if text:
                yield from (f"    {sign} {line}" for line in strict(text, one_line=False).split("\n"))


def difference_data(differences: Iterable[Difference]) -> list[dict[str, Any]]:
    """The same for a program."""
    return [difference.model_dump() for difference in differences]


class _Report:
    """What is written of a verification."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._seen: set[str] = set()
        self._verdicts: list[tuple[str, Verdict]] = []
        """Each call by name, and what became of it."""

    @property
    def counts(self) -> Counter[Verdict]:
        """How many calls came to what."""
        return Counter(found for _, found in self._verdicts)

    @property
    def exit_code(self) -> int:
        """A difference weighs more than what could not be run."""
        counts = self.counts
        return EXIT_ERROR if counts["differs"] else EXIT_DENIED if counts["not_run"] else EXIT_OK

    def take(self, item: ToolCallItem) -> None:
        """A call that was run again, or could not be."""
        found = verdict(item)
        assert item.rerun_of is not None
        self._seen.add(item.rerun_of.call_id)
        self._verdicts.append((item.label, found))
        self.call(item, found, self._why_not(item) if found == "not_run" else "")

    def rest(self, engine: Engine, request: Verification) -> None:
        """What was not come to."""
        again = {item.rerun_of.call_id for item in _again(engine) if item.rerun_of is not None}
        for item in request.calls:
            if item.key not in self._seen:
                self._verdicts.append((item.label, "not_run"))
                words = "stopped" if item.key in again else "stopped before it"
                self.call(item, "not_run", words)

    def _why_not(self, item: ToolCallItem) -> str:
        """In words, with what to type against it."""
        why = why_not_run(item, "today's schema")
        if item.state == "denied" and item.decided_by == "rule" and not item.rule_id:
            return f"{why} (allow it with --allow {item.label})"
        if item.error is not None and item.error.kind == "tool_held":
            return f"{why} (look at it with: {trust_command(self._options, item.server)})"
        return why

    def call(self, item: ToolCallItem, found: Verdict, reason: str) -> None:
        """One call."""
        arguments = shorten(json.dumps(item.arguments, ensure_ascii=False), MOST_ARGUMENTS)
        line = f"{WORDS[found]:<8} {strict(item.label)} {strict(arguments)}"
        left_out = ignored_words(_met(item))
        _write("  ".join(filter(None, (line, prose(reason), strict(left_out)))))
        if item.comparison is not None:
            for text in difference_lines(item.comparison.differences):
                _write(text)

    def sum_up(self, engine: Engine, request: Verification) -> None:
        """What was left out, and the last line."""
        for one in ignored_in_all(_again(engine)):
            _write(strict(ignored_words([one])))
        _write(strict(counted_words(self._verdicts)))


class _JsonReport(_Report):
    """An object per call and line, then one that sums up."""

    def call(self, item: ToolCallItem, found: Verdict, reason: str) -> None:
        """One call."""
        again = item.rerun_of is not None
        data = {
            "type": "call",
            "tool": item.label,
            "arguments": item.arguments,
            "result": found,
            "reason": reason,
            "ignored": [one.model_dump() for one in _met(item)],
            "differences": difference_data(item.comparison.differences) if item.comparison is not None else [],
            "recorded_call_id": item.rerun_of.call_id if item.rerun_of is not None else item.key,
            "call_id": item.key if again else None,
        }
        _write(json.dumps(data, ensure_ascii=True))

    def sum_up(self, engine: Engine, request: Verification) -> None:
        """The last line."""
        found = self.counts
        counts = {str(name): found[name] for name in WORDS}
        ids = {"verified": request.conversation_id, "conversation": engine.conversation_id}
        ignored = ignored_in_all(_again(engine))
        _write(
            json.dumps(
                {
                    "type": "summary",
                    **ids,
                    **counts,
                    "ignored": [one.model_dump() for one in ignored],
                    "unused": [one.rule for one in ignored if not one.places],
                }
            )
        )


def _again(engine: Engine) -> list[ToolCallItem]:
    return [item for item in engine.transcript.items if isinstance(item, ToolCallItem) and item.rerun_of is not None]


def _met(item: ToolCallItem) -> list[Ignored]:
    """The rules that left something out of a call's comparison, or could not."""
    compared = item.comparison.ignored if item.comparison is not None else ()
    return [one for one in compared if one.places or one.gave_up]


def _write(line: str) -> None:
    write(f"{line}\n", at_once=True)
