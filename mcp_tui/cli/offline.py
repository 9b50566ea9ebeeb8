"""``mcp-tui replay ID --model X --offline-tools``: the same conversation on another model, with no server running.

The person's inputs are submitted in order; calls are given the recorded results of the same calls.  Written is how
the calls and the answers differ.  The exit code judges the calls, not the wording of answers: 0 when the model made
the recorded calls, 1 when it left one out, 3 when it made all of them and others that have no recorded result.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mcp_tui.cli import EXIT_DENIED, EXIT_ERROR, EXIT_OK
from mcp_tui.cli.headless import on_signals, run_headless, say
from mcp_tui.cli.options import Options
from mcp_tui.cli.standard_output import write
from mcp_tui.cli.verify import MOST_ARGUMENTS, difference_data, difference_lines, stored_conversation, why_not_run
from mcp_tui.cli.wiring import Setup, build_engine
from mcp_tui.config.rules_file import RulesFile
from mcp_tui.conversation.comparison import compare_texts, has_result
from mcp_tui.conversation.differences import whole_differences
from mcp_tui.conversation.items import AssistantItem, Item, ToolCallItem, UserItem
from mcp_tui.conversation.transcript import Transcript
from mcp_tui.engine.engine import Engine
from mcp_tui.engine.services import Beginning
from mcp_tui.errors import UsageError
from mcp_tui.events import tools, turns
from mcp_tui.events.base import EventBase
from mcp_tui.history.base import StoredConversation
from mcp_tui.host.base import CallResult
from mcp_tui.host.recorded import NO_RECORDING, CallKey, RecordedHost, call_key
from mcp_tui.permissions.rules import Policy
from mcp_tui.safety.text import prose, shorten, strict
from mcp_tui.telemetry.logging import silence


@dataclass(slots=True)
class Exchange:
    """An input of the person, and what came of it."""

    text: str
    calls: list[ToolCallItem] = field(default_factory=list)
    answer: str = ""
    """The last one."""


def replay_offline(options: Options) -> int:
    """Try a conversation on another model and return the exit code.  Raises `ConversationNotFound`, `UsageError`."""
    silence()
    return run_headless(options, lambda made: _replay(options, made))


def exchanges(items: Iterable[Item]) -> list[Exchange]:
    """A conversation by the inputs of the person; calls that were run again are none of the model's."""
    found: list[Exchange] = []
    for item in items:
        match item:
            case UserItem():
                found.append(Exchange(item.text))
            case ToolCallItem() if found and item.rerun_of is None:
                found[-1].calls.append(item)
            case AssistantItem() if found and item.text.strip():
                found[-1].answer = item.text
            case _:
                pass
    return found


def recorded_host(events: Sequence[EventBase], calls: Iterable[ToolCallItem]) -> RecordedHost:
    """The tools and results of a conversation."""
    definitions = [tool for event in events if isinstance(event, tools.ToolsOffered) for tool in event.tools]
    results = [
        (_key(item), CallResult(item.state, item.content, item.structured_content, item.error))  # type: ignore[arg-type]
        for item in calls
        if has_result(item)
    ]
    return RecordedHost(definitions, results)


def _key(item: ToolCallItem) -> CallKey:
    return call_key(item.server, item.name, item.arguments)


async def _replay(options: Options, made: Setup) -> int:
    stored = await stored_conversation(made, options.id)
    transcript = Transcript()
    for event in stored.events:
        transcript.apply(event)
    recorded = exchanges(transcript.items)
    if not recorded:
        raise UsageError("There is nothing to replay: nobody said anything in this conversation.")
    host = recorded_host(stored.events, (call for exchange in recorded for call in exchange.calls))
    engine = build_engine(made, fallback=Policy("allow"), rules_file=RulesFile(), host=host)
    stopped: list[int] = []
    on_signals(engine, stopped)
    for warning in made.warnings:
        say(f"warning: {warning}")
    try:
        if options.model:
            engine.select_model(options.model)
        await engine.new_conversation(_beginning(stored, transcript, engine.model))
        await engine.start()
        code = await _submit_all(engine, recorded, stopped, _JsonReport() if options.json else _Report())
    finally:
        await engine.aclose()
    return 128 + stopped[0] if stopped else code


def _beginning(stored: StoredConversation, transcript: Transcript, model: str) -> Beginning:
    origin = turns.Origin(kind="offline_replay", conversation_id=stored.id, title=transcript.title)
    return Beginning(origin, f"{transcript.title or stored.id} on {model}")


async def _submit_all(engine: Engine, recorded: Sequence[Exchange], stopped: list[int], report: _Report) -> int:
    finished: turns.TurnFinished | None = None
    asked = 0
    for exchange in recorded:
        if stopped:
            break
        asked += 1
        engine.submit(exchange.text)
        finished = await engine.idle()
        report.take(exchange, exchanges(engine.transcript.items)[-1])
        if finished is None or finished.outcome == "error":
            break
    report.sum_up(engine, len(recorded) - asked)
    say(f"conversation {engine.conversation_id}")
    if finished is not None and finished.error is not None:
        say(f"mcp-tui: {finished.error.message} {finished.error.hint}")
        return EXIT_ERROR
    return report.exit_code


class _Report:
    """What is written of an offline replay."""

    def __init__(self) -> None:
        self.counts = {"same": 0, "not_run": 0, "not_made": 0}
        self.answers = {"same": 0, "differ": 0}

    @property
    def exit_code(self) -> int:
        """A recorded call that was not made weighs more than one without a recording."""
        return EXIT_ERROR if self.counts["not_made"] else EXIT_DENIED if self.counts["not_run"] else EXIT_OK

    def take(self, recorded: Exchange, new: Exchange) -> None:
        """One input and its calls and answers, the recorded ones and those of now."""
        made = Counter(_key(call) for call in new.calls)
        missing = []
        for call in filter(has_result, recorded.calls):
            if made[_key(call)] > 0:
                made[_key(call)] -= 1
            else:
                missing.append(call)
        self.counts["not_made"] += len(missing)
        given = sum(map(_given, new.calls))
        self.counts["same"] += given
        self.counts["not_run"] += len(new.calls) - given
        same = recorded.answer.strip() == new.answer.strip()
        self.answers["same" if same else "differ"] += 1
        self.exchange(recorded, new, missing)

    def exchange(self, recorded: Exchange, new: Exchange, missing: Sequence[ToolCallItem]) -> None:
        """One input."""
        _write(f"> {strict(shorten(recorded.text, MOST_ARGUMENTS))}")
        for call in new.calls:
            _write(_line("same" if _given(call) else "not run", call, _why_not(call)))
        for call in missing:
            _write(_line("not made", call, ""))
        differences = _answer_differences(recorded, new)
        none = "" if new.answer or not differences else "  there is none"
        _write(f"differs  answer{none}" if differences else "same     answer")
        for line in difference_lines(differences):
            _write(line)

    def sum_up(self, engine: Engine, not_asked: int) -> None:
        """The last line; ``not_asked`` inputs were not come to."""
        del engine
        counts, answers = self.counts, self.answers
        words = [f"calls: {counts['same']} as recorded"]
        if counts["not_run"]:
            words.append(f"{counts['not_run']} could not be run")
        if counts["not_made"]:
            words.append(f"{counts['not_made']} not made")
        rest = f"; {not_asked} input{'s' if not_asked > 1 else ''} not asked" if not_asked else ""
        _write(f"{', '.join(words)}; answers: {answers['same']} same, {answers['differ']} differ{rest}")


class _JsonReport(_Report):
    """An object per input and line, then one that sums up."""

    def exchange(self, recorded: Exchange, new: Exchange, missing: Sequence[ToolCallItem]) -> None:
        """One input."""
        calls: list[dict[str, Any]] = [
            _call(call, "same" if _given(call) else "not_run", _why_not(call)) for call in new.calls
        ]
        calls += [_call(call, "not_made") for call in missing]
        differences = _answer_differences(recorded, new)
        answer = {"recorded": recorded.answer, "new": new.answer, "differences": difference_data(differences)}
        _write(json.dumps({"type": "input", "text": recorded.text, "calls": calls, "answer": answer}))

    def sum_up(self, engine: Engine, not_asked: int) -> None:
        """The last line."""
        data = {"type": "summary", "conversation": engine.conversation_id, "model": engine.model}
        _write(json.dumps({**data, "calls": self.counts, "answers": self.answers, "not_asked": not_asked}))


def _answer_differences(recorded: Exchange, new: Exchange) -> Sequence[tools.Difference]:
    before, after = recorded.answer.strip(), new.answer.strip()
    return compare_texts("answer", before, after) if before and after else [*whole_differences("answer", before, after)]


def _given(call: ToolCallItem) -> bool:
    """Whether a call was given a recorded result."""
    return call.started_at is not None and not (call.error is not None and call.error.kind == NO_RECORDING)


def _why_not(call: ToolCallItem) -> str:
    return "" if _given(call) else why_not_run(call, "the recorded schema")


def _call(call: ToolCallItem, result: str, reason: str = "") -> dict[str, Any]:
    return {"tool": call.label, "arguments": call.arguments, "result": result, "reason": reason}


def _line(words: str, call: ToolCallItem, reason: str) -> str:
    arguments = shorten(json.dumps(call.arguments, ensure_ascii=False), MOST_ARGUMENTS)
    return f"{words:<8} {strict(call.label)} {strict(arguments)}  {prose(reason)}".rstrip()


def _write(line: str) -> None:
    write(f"{line}\n", at_once=True)
