"""No model: for work that asks none, such as running recorded calls again."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable

from mcp_tui.errors import GatewayError
from mcp_tui.gateway.base import Chunk, ModelInfo, ModelRequest


def _refuse(request: ModelRequest) -> Iterable[Chunk]:
    del request
    raise GatewayError("No model is asked here.", kind="bad_request")


class NoModel:
    """A `ModelGateway` that starts nothing and refuses every request."""

    def __init__(self, *, demo: bool = False) -> None:
        self.demo = demo

    async def start(self) -> None:
        """Nothing to get ready."""

    async def aclose(self) -> None:
        """Nothing to end."""

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        """Raise `GatewayError`."""
        for chunk in _refuse(request):
            yield chunk

    async def model_info(self, provider: str) -> ModelInfo:
        """Nothing is known."""
        del provider
        return ModelInfo()
