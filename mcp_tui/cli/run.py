"""``mcp-tui run``: one turn without the app (requirement E6).

The answer goes to standard output, everything else to standard error; ``--json`` writes each event
as a JSON line instead.  Nobody can be asked, so what nothing allows is denied unless the policy says otherwise.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Sequence

from mcp_tui.cli import EXIT_DENIED, EXIT_ERROR, EXIT_INTERRUPTED, EXIT_OK
from mcp_tui.cli.headless import check_allowed_names, check_trust, on_signals, rules_of, run_headless, say
from mcp_tui.cli.options import Options
from mcp_tui.cli.standard_output import write
from mcp_tui.cli.stored import id_in
from mcp_tui.cli.wiring import Setup, build_engine
from mcp_tui.engine.engine import Engine, Subscription
from mcp_tui.errors import UsageError
from mcp_tui.events import servers, tools, turns
from mcp_tui.events.base import EventBase
from mcp_tui.events.codec import to_object
from mcp_tui.permissions.rules import AllowedTools, Policy
from mcp_tui.safety.text import prose, shorten
from mcp_tui.telemetry.logging import silence


def run(options: Options) -> int:
    """Run one turn and return the exit code."""
    silence()
    check_allowed_names(options.allow)
    text = _read_stdin() if options.text == "-" else options.text
    if not text.strip():
        raise UsageError("There is nothing to say: the text is empty.")
    return run_headless(options, lambda made: _run(options, made, text))


def _read_stdin() -> str:
    """All of standard input.  Raises `UsageError` for bytes that are no UTF-8: guessing would change the words."""
    if sys.stdin is None:
        raise UsageError("There is no standard input to read the text from.")
    try:
        return sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"Standard input is not UTF-8 text: byte {error.start + 1} is 0x{error.object[error.start]:02x}.",
            hint="Convert it first, for example with iconv.",
        ) from None


async def _run(options: Options, made: Setup, text: str) -> int:
    wait = made.config.mcp.connection.connection_timeout
    rules_file = rules_of(options, made)
    check_trust(options, made)
    engine = build_engine(
        made,
        rules=[AllowedTools(options.allow)],
        fallback=Policy(options.policy),
        rules_file=rules_file,
        server_wait=wait,
    )
    stopped: list[int] = []
    on_signals(engine, stopped)
    for warning in made.warnings:
        say(f"warning: {warning}")
    try:
        await _open(engine, options)
        await engine.start()
        code = await _turn(engine, text, JsonLines() if options.json else Words(), stopped)
        for name in _unknown_tools(engine, options.allow):
            say(f"warning: --allow {name}: no running server has such a tool.")
        return code
    finally:
        await engine.aclose()


def _unknown_tools(engine: Engine, names: Iterable[str]) -> list[str]:
    known = {f"{tool.server}.{tool.name}" for tool in engine.tools()}
    return [name for name in names if name not in known]


async def _open(engine: Engine, options: Options) -> None:
    if options.conversation:
        await engine.open_conversation(await conversation_id(engine, options.conversation))
    if options.model:
        engine.select_model(options.model)


async def conversation_id(engine: Engine, wanted: str) -> str:
    """The id that ``wanted`` means: whole, its beginning, or ``last``.  Raises `ConversationNotFound`, `UsageError`."""
    return await id_in(engine.history, wanted)


async def _turn(engine: Engine, text: str, output: Output, stopped: Sequence[int]) -> int:
    subscription = engine.subscribe()
    watcher = asyncio.create_task(_watch(subscription, output), name="output")
    watcher.add_done_callback(lambda _: engine.cancel_turn(drop_queue=True))
    if not stopped:
        engine.submit(text)
    finished = await engine.idle()
    subscription.close()
    await watcher
    output.end(engine, finished)
    if stopped:
        return 128 + stopped[0]
    if finished is None or finished.outcome in ("error", "max_tool_hops", "max_cost"):
        return EXIT_ERROR
    if finished.outcome == "cancelled":
        return EXIT_INTERRUPTED
    return EXIT_DENIED if output.denied else EXIT_OK


async def _watch(subscription: Subscription, output: Output) -> None:
    """Write what happens; when nobody reads our output any more, this ends early, and the turn with it."""
    async for batch in subscription:
        if batch.live:
            for event in batch.events:
                output.take(event)


class Output:
    """What a run writes."""

    def __init__(self) -> None:
        self.denied: list[str] = []
        self._names: dict[str, str] = {}
        self._failures: set[str] = set()

    def take(self, event: EventBase) -> None:
        """Write what the event tells."""
        match event:
            case tools.ToolCallProposed():
                self._names[event.call_id] = f"{event.server}.{event.name}" if event.server else event.wire_name
            case tools.ToolCallFinished(outcome="denied"):
                self.denied.append(self._names.get(event.call_id, event.call_id))
            case turns.InputReturned():
                say(f"mcp-tui: {event.reason.message} {event.reason.hint}")
            case turns.Notice():
                say(f"{event.severity}: {event.message} {event.hint}")
            case turns.AssistantMessage(finish_reason="length"):
                say("warning: the answer was cut at the model's limit of tokens.")
            case servers.ServerStateChanged() if event.status.state == "failed" and event.status.failure:
                self._say_once(f"server {event.status.name}: {event.status.failure.message}")
            case _:
                pass

    def _say_once(self, text: str) -> None:
        """A server that is tried again fails again in the same words."""
        if text not in self._failures:
            self._failures.add(text)
            say(text)

    def end(self, engine: Engine, finished: turns.TurnFinished | None) -> None:
        """Write what is left to say when the turn has ended."""
        if finished is not None and finished.error is not None:
            say(f"mcp-tui: {finished.error.message} {finished.error.hint}")
        if finished is not None and finished.outcome == "max_tool_hops":
            say("mcp-tui: stopped: the limit of tool rounds in one turn was reached.")
        if finished is not None and finished.outcome == "max_cost":
            say("mcp-tui: stopped: the limit of cost was reached.")
        for name in dict.fromkeys(self.denied):
            say(f"denied by policy: {name} (allow it with --allow {name})")
        if engine.transcript.items:
            say(f"conversation {engine.conversation_id}")


class JsonLines(Output):
    """Each event as a JSON line on standard output."""

    def take(self, event: EventBase) -> None:
        """Write the event."""
        super().take(event)
        write(json.dumps(to_object(event), ensure_ascii=True) + "\n", at_once=True)


class Words(Output):
    """The answer on standard output as it streams, tool calls in a line each on standard error."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: set[str] = set()
        self._at_line_start = True

    def take(self, event: EventBase) -> None:
        """Write the event's text, if it has any."""
        super().take(event)
        match event:
            case turns.TextDelta():
                self._shown.add(event.message_id)
                self._write(event.text)
            case turns.AssistantMessage():
                if event.message_id not in self._shown:
                    self._write(event.text)
                if not self._at_line_start:
                    self._write("\n")
            case tools.ToolCallStarted():
                arguments = json.dumps(event.arguments, ensure_ascii=False)
                say(f"> {self._names.get(event.call_id, event.name)} {shorten(arguments, 200)}")
            case tools.ToolCallFinished():
                say(f"< {self._names.get(event.call_id, '')} {event.outcome} {event.timing.wire:.2f}s")
            case turns.RetryScheduled():
                say(f"{event.reason.message} Trying again in {event.delay_seconds:.0f} s.")
            case _:
                pass

    def _write(self, text: str) -> None:
        if text:
            write(prose(text) if sys.stdout.isatty() else text, at_once=True)
            self._at_line_start = text.endswith("\n")
