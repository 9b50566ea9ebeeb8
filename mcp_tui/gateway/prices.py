"""What an answer cost: prices of the configuration first, LiteLLM's map second, ``None`` where neither knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Prices:
    """Configured US dollars per million tokens; ``None`` leaves that side to LiteLLM's map."""

    input: float | None = None
    output: float | None = None


def cost_of(prices: Prices, usage: dict[str, Any], mapped: tuple[float, float] | None) -> float | None:
    """US dollars for one answer; ``mapped`` is the map's cost of prompt and completion."""
    prompt = _side(prices.input, usage["prompt_tokens"], mapped[0] if mapped else None)
    completion = _side(prices.output, usage["completion_tokens"], mapped[1] if mapped else None)
    return None if prompt is None or completion is None else prompt + completion


def _side(price: float | None, tokens: int, mapped: float | None) -> float | None:
    return tokens * price / 1_000_000 if price is not None else mapped
