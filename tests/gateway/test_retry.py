from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_tui.config.models import RequestConfig
from mcp_tui.errors import GatewayError
from mcp_tui.gateway.retry import delays, next_delay


def config(retries: int = 4, initial: float = 1.0, longest: float = 5.0) -> RequestConfig:
    return RequestConfig(
        connect_timeout=1.0, idle_timeout=1.0, total_timeout=1.0, max_retries=retries,
        initial_retry_delay=initial, max_retry_delay=longest,
    )  # fmt: skip


def error(retryable: bool = True, retry_after: float | None = None) -> GatewayError:
    return GatewayError("x", kind="rate_limit", retryable=retryable, retry_after=retry_after)


def test_delays_double_up_to_the_longest() -> None:
    assert delays(config()) == (1.0, 2.0, 4.0, 5.0)
    assert delays(config(retries=0)) == ()
    assert delays(config(retries=5000))[-1] == 5.0


@pytest.mark.parametrize(("jitter", "expected"), [(0.0, 1.0), (0.5, 1.5), (1.0, 2.0)])
def test_jitter(jitter: float, expected: float) -> None:
    assert next_delay(config(), 2, error(), jitter=lambda: jitter) == expected


def test_no_more_attempts_than_configured() -> None:
    assert next_delay(config(retries=1), 1, error()) is not None
    assert next_delay(config(retries=1), 2, error()) is None
    assert next_delay(config(retries=0), 1, error()) is None


def test_what_cannot_pass_is_not_retried() -> None:
    assert next_delay(config(), 1, error(retryable=False)) is None


def test_retry_after() -> None:
    assert next_delay(config(), 1, error(retry_after=4.5)) == 4.5
    assert next_delay(config(), 3, error(retry_after=0.1), jitter=lambda: 1.0) == 4.0
    assert next_delay(config(), 1, error(retry_after=5.1)) is None


@given(st.integers(1, 10), st.floats(0, 1), st.none() | st.floats(0, 10))
def test_wait_is_within_its_bounds(attempt: int, jitter: float, retry_after: float | None) -> None:
    delay = next_delay(config(), attempt, error(retry_after=retry_after), jitter=lambda: jitter)
    assert delay is None or max(0.5, retry_after or 0) <= delay <= 5.0
