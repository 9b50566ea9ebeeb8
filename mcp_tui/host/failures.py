"""Why a server is not running, in words that say what to do (requirement C3)."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from mcp import MCPError
from pydantic import ValidationError

from mcp_tui.config.servers import ServerConfig
from mcp_tui.errors import HostError
from mcp_tui.events.servers import ServerFailure
from mcp_tui.host.process import ServerProcess

Step = Literal["configuration", "spawn", "handshake", "list", "running", "health"]

STDERR_TAIL = 20

_INSTALL = {
    "npx": "Install Node.js, which brings npx.",
    "npm": "Install Node.js, which brings npm.",
    "node": "Install Node.js.",
    "bun": "Install Bun.",
    "bunx": "Install Bun, which brings bunx.",
    "deno": "Install Deno.",
    "uvx": "Install uv, which brings uvx.",
    "uv": "Install uv.",
    "pipx": "Install pipx.",
    "docker": "Install Docker, or start it.",
    "podman": "Install Podman.",
    "python": "Use python3, or the full path of the interpreter.",
}


def failure_to_spawn(error: Exception, config: ServerConfig) -> ServerFailure:
    """The program could not be started; trying again by itself would not help."""
    command = config.command or ""
    if config.cwd is not None and not Path(config.cwd).is_dir():
        return ServerFailure(
            step="spawn",
            message=f"The working directory {config.cwd} does not exist.",
            suggestion="Correct cwd in the server's entry, or create the directory.",
        )
    if isinstance(error, FileNotFoundError):
        install = _INSTALL.get(Path(command).name.lower().removesuffix(".exe"), "")
        general = "Check the spelling of command, or give the full path of the program."
        return ServerFailure(
            step="spawn", message=f"The program {command} was not found.", suggestion=f"{install} {general}".strip()
        )
    if isinstance(error, PermissionError):
        return ServerFailure(
            step="spawn",
            message=f"The program {command} may not be executed.",
            suggestion="Check that command is a program, and its permissions.",
        )
    if isinstance(error, OSError) and error.errno == errno.ENOEXEC:
        return ServerFailure(
            step="spawn",
            message=f"The file {command} is no program.",
            suggestion="Start it through its interpreter, such as python3 or node.",
        )
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return ServerFailure(
        step="spawn", message=f"The program could not be started: {text}.", suggestion="Check command, args and env."
    )


def failure_of(
    step: Step, cause: str, process: ServerProcess, mask: Callable[[str], str], suggestion: str = ""
) -> ServerFailure:
    """A started server failed; ``cause`` is a sentence about the server without its subject."""
    code, signal = process.exit_code, process.signal_name
    if signal is not None:
        ended = f" It was ended by {signal}."
    elif code is not None:
        ended = f" Its exit code is {code}."
    else:
        ended = ""
    return ServerFailure(
        step=step,
        message=mask(f"{_WHERE[step]}: {cause}.{ended}"),
        exit_code=code,
        signal=signal,
        stderr=stderr_tail(process, mask),
        suggestion=suggestion or _suggestion(step, process),
    )


_WHERE: dict[Step, str] = {
    "configuration": "The entry cannot be used",
    "spawn": "The server did not start",
    "handshake": "The server failed during the handshake",
    "list": "The server failed while listing its tools",
    "running": "The server was running and failed",
    "health": "The server failed its health check",
}


def _suggestion(step: Step, process: ServerProcess) -> str:
    if process.exited.is_set() and step in ("handshake", "list"):
        return "Look at its standard error; run the command in a terminal to see what it needs."
    if step in ("handshake", "list"):
        return "Check that the command starts an MCP server on stdio; raise connection_timeout if it is only slow."
    return "Look at its standard error; restart it when the cause is gone."


def stderr_tail(process: ServerProcess, mask: Callable[[str], str]) -> tuple[str, ...]:
    """The last lines of the server's standard error, masked."""
    return tuple(mask(line) for line in process.stderr.lines()[-STDERR_TAIL:])


def cause_of(error: BaseException) -> str:
    """An error of the SDK as the end of a sentence about the server, without traceback or foreign objects."""
    error = next(_leaves(error))
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"its answer has the wrong shape ({where or 'result'}: {first['msg']})"
    if isinstance(error, MCPError):
        return f"it answered with an error: {error.message}"[:1000]
    if isinstance(error, HostError):
        return error.message.rstrip(".")
    if isinstance(error, TimeoutError):
        return "it did not answer in time"
    return (str(error) or type(error).__name__)[:1000].rstrip(".")


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
