"""MCP server of the demo: a task that takes as long as asked, reports progress and can be cancelled."""

from __future__ import annotations

import time
from typing import Annotated

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp_types import ToolAnnotations
from pydantic import BaseModel, Field

server = MCPServer(
    "slow",
    title="Slow task",
    instructions="A task with progress, to see how a long call looks and how it is stopped.",
    log_level="WARNING",
)


class Finished(BaseModel):
    """A task that ran to its end."""

    label: str
    steps: int
    seconds: float


@server.tool(
    title="Run a slow task",
    annotations=ToolAnnotations(
        read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    ),
)
async def run_task(
    ctx: Context,
    seconds: Annotated[float, Field(ge=0.1, le=60, description="How long the task takes.")],
    steps: Annotated[int, Field(ge=1, le=100, description="How many times it reports progress.")] = 10,
    label: Annotated[str, Field(max_length=80, description="What the progress message calls it.")] = "task",
) -> Finished:
    """Work for a number of seconds and report progress; stops at once when it is cancelled."""
    began = time.monotonic()
    for step in range(1, steps + 1):
        await anyio.sleep(max(0.0, began + seconds * step / steps - time.monotonic()))
        await ctx.report_progress(step, steps, f"{label}: step {step} of {steps}")
    return Finished(label=label, steps=steps, seconds=round(time.monotonic() - began, 2))


if __name__ == "__main__":
    server.run("stdio")
