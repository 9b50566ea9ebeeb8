"""A complete configuration for the demo, in a temporary folder that is removed at the end."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mcp_tui.config.models import (
    ChatConfig,
    Config,
    ConnectionConfig,
    ContextConfig,
    CostLimitsConfig,
    LlmConfig,
    LoggingConfig,
    McpConfig,
    ProviderConfig,
    RequestConfig,
    ServiceConfig,
    StreamingConfig,
    ToolsConfig,
    UiConfig,
)
from mcp_tui.config.servers import ServerConfig
from mcp_tui.demo.samples import write_samples
from mcp_tui.errors import UsageError

PROVIDER = "demo"
"""The only entry of ``llm.providers``."""
MODEL = "demo/offline-script"
"""Name of the demo model: what stands where a real model's name stands."""
CONTEXT_WINDOW = 32_000


@dataclass(frozen=True, slots=True)
class DemoSetup:
    """Everything that the demo runs on."""

    config: Config
    servers: dict[str, ServerConfig]
    files: Path
    """The folder that the ``files`` server works in."""


@contextmanager
def demo_setup(*, theme: str = "mcp-dark", keys: dict[str, str] | None = None) -> Iterator[DemoSetup]:
    """The demo's configuration; its temporary folder lives as long as the context.

    Raises `UsageError` where there is no room for that.
    """
    with ExitStack() as stack:
        try:
            folder = tempfile.TemporaryDirectory(prefix="mcp-tui-demo-", ignore_cleanup_errors=True)
            files = Path(stack.enter_context(folder)) / "files"
            files.mkdir(mode=0o700)
            write_samples(files)
        except OSError as error:
            raise UsageError(
                f"The demo's files cannot be written into a temporary folder: {error.strerror}.",
                hint="Free some space, or set TMPDIR to a folder that has some.",
            ) from None
        yield DemoSetup(config=demo_config(theme=theme, keys=keys), servers=demo_servers(files), files=files)


def demo_config(*, theme: str, keys: dict[str, str] | None = None) -> Config:
    """``config.yaml`` of the demo, as a model: every field explicit."""
    return Config(
        llm=LlmConfig(active=PROVIDER, providers={PROVIDER: _provider()}, request=_request()),
        chat=ChatConfig(service=_service()),
        mcp=McpConfig(connection=_connection()),
        logging=LoggingConfig(level="info", format="json"),
        ui=UiConfig(theme=theme, keys=keys or {}),
    )


def demo_servers(files: Path) -> dict[str, ServerConfig]:
    """The bundled servers; ``clock`` speaks the handshake era, the others choose, so that both eras show."""
    return {
        "files": _server("files", str(files)),
        "clock": _server("clock").model_copy(update={"protocol": "legacy"}),
        "slow": _server("slow"),
        "flaky": _server("flaky"),
    }


def _server(name: str, *arguments: str) -> ServerConfig:
    # -P: the working directory is not searched for modules, so no file of the user can replace one.
    module = f"mcp_tui.demo.servers.{name}"
    return ServerConfig(command=sys.executable, args=["-P", "-m", module, *arguments])


def _provider() -> ProviderConfig:
    return ProviderConfig(
        model=MODEL,
        api_key=None,
        api_base=None,
        temperature=None,
        max_tokens=None,
        top_p=None,
        context_window=CONTEXT_WINDOW,
        input_price=0.0,
        output_price=0.0,
    )


def _request() -> RequestConfig:
    return RequestConfig(
        connect_timeout=10.0,
        idle_timeout=60.0,
        total_timeout=600.0,
        max_retries=2,
        initial_retry_delay=1.0,
        max_retry_delay=20.0,
    )


def _service() -> ServiceConfig:
    return ServiceConfig(
        streaming=StreamingConfig(enabled=True),
        context=ContextConfig(max_tokens=None, reserve_tokens=4_000, preserve_recent=6),
        max_tool_hops=8,
        cost_limits=CostLimitsConfig(per_turn=None, per_conversation=None),
        tools=ToolsConfig(max_concurrent=4, idle_timeout=30.0, total_timeout=120.0, max_result_tokens=6_000),
        system_prompt=None,
    )


def _connection() -> ConnectionConfig:
    return ConnectionConfig(
        max_reconnect_attempts=5,
        connection_timeout=30.0,
        initial_reconnect_delay=0.5,
        max_reconnect_delay=10.0,
        max_concurrent_starts=8,
        health_check_interval=30.0,
    )
