"""What is known and shown of one server: its status, warnings, log messages, catalogue (requirements C2, C3, C8)."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from mcp_tui.events.servers import ServerCatalogChanged, ServerLogged, ServerStateChanged, ServerStatus
from mcp_tui.host.adapters import NEEDS
from mcp_tui.host.base import EventSink
from mcp_tui.host.catalog import Catalog
from mcp_tui.host.rates import TokenBucket

_log = logging.getLogger(__name__)

MAX_WARNINGS = 20
MAX_LOG_TEXT = 4000
_JUNK = "It writes text to its standard output that is no protocol message"


class ServerReports:
    """Keeps the status and emits it when it changes.  Also the `Listener` of the server's transport."""

    def __init__(
        self, status: ServerStatus, emit: EventSink, mask: Callable[[str], str], on_tools_changed: Callable[[], None]
    ) -> None:
        self.status = status
        self.catalog = Catalog()
        self._emit = emit
        self._mask = mask
        self._on_tools_changed = on_tools_changed
        self._announced: tuple[str, ...] = ()
        self._logs = TokenBucket(rate=10, burst=30)

    def update(self, **changes: Any) -> None:
        """Change fields of the status and say so, if anything changed."""
        changed = {key: value for key, value in changes.items() if getattr(self.status, key) != value}
        if changed:
            self.status = self.status.model_copy(update=changed)
            self._emit(ServerStateChanged(status=self.status))

    def warn(self, text: str) -> None:
        """Add a warning, once and up to a limit."""
        if text in self.status.warnings or len(self.status.warnings) >= MAX_WARNINGS:
            return
        _log.warning("%s", text, extra={"server": self.status.name})
        self.update(warnings=(*self.status.warnings, text))

    def count_error(self) -> None:
        """A call or a start failed."""
        self.update(errors=self.status.errors + 1)

    def announce(self) -> None:
        """Say which tools there are, if that differs from what was said last; definitions count too."""
        content = tuple(f"{tool.wire_name} {tool.digest}" for tool in self.catalog.tools)
        if content != self._announced:
            self._announced = content
            names = tuple(tool.wire_name for tool in self.catalog.tools)
            self._emit(ServerCatalogChanged(server=self.status.name, tools=names))

    def on_notification(self, method: str, params: dict[str, Any]) -> None:
        """A notification of the server."""
        if method == "notifications/tools/list_changed":
            self._on_tools_changed()
        elif method == "notifications/message":
            self._on_log(params)

    def _on_log(self, params: dict[str, Any]) -> None:
        if not self._logs.take():
            self.warn("It logs so much that not every message is kept.")
            return
        data, logger = params.get("data"), params.get("logger")
        text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        self._emit(
            ServerLogged(
                server=self.status.name,
                level=str(params.get("level", "info"))[:20],
                logger=logger[:200] if isinstance(logger, str) else "",
                text=self._mask(text[:MAX_LOG_TEXT]),
            )
        )

    def on_request(self, method: str) -> None:
        """The server asks for something of the client; the SDK refuses it."""
        if method in NEEDS:
            self.warn(f"It asks for {NEEDS[method]}, which mcp-tui does not offer yet; it was refused.")

    def on_junk(self, text: str) -> None:
        """Standard output that is no protocol message."""
        if not any(warning.startswith(_JUNK) for warning in self.status.warnings):
            self.warn(f"{_JUNK}, such as: {self._mask(text.strip())[:80]}")

    def on_dropped(self, what: str) -> None:
        """Something of the server was thrown away."""
        self.warn(f"It sent {what}; it was dropped.")
