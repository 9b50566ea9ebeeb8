"""One tool call: deadlines, outcome, result (requirements A6, D2, D4).

A failing tool is a result.  A call is never made twice: one whose server died may have run, and says so.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from mcp import MCPError
from pydantic import ValidationError

from mcp_tui.events.base import ErrorInfo
from mcp_tui.events.content import UnknownContent
from mcp_tui.events.tools import ToolDefinition
from mcp_tui.host.adapters import content_blocks, error_of, input_required, not_offered
from mcp_tui.host.arguments import Schemas
from mcp_tui.host.base import CallResult
from mcp_tui.host.exchange import Exchange
from mcp_tui.host.session import ServerSession

_log = logging.getLogger(__name__)


async def run_call(
    session: ServerSession,
    tool: ToolDefinition,
    arguments: dict[str, Any],
    exchange: Exchange,
    schemas: Schemas,
    mask: Callable[[str], str],
) -> CallResult:
    """Run the call to its end.  Raises `asyncio.CancelledError` only; the server is told then."""
    started = time.perf_counter()
    try:
        await session.call(exchange, tool.name, arguments)
        result = _from_result(exchange, tool, schemas)
    except TimeoutError:
        result = _timed_out(session, exchange)
    except (MCPError, ValidationError) as error:
        result = _from_error(session, exchange, error, mask)
    except asyncio.CancelledError:
        exchange.stop_reports()
        _log.info("call cancelled", extra={"call_id": exchange.call_id, "server": tool.server})
        raise
    exchange.flush()
    exchange.stop_reports()
    return CallResult(
        outcome=result.outcome,
        content=result.content,
        structured_content=result.structured_content,
        error=result.error,
        wire=exchange.wire(),
        wire_seconds=time.perf_counter() - started,
    )


def _from_result(exchange: Exchange, tool: ToolDefinition, schemas: Schemas) -> CallResult:
    raw = exchange.result
    if not isinstance(raw, dict):
        return _invalid("The server answered without a result.", {"result": raw})
    kind = raw.get("resultType")
    if kind == "input_required":
        return CallResult(outcome="error", error=input_required(raw))
    if kind not in (None, "complete"):
        return _invalid(f"The server answered with a result of an unknown kind: {str(kind)[:80]}.", raw)
    if not isinstance(raw.get("content", []), (list, type(None))):
        return _invalid("The content of the result is no list.", raw)
    content = content_blocks(raw.get("content"))
    structured = raw.get("structuredContent")
    if raw.get("isError") is True:
        error = ErrorInfo(kind="tool_error", message="The tool reported an error.")
        if exchange.refused:
            error = not_offered(sorted(exchange.refused))
        return CallResult(outcome="error", content=content, structured_content=structured, error=error)
    if problem := _output_problem(raw, tool, schemas):
        error = ErrorInfo(
            kind="invalid_result", message=f"The tool ran, but its result does not match its schema: {problem}"
        )
        return CallResult(outcome="invalid_result", content=content, structured_content=structured, error=error)
    return CallResult(outcome="success", content=content, structured_content=structured)


def _invalid(message: str, raw: dict[str, Any]) -> CallResult:
    return CallResult(
        outcome="invalid_result",
        content=(UnknownContent(kind="malformed result", raw=raw),),
        error=ErrorInfo(kind="invalid_result", message=f"The tool may have run. {message}"),
    )


def _output_problem(raw: dict[str, Any], tool: ToolDefinition, schemas: Schemas) -> str:
    """What is wrong with the structured result; empty when it is right or the tool declares no schema."""
    if tool.output_schema is None:
        return ""
    if raw.get("structuredContent") is None:
        return "structured content is declared, but none came."
    problems = schemas.get(f"{tool.digest}/output", tool.output_schema).problems(raw["structuredContent"])
    return "; ".join(f"{p.field}: {p.message}" if p.field else p.message for p in problems[:3])


def _timed_out(session: ServerSession, exchange: Exchange) -> CallResult:
    """A deadline fired; the words say which one."""
    now = asyncio.get_running_loop().time()
    if now >= exchange.total_at:
        seconds = exchange.total_at - exchange.started
        message = f"The call was not finished after {seconds:g} s (total timeout), whatever progress it reported."
        hint = "Raise total_timeout if the tool needs longer."
    else:
        message = f"No answer and no progress for {exchange.idle_timeout:g} s (idle timeout)."
        hint = "Raise idle_timeout if the tool needs longer."
    if exchange.state == "writing":
        session.transport.end("it no longer reads its input")
        message += " The server no longer reads its input."
    message += " It may have run; the server was told to stop it."
    return CallResult(outcome="timeout", error=ErrorInfo(kind="timeout", message=message, hint=hint))


def _from_error(
    session: ServerSession, exchange: Exchange, error: MCPError | ValidationError, mask: Callable[[str], str]
) -> CallResult:
    if exchange.error is not None:
        info = error_of(exchange.error, mask)
        if exchange.refused:
            info = not_offered(sorted(exchange.refused)).model_copy(update={"hint": info.message})
        return CallResult(outcome="error", error=info)
    if isinstance(error, ValidationError) or not session.transport.closed.is_set():
        return _invalid("The server's answer cannot be used.", {"result": exchange.result})
    reason = session.transport.reason or "it was stopped"
    if exchange.state != "sent":
        message = f"The server did not take the request: {reason}. The call did not run."
        return CallResult(outcome="error", error=ErrorInfo(kind="server_unavailable", message=message))
    message = f"The connection ended during the call: {reason}. The call may have run."
    return CallResult(outcome="unknown", error=ErrorInfo(kind="connection_lost", message=message))
