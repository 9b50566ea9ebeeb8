"""The entries of ``llm.providers``: keys resolved, and rules that tie their fields together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pydantic import SecretStr

from mcp_tui.config import sections
from mcp_tui.config.models import ProviderConfig
from mcp_tui.config.problems import FieldPath, Problem
from mcp_tui.config.references import Resolved, resolve, worth_masking
from mcp_tui.config.resolved import ResolvedProvider
from mcp_tui.config.source import Document
from mcp_tui.config.validate import describe, nearest

KEY_VARIABLES = {
    "anthropic": "ANTHROPIC_API_KEY",
    "openai": "OPENAI_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "mistral": "MISTRAL_API_KEY",
    "groq": "GROQ_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "xai": "XAI_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
}
"""LiteLLM's provider prefix -> the variable in which its users keep the key."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(slots=True)
class Providers:
    """What came of the entries."""

    resolved: dict[str, ResolvedProvider] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)


def resolve_providers(document: Document, environ: Mapping[str, str], *, keys_needed: bool = True) -> Providers:
    """Resolve every valid entry; a missing key is a problem for the active one and a warning for the others.

    Without ``keys_needed``, where no model will be asked, it is neither.
    """
    found = Providers()
    entries, active = sections.providers(document), sections.raw(document, ("llm", "active"))
    if entries and isinstance(active, str) and active not in entries:
        close = nearest(active, list(entries))
        hint = f"Did you mean `{close}`?" if close else f"Known providers: {', '.join(entries)}."
        found.problems.append(
            document.problem(("llm", "active"), "names no provider", found=describe(active, ""), hint=hint)
        )
    for name, entry in entries.items():
        path = ("llm", "providers", name)
        if entry is None:
            continue
        key = _key(document, path, entry, environ, found, active=name == active, needed=keys_needed)
        _check_address(document, path, entry, found)
        _check_model(document, path, entry, found)
        found.resolved[name] = _resolved(name, entry, key)
    return found


def _resolved(name: str, entry: ProviderConfig, key: Resolved | None) -> ResolvedProvider:
    usable = key is not None and not key.missing and not key.malformed
    return ResolvedProvider(
        name=name,
        model=entry.model,
        api_key=SecretStr(key.text) if key is not None and usable else None,
        api_base=entry.api_base,
        temperature=entry.temperature,
        max_tokens=entry.max_tokens,
        top_p=entry.top_p,
        context_window=entry.context_window,
        input_price=entry.input_price,
        output_price=entry.output_price,
        missing_key_variable=key.missing[0] if key is not None and key.missing else None,
    )


def _key(
    document: Document,
    path: FieldPath,
    entry: ProviderConfig,
    environ: Mapping[str, str],
    found: Providers,
    *,
    active: bool,
    needed: bool,
) -> Resolved | None:
    at = (*path, "api_key")
    if entry.api_key is None:
        _warn_without_key(document, at, entry, found)
        return None
    if not entry.api_key.strip():
        found.problems.append(document.problem(at, "is empty", expected="`env:NAME`, or null where no key is needed"))
        return None
    key = resolve(entry.api_key, environ, whole=True)
    found.secrets |= key.secrets | worth_masking({key.text}) if not key.missing else set()
    if key.malformed:
        found.problems.append(document.problem(at, "names no environment variable", expected="`env:NAME`"))
    elif key.missing:
        where = found.problems if active else found.warnings
        message = f"the environment variable {key.missing[0]} is not set"
        hint = f"Set it (export {key.missing[0]}=...), or choose another provider in llm.active."
        hint = hint if active else "This provider cannot be used until it is set."
        if needed:
            where.append(document.problem(at, message, hint=hint))
    elif key.text == entry.api_key and worth_masking({key.text}) and not _local(entry):
        hint = "Keep the key in an environment variable and write `env:NAME` here."
        found.warnings.append(document.problem(at, "holds the key itself", hint=hint))
    return key


def _warn_without_key(document: Document, at: FieldPath, entry: ProviderConfig, found: Providers) -> None:
    prefix = entry.model.partition("/")[0]
    if prefix not in KEY_VARIABLES:
        return
    if _local(entry):
        hint = 'Write any text, such as "none": the OpenAI protocol always sends a key.'
        found.warnings.append(document.problem(at, f"is null, but `{prefix}/` models need some key", hint=hint))
    else:
        hint = f"Write `env:{KEY_VARIABLES[prefix]}`."
        found.warnings.append(document.problem(at, f"is null, but `{prefix}/` models need a key", hint=hint))


def _local(entry: ProviderConfig) -> bool:
    return (
        entry.api_base is not None
        and address_fault(entry.api_base) is None
        and urlsplit(entry.api_base).hostname in LOOPBACK
    )


def address_fault(address: str) -> str | None:
    """What is wrong with an HTTP address; ``None`` when nothing is."""
    try:
        parts = urlsplit(address)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError as error:
        return str(error)
    if parts.scheme not in ("http", "https"):
        return "does not start with http:// or https://"
    if not parts.hostname or not port_is_fine or any(c.isspace() for c in address):
        return "is no complete address"
    return None


def _check_address(document: Document, path: FieldPath, entry: ProviderConfig, found: Providers) -> None:
    if entry.api_base is None:
        return
    at = (*path, "api_base")
    fault = address_fault(entry.api_base)
    if fault is not None:
        hint = "For example http://127.0.0.1:11434 or https://example.org/v1."
        found.problems.append(document.problem(at, fault, expected="an address, or null", hint=hint))
    elif entry.api_base.startswith("http://") and entry.api_key and not _local(entry):
        found.warnings.append(
            document.problem(at, "sends the key without encryption", hint="Use https:// where you can.")
        )


def _check_model(document: Document, path: FieldPath, entry: ProviderConfig, found: Providers) -> None:
    at = (*path, "model")
    if entry.model != entry.model.strip() or not entry.model.strip("/") or any(c.isspace() for c in entry.model):
        found.problems.append(document.problem(at, "is no model name", expected="`provider/model` without spaces"))
    elif "/" not in entry.model:
        hint = "Write it as `provider/model`, such as `openai/gpt-5`, so that LiteLLM need not guess the provider."
        found.warnings.append(document.problem(at, "does not name the provider", hint=hint))
    elif entry.model.startswith("ollama/"):
        hint = f"Write `ollama_chat/{entry.model.removeprefix('ollama/')}`."
        found.warnings.append(document.problem(at, "uses Ollama's older interface, without tool calls", hint=hint))
