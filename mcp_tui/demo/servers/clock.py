"""MCP server of the demo: time zones, arithmetic and dates."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

from mcp_tui.demo.servers.arithmetic import ArithmeticProblem, evaluate

server = MCPServer(
    "clock",
    title="Clock and calculator",
    instructions="Time in any zone, arithmetic, and calculations with dates.",
    log_level="WARNING",
)
READ_ONLY = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)

IsoDate = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="A date as YYYY-MM-DD.")]


class Moment(BaseModel):
    """A point in time, as a clock in one zone shows it."""

    timezone: str
    time: str
    weekday: str
    utc_offset: str


class Calculation(BaseModel):
    """An expression and its value."""

    expression: str
    value: int | float


class Day(BaseModel):
    """A date and what day of the week it is."""

    date: str
    weekday: str


class Span(BaseModel):
    """The distance of two dates."""

    start: str
    end: str
    days: int
    weeks: float


def _zone(name: str) -> tzinfo:
    if name.upper() in ("UTC", "GMT", "Z"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ToolError(
            f"There is no time zone {name!r} on this machine; use an IANA name, such as Asia/Tokyo."
        ) from None


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ToolError(f"{text} is not a date of the calendar.") from None


@server.tool(title="Current time", annotations=READ_ONLY)
def now(
    timezone: Annotated[
        str, Field(min_length=1, max_length=64, description="IANA name of a time zone, such as Europe/London.")
    ] = "UTC",
) -> Moment:
    """Tell the current date and time in a time zone."""
    moment = datetime.now(_zone(timezone))
    return Moment(
        timezone=timezone,
        time=moment.isoformat(sep=" ", timespec="seconds"),
        weekday=moment.strftime("%A"),
        utc_offset=moment.strftime("%z"),
    )


@server.tool(title="Calculator", annotations=READ_ONLY)
def calculate(
    expression: Annotated[
        str,
        Field(
            min_length=1, max_length=200, description="Arithmetic with + - * / // % ** and parentheses; sqrt(2), pi."
        ),
    ],
    digits: Annotated[int, Field(ge=0, le=15, description="Digits after the point.")] = 10,
) -> Calculation:
    """Evaluate an arithmetic expression."""
    try:
        value = evaluate(expression)
    except ArithmeticProblem as problem:
        raise ToolError(str(problem)) from None
    return Calculation(expression=expression, value=round(value, digits) if isinstance(value, float) else value)


@server.tool(title="Add to a date", annotations=READ_ONLY)
def add_to_date(
    start: IsoDate,
    amount: Annotated[int, Field(ge=-10_000, le=10_000, description="How many units; negative goes back.")],
    unit: Annotated[Literal["days", "weeks", "months", "years"], Field(description="What is counted.")] = "days",
) -> Day:
    """Add days, weeks, months or years to a date."""
    try:
        result = _add(_date(start), amount, unit)
    except (ValueError, OverflowError):
        raise ToolError("The result lies outside of the calendar (years 1 to 9999).") from None
    return Day(date=result.isoformat(), weekday=result.strftime("%A"))


def _add(start: date, amount: int, unit: str) -> date:
    if unit in ("days", "weeks"):
        return start + timedelta(**{unit: amount})
    months = start.month - 1 + amount * (12 if unit == "years" else 1)
    year, month = start.year + months // 12, months % 12 + 1
    following = date(year + month // 12, month % 12 + 1, 1) if (year, month) != (9999, 12) else None
    last_day = (following - timedelta(days=1)).day if following else 31
    return date(year, month, min(start.day, last_day))


@server.tool(title="Days between dates", annotations=READ_ONLY)
def days_between(start: IsoDate, end: IsoDate) -> Span:
    """Count the days from one date to another."""
    days = (_date(end) - _date(start)).days
    return Span(start=start, end=end, days=days, weeks=round(days / 7, 2))


if __name__ == "__main__":
    server.run("stdio")
