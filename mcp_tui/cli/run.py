"""``mcp-tui run``: one turn without the app (requirement E6).

The answer goes to standard output, everything else to standard error; ``--json`` writes each event
as a JSON line instead.  Nobody can be asked, so what nothing allows is denied unless the policy says otherwise.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import shlex
import signal
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from mcp_tui.cli import EXIT_DENIED, EXIT_ERROR, EXIT_INTERRUPTED, EXIT_OK
from mcp_tui.cli.arguments import Options
from mcp_tui.cli.conversations import ID_LENGTH, find
from mcp_tui.cli.wiring import Setup, build_engine, conversations_dir, open_log, setup, trust_keeper
from mcp_tui.config.rules_file import RulesFile
from mcp_tui.engine.engine import Engine, Subscription
from mcp_tui.errors import UsageError
from mcp_tui.events import servers, tools, turns
from mcp_tui.events.base import EventBase
from mcp_tui.events.codec import to_object
from mcp_tui.permissions.rules import AllowedTools, Policy
from mcp_tui.safety.text import prose, shorten
from mcp_tui.telemetry.logging import silence

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(options: Options) -> int:
    """Run one turn and return the exit code."""
    silence()
    _check_allowed_names(options.allow)
    text = _read_stdin() if options.text == "-" else options.text
    if not text.strip():
        raise UsageError("There is nothing to say: the text is empty.")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    with setup(options) as made:
        log = open_log(made)
        try:
            _check_data_dir(conversations_dir(made.paths))
            return asyncio.run(_run(options, made, text))
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return EXIT_ERROR
        finally:
            log.close()


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


def _check_allowed_names(names: Iterable[str]) -> None:
    for name in names:
        server, _, tool = name.partition(".")
        if not (server and tool):
            raise UsageError(f"--allow {name}: write it as SERVER.TOOL.")


def _check_trust(made: Setup) -> None:
    """Raise `UsageError` while a server waits to be accepted: nobody can be asked, and none is left out silently."""
    keeper = trust_keeper(made)
    waiting = [name for name in keeper.startable() if not keeper.admits(name)]
    if waiting:
        changed = {name for name in waiting if keeper.known(name)}
        words = "; ".join(f"{name} (changed since it was accepted)" if name in changed else name for name in waiting)
        commands = "\n".join(f"  mcp-tui servers trust {shlex.quote(name)}" for name in waiting)
        told = " ".join(keeper.problems)
        raise UsageError(
            f"These servers are not trusted, and nothing was started: {words}. {told}".strip(),
            hint=f"Look at their command lines and accept them:\n{commands}",
        )


def _rules_file(options: Options, made: Setup) -> RulesFile:
    """``--rules``, or the user's rules.  Raises `InvalidConfiguration`: what denies something is not left out."""
    if options.rules is not None:
        return RulesFile.load_valid(Path(options.rules).expanduser().absolute(), required=True)
    return RulesFile() if made.demo else RulesFile.load_valid(made.paths.rules_file, required=False)


def _check_data_dir(directory: Path) -> None:
    """Raise `UsageError` where conversations cannot be kept, before anything is started or asked."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise UsageError(f"Conversations cannot be kept in {directory}: {error.strerror}.") from None
    if not os.access(directory, os.W_OK | os.X_OK):
        raise UsageError(f"Conversations cannot be kept in {directory}: it is not writable.")


async def _run(options: Options, made: Setup, text: str) -> int:
    wait = made.config.mcp.connection.connection_timeout
    rules_file = _rules_file(options, made)
    _check_trust(made)
    engine = build_engine(
        made,
        rules=[AllowedTools(options.allow)],
        fallback=Policy(options.policy),
        rules_file=rules_file,
        server_wait=wait,
    )
    stopped: list[int] = []
    _on_signals(engine, stopped)
    for warning in made.warnings:
        _say(f"warning: {warning}")
    try:
        await _open(engine, options)
        await engine.start()
        code = await _turn(engine, text, JsonLines() if options.json else Words(), stopped)
        for name in _unknown_tools(engine, options.allow):
            _say(f"warning: --allow {name}: no running server has such a tool.")
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
    return wanted if len(wanted) == ID_LENGTH else find(await engine.history.list(), wanted).id


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


def _on_signals(engine: Engine, stopped: list[int]) -> None:
    """The first signal ends the turn in good order, the second one the process; its servers end in any case."""
    loop = asyncio.get_running_loop()

    def stop(number: int) -> None:
        if stopped:
            os._exit(128 + number)
        stopped.append(number)
        engine.cancel_turn(drop_queue=True)

    for number in _SIGNALS:
        loop.add_signal_handler(number, stop, int(number))


def _say(text: str) -> None:
    sys.stderr.write(f"{prose(text).rstrip()}\n")
    sys.stderr.flush()


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
                _say(f"mcp-tui: {event.reason.message} {event.reason.hint}")
            case turns.Notice():
                _say(f"{event.severity}: {event.message} {event.hint}")
            case turns.AssistantMessage(finish_reason="length"):
                _say("warning: the answer was cut at the model's limit of tokens.")
            case servers.ServerStateChanged() if event.status.state == "failed" and event.status.failure:
                self._say_once(f"server {event.status.name}: {event.status.failure.message}")
            case _:
                pass

    def _say_once(self, text: str) -> None:
        """A server that is tried again fails again in the same words."""
        if text not in self._failures:
            self._failures.add(text)
            _say(text)

    def end(self, engine: Engine, finished: turns.TurnFinished | None) -> None:
        """Write what is left to say when the turn has ended."""
        if finished is not None and finished.error is not None:
            _say(f"mcp-tui: {finished.error.message} {finished.error.hint}")
        if finished is not None and finished.outcome == "max_tool_hops":
            _say("mcp-tui: stopped: the limit of tool rounds in one turn was reached.")
        if finished is not None and finished.outcome == "max_cost":
            _say("mcp-tui: stopped: the limit of cost was reached.")
        for name in dict.fromkeys(self.denied):
            _say(f"denied by policy: {name} (allow it with --allow {name})")
        if engine.transcript.items:
            _say(f"conversation {engine.conversation_id}")


class JsonLines(Output):
    """Each event as a JSON line on standard output."""

    def take(self, event: EventBase) -> None:
        """Write the event."""
        super().take(event)
        sys.stdout.write(json.dumps(to_object(event), ensure_ascii=True) + "\n")
        sys.stdout.flush()


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
                _say(f"> {self._names.get(event.call_id, event.name)} {shorten(arguments, 200)}")
            case tools.ToolCallFinished():
                _say(f"< {self._names.get(event.call_id, '')} {event.outcome} {event.timing.wire:.2f}s")
            case turns.RetryScheduled():
                _say(f"{event.reason.message} Trying again in {event.delay_seconds:.0f} s.")
            case _:
                pass

    def _write(self, text: str) -> None:
        if text:
            sys.stdout.write(prose(text) if sys.stdout.isatty() else text)
            sys.stdout.flush()
            self._at_line_start = text.endswith("\n")
