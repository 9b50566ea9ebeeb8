"""Back-off as data: how long to wait before a failed request is made again.  The engine does the waiting."""

from __future__ import annotations

import random
from collections.abc import Callable

from mcp_tui.config.models import RequestConfig
from mcp_tui.errors import GatewayError


def delays(request: RequestConfig) -> tuple[float, ...]:
    """Seconds before each retry without jitter: doubled each time, never above ``max_retry_delay``."""
    return tuple(
        min(request.max_retry_delay, request.initial_retry_delay * 2.0 ** min(attempt, 64))
        for attempt in range(request.max_retries)
    )


def next_delay(
    request: RequestConfig, attempt: int, error: GatewayError, *, jitter: Callable[[], float] = random.random
) -> float | None:
    """Seconds to wait after failure number ``attempt`` (from 1); ``None`` when there is no point in trying again.

    The wait lies between half and all of the schedule's delay, by ``jitter`` (0 to 1), so that several programs do
    not come back at once.  A ``retry_after`` of the provider is never undercut; one above ``max_retry_delay`` means no.
    """
    schedule = delays(request)
    if not error.retryable or attempt > len(schedule):
        return None
    delay = schedule[attempt - 1] * (0.5 + 0.5 * jitter())
    if error.retry_after is None:
        return delay
    return max(delay, error.retry_after) if error.retry_after <= request.max_retry_delay else None
