"""What deserves a second look in a command line, said in words before it is accepted.

A hint for the reader, never a decision: a server without warnings is not safe.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path, PurePath

from mcp_tui.config.servers import ServerConfig
from mcp_tui.trust.hidden import hidden_characters

RIGHTS = "It runs with your rights: it can read, change and send whatever you can."
"""True of every server that is a program."""

_SHELLS = frozenset({"sh", "bash", "zsh", "fish", "dash", "ksh", "csh", "tcsh", "cmd", "powershell", "pwsh", "nu"})
_ROOT = frozenset({"sudo", "doas", "su", "pkexec", "run0", "runas"})
_WRAPPERS = frozenset({"env", "nice", "nohup", "timeout", "stdbuf", "setsid", "time", "xargs", "exec"})
_RUNNERS = {
    "npx": ("",), "bunx": ("",), "pnpx": ("",), "uvx": ("",),
    "npm": ("exec", "x"), "pnpm": ("dlx",), "yarn": ("dlx",), "bun": ("x",), "pipx": ("run",), "uv": ("tool run",),
}  # fmt: skip
"""Programs that fetch a package and run it, with the words that make them do so."""
_RUNNER_VALUES = frozenset({"-p", "--package", "--from", "--with", "--python", "--index", "--default-index", "-c"})
_VERSION = re.compile(r"(?<=.)@v?\d|==|@(?:git\+|https?:|file:)|#[0-9a-f]{7,}$")
_CONTAINERS = frozenset({"docker", "podman", "nerdctl"})
_LOADERS = re.compile(
    r"LD_\w+|DYLD_\w+|PATH|PYTHON(?:PATH|STARTUP|HOME)|NODE_(?:OPTIONS|PATH)|PERL5?(?:LIB|OPT)|RUBY(?:LIB|OPT)"
    r"|BASH_ENV|ENV|GIT_SSH(?:_COMMAND)?|NODE_TLS_REJECT_UNAUTHORIZED|UV_(?:INDEX|DEFAULT_INDEX)\w*|PIP_INDEX_URL",
)
_KEYS = re.compile(
    r"(?:^|[/\\=:,])(?:\.ssh|\.aws|\.gnupg|\.kube|\.docker|\.netrc|\.pgpass|\.npmrc|\.pypirc|\.password-store"
    r"|\.config/(?:gh|gcloud|mcp-tui)|\.mozilla|id_(?:rsa|dsa|ecdsa|ed25519)|\.env(?:\.\w+)?|keychains?|mcp-tui)"
    r"(?=$|[/\\:,])|\.(?:pem|key|p12|pfx|kdbx)$",
    re.IGNORECASE,
)


def warnings_of(config: ServerConfig, program: str, target: str, home: str) -> tuple[str, ...]:
    """Warnings about an entry; ``program`` and ``target`` are what its command resolves to."""
    if config.command is None:
        return ()
    words = [config.command, *config.args]
    found = [*_about_program(words, program, target), *_about_packages(words), *_about_paths(words[1:], home)]
    found += _about_variables(config)
    hidden = sum(sum(hidden_characters(word).values()) for word in [*words, config.cwd or "", *config.env])
    if hidden:
        found.append(f"Its entry holds {hidden} characters that cannot be seen; they are spelled out here.")
    return tuple(dict.fromkeys(found))


def _name(word: str) -> str:
    return PurePath(word).name.lower().removesuffix(".exe")


def _about_program(words: Sequence[str], program: str, target: str) -> Iterator[str]:
    names = [_name(word) for word in words]
    if any(name in _ROOT for name in _leading(names)):
        yield "It asks for the rights of another user, such as the administrator."
    if any(name in _SHELLS for name in _leading(names)):
        yield "It is a shell: it runs whatever its text says, and that text can start other programs."
        text = " ".join(words)
        if re.search(r"\b(?:curl|wget)\b", text) and re.search(r"\|\s*(?:sudo\s+)?\w*sh\b", text):
            yield "It downloads a program and runs it at once."
    if not program:
        yield "Its program was not found: what will run is not known yet."
        return
    if os.sep in words[0] and not Path(words[0]).is_absolute():
        yield "Its program is named by a relative path: which file runs depends on the folder."
    for path in dict.fromkeys((program, target)):
        if _writable_by_others(path):
            yield f"Other users of this machine can replace {path}."
        if path.startswith((f"{tempfile.gettempdir()}{os.sep}", "/tmp/", "/var/tmp/", "/dev/shm/")):
            yield f"Its program lies in a folder for temporary files: {path}."


def _leading(names: Sequence[str]) -> Iterator[str]:
    """The program, and those that it hands over to: ``env sudo sh`` has three."""
    for name in names:
        if name in _SHELLS:
            yield name
            return
        if name in _ROOT or name in _WRAPPERS:
            yield name
        elif not name.startswith("-") and "=" not in name and not name.isdigit():
            yield name
            return


def _about_packages(words: Sequence[str]) -> Iterator[str]:
    for index, word in enumerate(words):
        name, rest = _name(word), list(words[index + 1 :])
        if name in _RUNNERS:
            for trigger in _RUNNERS[name]:
                wanted = trigger.split()
                if rest[: len(wanted)] == wanted:
                    yield from _about_package(name, rest[len(wanted) :])
            return
        if name in _CONTAINERS and "run" in rest:
            yield from _about_container(rest)
            return
        if name not in _WRAPPERS and name not in _ROOT:
            return


def _about_package(runner: str, rest: Sequence[str]) -> Iterator[str]:
    chosen = [value for flag, value in pairwise(rest) if flag in ("-p", "--package", "--from")]
    chosen += [word.partition("=")[2] for word in rest if word.startswith(("--package=", "--from="))]
    if not chosen:
        passed = False
        for word in rest:
            if passed:
                passed = False
            elif word in _RUNNER_VALUES or (word.startswith("--index-") and "=" not in word):
                passed = True
            elif not word.startswith("-"):
                chosen = [word]
                break
    for package in chosen:
        if not Path(package).is_absolute() and not _VERSION.search(package):
            yield (
                f"{runner} fetches {package} without a version: whatever its authors publish next runs here. "
                "Name a version."
            )


def _about_container(rest: Sequence[str]) -> Iterator[str]:
    text = " ".join(rest)
    if "--privileged" in rest or re.search(r"(?:-v|--volume|source=|src=)[ =]?/(?::|,| )|docker\.sock", text):
        yield "The container gets nearly all rights on this machine."
    if "@sha256:" not in text:
        yield "The container's image is not named by its digest: another one can come under the same name."


def _about_paths(words: Sequence[str], home: str) -> Iterator[str]:
    for word in words:
        for part in re.split(r"[=:,]", word):
            place = part.rstrip("/\\") or part
            if place in ("/", "~", "$HOME", "${HOME}", "%USERPROFILE%") or (home and place == home.rstrip("/\\")):
                where = "the whole disk" if place == "/" else "your whole home folder"
                yield f"It is given {where}: {part}"
        if _KEYS.search(word):
            yield f"It is given a place where keys or settings are kept: {word}"


def _about_variables(config: ServerConfig) -> Iterator[str]:
    for name in config.env:
        if _LOADERS.fullmatch(name.upper()):
            yield f"The variable {name} decides what else is loaded or where from."


def _writable_by_others(path: str) -> bool:
    for place in (path, str(Path(path).parent)):
        try:
            state = Path(place).stat()
        except OSError:
            continue
        if state.st_mode & stat.S_IWOTH and not state.st_mode & stat.S_ISVTX:
            return True
    return False
