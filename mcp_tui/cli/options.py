"""What the command line asks for, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(slots=True)
class Options:
    """What the command line asks for."""

    command: Literal[
        "app", "demo", "run", "init", "check", "servers_list", "servers_trust",
        "rules_list", "rules_test", "rules_add", "rules_remove",
        "history", "history_list", "history_show", "history_search", "history_rename", "history_tag",
        "history_delete", "history_restore", "history_empty_trash", "history_check", "history_compact", "history_stats",
        "replay",
        "history_export", "history_import",
    ]  # fmt: skip
    config: str | None = None
    servers: str | None = None
    conversation: str | None = None
    """An id, ``last``, or ``None`` for a new conversation."""
    text: str = ""
    json: bool = False
    model: str | None = None
    policy: Literal["deny", "allow"] = "deny"
    allow: tuple[str, ...] = ()
    demo: bool = False
    force: bool = False
    directory: str | None = None
    name: str = ""
    yes: bool = False
    rules: str | None = None
    """Another file than the user's ``permissions.yaml``."""
    effect: str = ""
    tool: str = ""
    """``SERVER.TOOL``; for rules also ``SERVER`` alone."""
    arguments: str | None = None
    """JSON: arguments of a call, or patterns of a rule."""
    id: str = ""
    note: str = ""
    verify: bool = False
    ignore: tuple[str, ...] = ()
    """Places of results that are not compared."""
    ignore_patterns: tuple[str, ...] = ()
    """Regular expressions of text that is not compared."""
    offline_tools: bool = False
    project: str | None = None
    read_only: bool = False
    history: bool = False
    format: Literal["", "markdown", "json", "html"] = ""
    """Empty: what the name of ``output`` says, else Markdown."""
    output: str = ""
    with_secrets: bool = False
    files: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    title: str = ""
    tags: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    limit: int | None = None
    trash: bool = False
    repair: bool = False
    speed: float = 1.0
    """Times the recorded speed of a replay; infinite: at once."""
    plain: bool = False
