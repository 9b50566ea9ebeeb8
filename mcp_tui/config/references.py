"""``env:NAME`` and ``${NAME}`` replaced by the environment's values (requirement B3).

``env:NAME``          the whole value, for secrets: ``api_key``, and the values of ``env`` and ``headers``
``${NAME}``           inside any text of a server's entry; also ``${env:NAME}`` and ``${NAME:-instead}``
``$${NAME}``          the characters ``${NAME}`` themselves
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mcp_tui.safety.secrets import Redactor

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACED = re.compile(r"\$?\$\{([^}]*)\}")
_SECRET_NAME = re.compile(
    r"(?i)(keys?(?![a-z])|tokens?(?![a-z])|secret|passw|passphrase|credential|authorization|cookie|(^|_)pat$|(^|_)pwd$|dsn)"
)
_PLACEHOLDERS = frozenset(
    {"none", "null", "empty", "ollama", "lm-studio", "not-needed", "no-key", "dummy", "placeholder"}
)
_looks_secret = Redactor()


@dataclass(frozen=True, slots=True)
class Resolved:
    """A text with its references replaced."""

    text: str
    missing: tuple[str, ...] = ()
    """Variables that are not set (for ``env:``: or empty)."""
    malformed: tuple[str, ...] = ()
    """References that name no variable."""
    secrets: frozenset[str] = frozenset()
    """Values that came in and must not be shown."""


def resolve(text: str, environ: Mapping[str, str], *, whole: bool, holder: str = "") -> Resolved:
    """Replace references in ``text``; ``whole`` also allows the form ``env:NAME``.

    ``holder`` is the name of what takes the value: what enters ``GITHUB_TOKEN`` is a secret.
    """
    if whole and text.startswith("env:"):
        return _whole(text, environ)
    missing: list[str] = []
    malformed: list[str] = []
    secrets: set[str] = set()

    def replace(match: re.Match[str]) -> str:
        if match[0].startswith("$$"):
            return match[0][1:]
        name, has_default, default = match[1].removeprefix("env:").partition(":-")
        if not _NAME.fullmatch(name):
            malformed.append("${...}" if looks_secret(match[0]) else match[0])
            return match[0]
        value = environ.get(name)
        if has_default and not value:
            return default
        if value is None:
            missing.append(name)
            return match[0]
        if (secret_name(name) or secret_name(holder)) and may_be_secret(value):
            secrets.add(value)
        return value

    result = _BRACED.sub(replace, text)
    if secret_name(holder) and not missing and may_be_secret(result):
        secrets.add(result)
        secrets.add(result.rpartition(" ")[2])  # "Bearer abc": the token is shown alone, too
    return Resolved(result, tuple(missing), tuple(malformed), worth_masking(secrets))


def _whole(text: str, environ: Mapping[str, str]) -> Resolved:
    name = text.removeprefix("env:").strip()
    if not _NAME.fullmatch(name) or looks_secret(name):
        return Resolved(text, malformed=("env:",))
    value = environ.get(name)
    if not value:
        return Resolved(text, missing=(name,))
    return Resolved(value, secrets=worth_masking({value}))


def may_be_secret(value: str) -> bool:
    """Not so for a path or a count, which variables such as ``KEY_FILE`` and ``MAX_TOKENS`` hold."""
    return not value.startswith(("/", "~", "./")) and not (value.isdigit() and len(value) < 10)


def secret_name(name: str) -> bool:
    """Whether a variable, header or option with this name usually holds a secret."""
    return bool(_SECRET_NAME.search(name))


def looks_secret(text: str) -> bool:
    """Whether a literal has the shape of a key, or assigns one (``--token=...``)."""
    return _looks_secret(text) != text


def worth_masking(values: set[str]) -> frozenset[str]:
    """Values without the words that people write where no key is needed (``ollama``, ``none``)."""
    return frozenset(value for value in values if value.strip() and value.casefold() not in _PLACEHOLDERS)
