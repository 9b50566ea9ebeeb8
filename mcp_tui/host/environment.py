"""What a server process is given: a minimal environment, and its command line for display (requirements C3, C7)."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Callable, Mapping

from mcp_tui.config.servers import ServerConfig

_POSIX = (
    "HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER",
    "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TZ",
)  # fmt: skip
_WINDOWS = (
    "APPDATA", "COMSPEC", "HOMEDRIVE", "HOMEPATH", "LOCALAPPDATA", "PATH", "PATHEXT", "PROCESSOR_ARCHITECTURE",
    "PROGRAMDATA", "PROGRAMFILES", "SYSTEMDRIVE", "SYSTEMROOT", "TEMP", "TMP", "USERNAME", "USERPROFILE",
)  # fmt: skip

INHERITED = _WINDOWS if os.name == "nt" else _POSIX
"""Names taken over from the user's environment; no other name reaches a server unless its entry gives it.

Locale, time zone and temporary folder are in the list because programs answer wrongly without them and
they hold no secret.  Proxies are not: their addresses often hold a password.
"""


def server_environment(entry: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of a server: `INHERITED` names from ``environ``, then what its entry names."""
    kept = {name: environ[name] for name in INHERITED if name in environ}
    # A value that starts so is an exported shell function, which a shell would run.
    return {name: value for name, value in kept.items() if not value.startswith("()")} | dict(entry)


def command_line(config: ServerConfig, mask: Callable[[str], str]) -> str:
    """The command as a person would type it, secrets masked; the address of a remote entry."""
    if config.command is None:
        return mask(config.url or "")
    words = [config.command, *config.args]
    for value in config.env.values():
        words = [word.replace(value, "***") if len(value) >= 6 else word for word in words]
    return mask(shlex.join(words))


def fingerprint(config: ServerConfig) -> str:
    """Identifies what is started: command, arguments, folder and names of variables, not their values."""
    what = [config.command, config.args, config.cwd, sorted(config.env)]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()
