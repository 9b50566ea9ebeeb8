"""Decides which servers may start and which tools are admitted; the host asks, the person answers.

Holds what was accepted, as it was read at the start of the run, and hands changes to the file.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from mcp_tui.config.servers import ServerConfig
from mcp_tui.errors import TrustError
from mcp_tui.events.servers import TrustRequest
from mcp_tui.events.tools import HeldTool, ToolDefinition
from mcp_tui.safety.secrets import Redactor
from mcp_tui.trust import pins
from mcp_tui.trust.fingerprint import VARIABLE, Launch, launch_of, load_key
from mcp_tui.trust.pins import Acceptance, TextPin, TrustedServer
from mcp_tui.trust.store import Change, TrustFile
from mcp_tui.trust.warnings import warnings_of

log = logging.getLogger(__name__)

INSTRUCTIONS = "instructions"
"""The text that a server gives with its handshake, as a key of `TrustedServer.texts`."""


@dataclass(slots=True)
class TrustKeeper:
    """Implements `mcp_tui.host.base.Gatekeeper`.

    ``folder`` is the data directory; without one, nothing is kept beyond this object.
    """

    servers: Mapping[str, ServerConfig]
    environ: Mapping[str, str]
    redactor: Redactor
    version: str
    folder: Path | None = None
    conversation: Callable[[], str] = str
    """Gives the id of the open conversation."""
    problems: list[str] = field(default_factory=list)
    """What the person must be told about the file; the teller takes them out."""
    _book: dict[str, TrustedServer] = field(default_factory=dict)
    _file: TrustFile | None = None
    _key: bytes = b""
    unsaved: bool = False
    """Whether something that was accepted could not be written, and holds for this run only."""
    _unwritten: deque[Change] = field(default_factory=deque)

    def __post_init__(self) -> None:
        try:
            self._key = load_key(self.folder)
        except (OSError, TrustError) as error:
            self._key = load_key(None)
            self.problems.append(f"No key for what is trusted can be kept in {self.folder}: {error}.")
        if self.folder is not None:
            self._file = TrustFile(self.folder)
            self._load()

    def _load(self) -> None:
        assert self._file is not None
        self._book = self._file.load()
        if self._file.problem:
            log.warning("trust set aside: %s", self._file.problem, extra={"operation": "trust"})
            self.problems.append(f"{self._file.problem} It counts as empty: every server is asked about again.")

    def masked(self, tool: ToolDefinition) -> ToolDefinition:
        """A definition without configured secrets: what a server says about itself may repeat what it was given."""
        if not self.redactor.active:
            return tool
        return ToolDefinition.model_validate(self.redactor.mask_value(tool.model_dump(mode="python")))

    def instructions(self, server: str) -> str:
        """What the server said about its use when it was accepted; what it says since then is not used."""
        entry = self._book.get(server)
        text = entry.texts.get(INSTRUCTIONS) if entry is not None else None
        return text.text if text is not None else ""

    def startable(self) -> tuple[str, ...]:
        """Servers that a run would start if they are trusted."""
        return tuple(name for name, config in self.servers.items() if config.enabled and config.command is not None)

    # -- the host asks ---------------------------------------------------------------------

    def admits(self, server: str) -> bool:
        """Whether exactly what would be started now was accepted."""
        entry = self._book.get(server)
        return entry is not None and entry.fingerprint == self._launch(server).fingerprint

    def review(
        self, server: str, listed: Sequence[ToolDefinition], instructions: str
    ) -> tuple[tuple[ToolDefinition, ...], tuple[HeldTool, ...]]:
        """Tools that were accepted as they are, and those that are held.

        The first listing after a server was accepted is accepted with it, without tools that hide something.
        """
        entry = self._book.get(server)
        if entry is None:
            return pins.sort_out(listed, {})
        if not entry.listed:
            entry = self._pinned_elsewhere(server, entry) or self._pin_first(server, entry, listed, instructions)
        pinned = entry.texts.get(INSTRUCTIONS)
        if pins.text_digest(instructions) != (pinned.digest if pinned is not None else pins.text_digest("")):
            self._say("instructions changed and are not used", server, pins.text_digest(instructions))
        return pins.sort_out(listed, entry.tools)

    def _pinned_elsewhere(self, server: str, entry: TrustedServer) -> TrustedServer | None:
        """The entry when another process saw the first listing meanwhile: there is only one first."""
        if self._file is None or not self._file.changed_by_others():
            return None
        stored = self._file.peek().get(server)
        if stored is None or not stored.listed or stored.fingerprint != entry.fingerprint:
            return None
        self._book[server] = stored
        return stored

    def _pin_first(
        self, server: str, entry: TrustedServer, listed: Sequence[ToolDefinition], instructions: str
    ) -> TrustedServer:
        accepted = self._acceptance()
        tools = {name: self._masked(pin) for name, pin in pins.baseline(listed, accepted).items()}
        texts = {}
        if instructions:
            text = self.redactor.mask(instructions)
            texts[INSTRUCTIONS] = TextPin(digest=pins.text_digest(instructions), text=text, accepted=accepted)
        self._say("tools accepted with the server", server, f"{len(tools)} of {len(listed)}")
        return self._put(server, entry.model_copy(update={"listed": True, "tools": tools, "texts": texts}))

    # -- the person answers ------------------------------------------------------------------

    def request(self, server: str) -> TrustRequest:
        """What the person is shown before the server may start."""
        launch, entry, config = self._launch(server), self._book.get(server), self.servers[server]
        program, _, target = launch.shown.program.partition(" -> ")
        home = self.environ.get("HOME", "")
        warnings = tuple(map(self.redactor.scrub, warnings_of(config, program, target or program, home)))
        differs = entry is not None and entry.fingerprint != launch.fingerprint
        before = entry.shown if entry is not None and differs else None
        changes = _changes(entry, launch) if entry is not None and differs else ()
        return launch.shown.model_copy(update={"warnings": warnings, "before": before, "changes": changes})

    def standing(self, server: str) -> Literal["trusted", "changed", "new"]:
        """Whether exactly this was accepted, something else under its name, or nothing."""
        return "trusted" if self.admits(server) else "changed" if self.known(server) else "new"

    def accepted(self, server: str) -> TrustedServer | None:
        """What was accepted under this name."""
        return self._book.get(server)

    def known(self, server: str) -> bool:
        """Whether something was accepted under this name, now or earlier."""
        return server in self._book

    def accept(self, server: str, shown: TrustRequest | None = None) -> None:
        """Accept the server as it would be started now; what was accepted of its tools counts no more.

        Raises `TrustError` when ``shown`` is given and is not that any more.
        """
        launch = self._launch(server)
        if shown is not None and _plain(shown) != launch.shown:
            raise TrustError(f"What {server} would start has changed meanwhile.", hint="Look at it again.")
        entry = TrustedServer(
            fingerprint=launch.fingerprint,
            parts=dict(launch.parts),
            shown=launch.shown,
            accepted=self._acceptance(),
        )
        self._say("server trusted", server, "changed" if server in self._book else "new")
        self._put(server, entry)

    def accept_tools(self, server: str, tools: Collection[ToolDefinition]) -> None:
        """Accept exactly these definitions; each gets a new pin, so that earlier grants do not hold for it."""
        entry = self._book.get(server)
        if entry is None:
            raise TrustError(f"The server {server} is not trusted.", hint="Accept its command line first.")
        accepted = self._acceptance()
        new = {tool.name: self._masked(pins.pin_of(tool, accepted)) for tool in tools}
        for name, pin in new.items():
            log.info(
                "tool accepted", extra={"operation": "trust", "server": server, "tool": name, "outcome": pin.digest}
            )
        self._book[server] = entry.model_copy(update={"tools": {**entry.tools, **new}})

        def change(book: dict[str, TrustedServer]) -> None:
            stored = book.get(server)
            if stored is not None and stored.fingerprint == entry.fingerprint:
                book[server] = stored.model_copy(update={"tools": {**stored.tools, **new}})

        self._unwritten.append(change)

    # -- the file ----------------------------------------------------------------------------

    @property
    def stale(self) -> bool:
        """Whether somebody else changed the file since it was read: announced, and not applied until `reload`."""
        return self._file is not None and self._file.changed_by_others()

    def reload(self) -> None:
        """Take over what the file says now."""
        if self._file is not None:
            self.flush()
            self._load()

    @property
    def unwritten(self) -> bool:
        """Whether `flush` has something to do."""
        return bool(self._unwritten)

    def flush(self) -> None:
        """Write what was accepted.  Blocks for the disk and the lock: call it in a thread; it raises nothing."""
        while self._unwritten:
            change = self._unwritten.popleft()
            if self._file is None:
                continue
            try:
                aside = self._file.update(change)
            except TrustError as error:
                log.error("%s", error.message, extra={"operation": "trust"})
                self.problems.append(str(error))
                self.unsaved = True
                continue
            if aside is not None:
                self.problems.append(f"The old file is kept as {aside}.")

    # -- inside ------------------------------------------------------------------------------

    def _launch(self, server: str) -> Launch:
        config = self.servers[server]
        return launch_of(server, config, environ=self.environ, key=self._key, mask=self.redactor.scrub)

    def _acceptance(self) -> Acceptance:
        return Acceptance(version=self.version, conversation=self.conversation())

    def _masked(self, pin: pins.ToolPin) -> pins.ToolPin:
        return pin.model_copy(update={"definition": self.masked(pin.definition)})

    def _put(self, server: str, entry: TrustedServer) -> TrustedServer:
        self._book[server] = entry
        self._unwritten.append(lambda book: book.__setitem__(server, entry))
        return entry

    @staticmethod
    def _say(words: str, server: str, outcome: str) -> None:
        log.info(words, extra={"operation": "trust", "server": server, "outcome": outcome})


def trust_all(servers: Mapping[str, ServerConfig], version: str) -> TrustKeeper:
    """Servers that come with the program: trusted for this run, their first listings with them."""
    keeper = TrustKeeper(servers, os.environ, Redactor(), version)
    for server in servers:
        keeper.accept(server)
    return keeper


def _plain(shown: TrustRequest) -> TrustRequest:
    return shown.model_copy(update={"warnings": (), "before": None, "changes": ()})


def _changes(entry: TrustedServer, launch: Launch) -> tuple[str, ...]:
    """What differs from what was accepted, in words."""
    words = {
        "transport": "its transport",
        "command": "its command",
        "arguments": "its arguments",
        "folder": "its working directory",
        "address": "its address",
        "here": "the folder in which its files are looked for",
    }
    found = []
    for part in sorted({*entry.parts, *launch.parts}):
        before, now = entry.parts.get(part), launch.parts.get(part)
        if before == now:
            continue
        if part == "program":
            found.append(
                f"the program: {entry.shown.program or 'not found'} before, {launch.shown.program or 'not found'} now"
            )
        elif part.startswith(VARIABLE):
            name = part.removeprefix(VARIABLE)
            what = "is new" if before is None else "is gone" if now is None else "has another value"
            found.append(f"the variable {name} {what}")
        else:
            found.append(words.get(part, part))
    return tuple(found) or ("how it is described",)
