"""How else a text may be understood: by a server that decodes it, by a shell, by a file system.

An allow must hold in every reading; a deny, an ask or a guard holds when it does in one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any
from urllib.parse import unquote

from mcp_tui.config.globs import fold

MAX_TOKENS = 20_000
"""Words of one text that are looked at as paths; of the first ``MAX_RESOLVED`` also where their links lead."""
MAX_RESOLVED = 1_000
PATH_MAX = 4096
"""Characters beyond which no system follows a path."""
BARE_WORDS = 50
"""A text of at most so many words may name files without a slash in their name."""

_EXPANDS = re.compile(r"[*?\[{]")
_BREAKS = re.compile(r"""[\s\0'"`=;|&<>(),:\[\]{}]+""")
_SHELL = re.compile(r"""[\s\0'"`;|&<>]+""")
"""The same with what a shell expands left in place: braces, sets, lists in them."""
_QUOTES = re.compile(r"""['"`\n\0]+""")


def leaves(value: Any) -> Iterator[Any]:
    """The scalars of a JSON value, keys included; an empty list or mapping stands for itself."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict) and part:
            waiting += [*part.values(), *part.keys()]
        elif isinstance(part, (list, tuple)) and part:
            waiting += part
        else:
            yield part


def texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value, keys included."""
    return (leaf for leaf in leaves(value) if isinstance(leaf, str))


def decoded(text: str) -> set[str]:
    """The text as it is, percent-decoded once and twice, and each with backslashes as slashes."""
    forms = {text}
    if "%" in text:
        forms |= {once := unquote(text), unquote(once)}
    return forms | {form.replace("\\", "/") for form in forms if "\\" in form}


def paths(text: str, bases: Iterable[str]) -> Iterator[str]:
    """Every absolute path that the text may mean, or that a word in it may, normalised and with links followed.

    ``bases`` are folders to which a relative path may count.
    """
    seen: set[str] = set()
    folders = tuple(bases)
    for form in decoded(text):
        for token in _tokens(form, folders):
            for path in _absolute(token, folders):
                if path in seen:
                    continue
                seen.add(path)
                yield path
                if len(seen) <= MAX_RESOLVED and len(path) <= PATH_MAX and (real := resolved(path)) != path:
                    yield real


def _tokens(text: str, folders: tuple[str, ...]) -> Iterator[str]:
    """The text, and those of its words that look like a path or, in a short one, name something that is there."""
    whole = text.strip()
    if len(whole.split(maxsplit=1)) == 1 or _looks_like_path(whole) or _is_there(whole, folders):
        yield whole
    parts = (part.strip() for part in islice(_QUOTES.split(text), MAX_TOKENS))
    yield from (part for part in parts if _looks_like_path(part))
    words = list(islice((match for match in _BREAKS.split(text) if match), MAX_TOKENS))
    few = len(words) <= BARE_WORDS
    for word in words:
        if _looks_like_path(word) or (few and _is_there(word, folders)):
            yield word
    yield from (word for word in islice(_SHELL.split(text), MAX_TOKENS) if "/" in word and _EXPANDS.search(word))


def _looks_like_path(word: str) -> bool:
    return "/" in word or word.startswith(("~", ".", "$"))


def _is_there(word: str, folders: tuple[str, ...]) -> bool:
    return len(word) < 256 and any(os.path.lexists(f"{folder}/{word}") for folder in folders)


def _absolute(token: str, bases: Iterable[str]) -> Iterator[str]:
    """The token as normalised absolute paths, variables and home expanded; nothing where it cannot be a path."""
    if not token or "\0" in token:
        return
    forms = {token, os.path.expandvars(token)}
    if token[:5].lower() == "file:":
        rest = token[5:]
        forms = {"/" + rest.lstrip("/"), "/" + rest.removeprefix("//").partition("/")[2]}
    for form in forms:
        path = os.path.expanduser(form)  # noqa: PTH111 - never raises
        if path.startswith("/"):
            yield "/" + os.path.normpath(path).lstrip("/")
        else:
            for base in bases:
                yield os.path.normpath(os.path.join(base, path))  # noqa: PTH118 - text, not a path of ours


def resolved(path: str) -> str:
    """The path with symbolic links followed, as far as it is there."""
    try:
        return os.path.realpath(path)
    except (OSError, ValueError):
        return path


def under(path: str, folder: str) -> bool:
    """Whether a normalised path is the folder or below it."""
    return path == folder or path.startswith(folder if folder.endswith("/") else f"{folder}/")


def under_folded(path: str, folder: str) -> bool:
    """The same for a file system that does not tell cases apart."""
    return under(fold(path), fold(folder))
