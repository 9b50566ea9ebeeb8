"""What exactly would be started under a server's name, and the one value that changes when any of it does.

Each part is hashed with a random key that lives in the data directory: values of environment variables, and
secrets in arguments, can then be compared between runs without being kept.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp_tui.config.private_files import make_private_dirs, write_new
from mcp_tui.config.servers import ServerConfig
from mcp_tui.events.servers import TrustRequest
from mcp_tui.trust.store import LOCK_NAME, locked

KEY_FILE = "trust.key"
_KEY_BYTES = 32
_MIN_SECRET = 6
"""Values of variables shorter than this are not masked in arguments: they would blank out ordinary words."""

VARIABLE = "variable "
"""Prefix of the parts that stand for environment variables; of headers, for a remote server."""


@dataclass(frozen=True, slots=True)
class Launch:
    """One way to start a server."""

    shown: TrustRequest
    """As a person is shown it, secrets masked."""
    parts: Mapping[str, str]
    """Name of a part -> its keyed hash."""
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprint", _digest(dict(self.parts)))


def launch_of(
    name: str, config: ServerConfig, *, environ: Mapping[str, str], key: bytes, mask: Callable[[str], str]
) -> Launch:
    """What starting ``config`` would run now.  Touches no process; looks the program up as the start will."""
    program, target = _program(config, environ)
    parts: dict[str, Any] = {
        "transport": "stdio" if config.url is None else "http",
        "command": config.command,
        "program": [program, target],
        "arguments": config.args,
        "folder": config.cwd,
        "address": config.url,
        "here": _relative_files(config),
    }
    variables = config.env if config.url is None else config.headers
    parts |= {f"{VARIABLE}{variable}": value for variable, value in variables.items()}
    hashed = {
        part: hmac.new(key, _canonical([part, value]), hashlib.sha256).hexdigest() for part, value in parts.items()
    }
    shown = TrustRequest(
        server=name,
        command=_words(config, mask),
        program=program if program == target else f"{program} -> {target}",
        folder=str(_folder(config)),
        variables=tuple(sorted(variables)),
    )
    return Launch(shown, hashed)


def load_key(folder: Path | None) -> bytes:
    """The installation's key, made when there is none; without a folder one that ends with the process.

    A key that is damaged or can be read by others counts as lost: then every server is asked about again.
    Raises `OSError` and `TrustError` when a new one cannot be kept.
    """
    if folder is None:
        return secrets.token_bytes(_KEY_BYTES)
    path = folder / KEY_FILE
    key = _read_key(path)
    if key is None:
        make_private_dirs(folder)
        with locked(folder / LOCK_NAME):  # another process may be at it, and may have been faster
            key = _read_key(path)
            if key is None:
                path.unlink(missing_ok=True)
                write_new(path, secrets.token_hex(_KEY_BYTES) + "\n")
                key = _read_key(path)
    if key is None:
        raise OSError(f"{path} cannot be used")
    return key


def _read_key(path: Path) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return None
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or (os.name == "posix" and state.st_mode & 0o077):
            return None
        key = bytes.fromhex(os.read(descriptor, 4096).decode("ascii"))
    except ValueError:
        return None
    finally:
        os.close(descriptor)
    return key if len(key) == _KEY_BYTES else None


def _program(config: ServerConfig, environ: Mapping[str, str]) -> tuple[str, str]:
    """The file that the command is found as, and the one that it is a link to; empty when there is none."""
    if not config.command:
        return "", ""
    if os.sep in config.command:
        found = str(_folder(config) / config.command)
        if not os.access(found, os.X_OK) or Path(found).is_dir():
            return "", ""
    else:
        path = config.env.get("PATH", environ.get("PATH", os.defpath))
        found = shutil.which(config.command, path=path) or ""
        if found and not Path(found).is_absolute():
            found = str(_folder(config) / found)
    return (found, os.path.realpath(found)) if found else ("", "")


def _folder(config: ServerConfig) -> Path:
    """Where the server would run."""
    here = Path.cwd()
    return here / config.cwd if config.cwd else here


def _relative_files(config: ServerConfig) -> str | None:
    """The folder, when an argument names a file in it: elsewhere the same words would run another file."""
    folder = _folder(config)
    named = any(
        word and not word.startswith("-") and not Path(word).is_absolute() and _exists(folder / word)
        for word in config.args
    )
    return str(folder) if named else None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _words(config: ServerConfig, mask: Callable[[str], str]) -> tuple[str, ...]:
    words = [config.command, *config.args] if config.command is not None else [config.url or ""]
    for value in config.env.values():
        if len(value) >= _MIN_SECRET:
            words = [word.replace(value, "***") for word in words]
    return tuple(mask(word) for word in words)


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":")).encode()


def _digest(value: Any) -> str:
    return hashlib.sha256(_canonical(value)).hexdigest()
