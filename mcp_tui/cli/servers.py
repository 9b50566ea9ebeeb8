"""``mcp-tui servers list`` and ``mcp-tui servers trust NAME``: trust without the app."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mcp_tui import __version__
from mcp_tui.cli import EXIT_DENIED, EXIT_ERROR, EXIT_OK
from mcp_tui.cli.history_output import count
from mcp_tui.cli.options import Options
from mcp_tui.cli.standard_output import write
from mcp_tui.cli.wiring import Setup, open_log, setup, trust_keeper
from mcp_tui.config.servers import ServerConfig
from mcp_tui.errors import UsageError
from mcp_tui.events.servers import ServerStatus
from mcp_tui.events.tools import HeldTool, ToolDefinition
from mcp_tui.host.host import McpHost
from mcp_tui.safety.text import shorten, strict
from mcp_tui.telemetry.logging import silence
from mcp_tui.trust.diff import FieldDiff, diff_tools
from mcp_tui.trust.hidden import hidden_in_tool
from mcp_tui.trust.keeper import TrustKeeper
from mcp_tui.trust.warnings import RIGHTS

START_GRACE = 5.0
"""Seconds beyond the connection timeout that the one start may take to end."""


def list_servers(options: Options) -> int:
    """Every configured server and where it stands.  Starts nothing."""
    with setup(options, keys_needed=False) as made:
        keeper = trust_keeper(made)
        for name, config in made.servers.items():
            _print(_as_json(keeper, name, config) if options.json else _as_words(keeper, name, config))
        _tell(keeper)
    return EXIT_OK


def trust_server(options: Options) -> int:
    """Show, ask, accept; start once, show and pin its tools; ask about those that are held."""
    silence()
    with setup(options, keys_needed=False) as made:
        config = _configured(made, options.name)
        log = open_log(made)
        try:
            keeper = trust_keeper(made)
            return _trust(options, made, keeper, config)
        finally:
            log.close()


def _configured(made: Setup, name: str) -> ServerConfig:
    config = made.servers.get(name)
    if config is None:
        known = ", ".join(made.servers) or "none"
        raise UsageError(f"There is no server {name!r}.", hint=f"Configured: {known}.")
    if config.command is None:
        raise UsageError(f"The server {name} has a url instead of a command; remote servers are not supported yet.")
    return config


def _trust(options: Options, made: Setup, keeper: TrustKeeper, config: ServerConfig) -> int:
    name = options.name
    request = keeper.request(name)
    standing = keeper.standing(name)
    _print(request.text())
    _tell(keeper)
    if standing == "trusted":
        _print("\nThis command line is trusted.")
    else:
        _print(f"\n{RIGHTS}")
        if not _agreed(options, f"Accept this command line, and the tools that {name} lists now?"):
            _print("Not accepted; nothing was started.")
            return EXIT_DENIED
        keeper.accept(name, request)
        if not _written(keeper):
            return EXIT_ERROR
    listed = asyncio.run(_start_once(made, keeper, name, config))
    if not _written(keeper):
        return EXIT_ERROR
    if listed.status.state != "running":
        _fail(listed.status)
        return EXIT_ERROR
    return _review(options, keeper, name, listed)


@dataclass(frozen=True, slots=True)
class _Listed:
    """What one start showed."""

    status: ServerStatus
    tools: Sequence[ToolDefinition]
    held: Sequence[HeldTool]


async def _start_once(made: Setup, keeper: TrustKeeper, name: str, config: ServerConfig) -> _Listed:
    """Start the server, have its listing pinned, stop it."""
    connection = made.config.mcp.connection
    enabled = config.model_copy(update={"enabled": True})
    host = McpHost(
        {name: enabled},
        connection,
        made.config.chat.service.tools,
        emit=lambda event: None,
        environ=made.environ,
        mask=made.redactor.scrub,
        client_version=__version__,
        gatekeeper=keeper,
        state_dir=made.paths.data_dir / "state",
    )
    try:
        await host.start()
        await host.settled((config.connection_timeout or connection.connection_timeout) + START_GRACE)
        return _Listed(host.servers()[0], host.tools(), host.held(name))
    finally:
        await host.aclose()


def _review(options: Options, keeper: TrustKeeper, name: str, listed: _Listed) -> int:
    if listed.tools:
        _print(f"\nAccepted tools of {name}:")
    for tool in listed.tools:
        _print(f"  {strict(tool.name)}  {shorten(tool.description, 80)}".rstrip())
    if not listed.held:
        _print(f"\n{name} is trusted with {count(len(listed.tools), 'tool')}.")
        return EXIT_OK
    _print(f"\nHeld, not seen by any model and not callable ({len(listed.held)}):")
    accepted: list[ToolDefinition] = []
    for held in listed.held:
        _print(_held_text(held, diff_tools(held.accepted, keeper.masked(held.definition))))
        hides = hidden_in_tool(held.definition) > 0
        if options.yes and hides:
            _print("  Not accepted: its definition holds characters that cannot be seen. Decide without --yes.")
        elif _agreed(options, f"Accept {strict(held.definition.name)} as it is now?"):
            accepted.append(held.definition)
    if accepted:
        keeper.accept_tools(name, accepted)
        if not _written(keeper):
            return EXIT_ERROR
    _print(f"\n{name}: {len(accepted)} of {len(listed.held)} held tools accepted.")
    return EXIT_OK if len(accepted) == len(listed.held) else EXIT_DENIED


def _held_text(held: HeldTool, fields: Iterable[FieldDiff]) -> str:
    lines = [f"\n  {strict(held.definition.name)}: {held.reason}"]
    for field in fields:
        marks = {"same": ("", ""), "removed": ("[-", "-]"), "added": ("{+", "+}")}
        if held.reason == "new":
            marks["added"] = ("", "")
        text = "".join(f"{marks[piece.kind][0]}{piece.text}{marks[piece.kind][1]}" for piece in field.pieces)
        lines.append(f"    {field.field}: " + text.replace("\n", "\n      "))
        if field.hidden:
            lines.append(f"    ! {field.hidden} characters that cannot be seen: {', '.join(field.hidden_names)}")
    return "\n".join(lines)


def _agreed(options: Options, question: str) -> bool:
    """Ask on the terminal; only ``y`` or ``yes`` is a yes.  Raises `UsageError` where nobody can be asked."""
    if options.yes:
        return True
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError("There is no terminal to ask on.", hint="Look at the above and use --yes to accept it.")
    sys.stderr.write(f"{question} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _fail(status: ServerStatus) -> None:
    failure = status.failure
    cause = f"{failure.message} {failure.suggestion}" if failure is not None else "It did not start in time."
    _err(f"{status.name} is trusted, but did not start: {cause}")
    for line in failure.stderr[-10:] if failure is not None else ():
        _err(f"  {line}")
    _err("The tools of its first listing are accepted when it does.")


def _written(keeper: TrustKeeper) -> bool:
    """Write what was accepted; False, with words, when that failed."""
    keeper.flush()
    failed = keeper.unsaved
    _tell(keeper)
    return not failed


def _tell(keeper: TrustKeeper) -> None:
    while keeper.problems:
        _err(f"warning: {keeper.problems.pop(0)}")


def _as_words(keeper: TrustKeeper, name: str, config: ServerConfig) -> str:
    if config.command is None:
        return f"{strict(name)}  remote, not supported yet  {strict(keeper.redactor.scrub(config.url or ''))}"
    request, standing = keeper.request(name), keeper.standing(name)
    off = "" if config.enabled else " (off)"
    head = request.text().splitlines()[1].removeprefix("command").strip()
    lines = [f"{strict(name)}  {standing}{off}  {head}"]
    if standing == "changed":
        lines += [f"  changed: {strict(change)}" for change in request.changes]
    return "\n".join(lines)


def _as_json(keeper: TrustKeeper, name: str, config: ServerConfig) -> str:
    entry = keeper.accepted(name)
    remote = config.command is None
    request = keeper.request(name)
    return json.dumps(
        {
            "name": name,
            "state": "remote" if remote else keeper.standing(name),
            "enabled": config.enabled,
            "command": list(request.command),
            "program": request.program,
            "folder": request.folder,
            "variables": list(request.variables),
            "warnings": list(request.warnings),
            "changes": [] if remote else list(request.changes),
            "accepted_at": entry.accepted.at.isoformat() if entry is not None else None,
            "tools": sorted(entry.tools) if entry is not None else [],
        }
    )


def _print(text: str) -> None:
    write(f"{text}\n", at_once=True)


def _err(text: str) -> None:
    sys.stderr.write(f"{strict(text, one_line=False)}\n")
    sys.stderr.flush()
