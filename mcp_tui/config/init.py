"""``mcp-tui init``: the files of the shipped sample, fitted to what this machine has (requirement B5).

Prints nothing; the report holds the lines to show.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mcp_tui import resources
from mcp_tui.config.json_source import parse_json
from mcp_tui.config.local_servers import LocalServer, find_local_servers
from mcp_tui.config.paths import RULES_NAME
from mcp_tui.config.private_files import make_private_dirs, replace_keeping_old, write_new
from mcp_tui.config.providers import KEY_VARIABLES
from mcp_tui.config.report import check
from mcp_tui.config.sample import Choice, fit_config, fit_servers, sample_providers
from mcp_tui.safety.text import strict

MODELS = {
    "anthropic": "anthropic/claude-sonnet-4-5",
    "openai": "openai/gpt-5",
    "gemini": "gemini/gemini-2.5-pro",
    "mistral": "mistral/mistral-large-latest",
    "groq": "groq/openai/gpt-oss-120b",
    "deepseek": "deepseek/deepseek-chat",
    "xai": "xai/grok-4.5",
    "openrouter": "openrouter/anthropic/claude-sonnet-4.5",
}
"""A model that handles tools well, for each provider whose key can be found."""


@dataclass(frozen=True, slots=True)
class InitReport:
    """What was done; ``exit_code`` is 0 when both files are in place and valid or only a key is wanting, else 2."""

    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    """Files that were there already and were left alone."""
    lines: tuple[str, ...]
    exit_code: int


def write_samples(
    config_path: Path,
    servers_path: Path,
    environ: Mapping[str, str],
    *,
    force: bool = False,
    probe: Callable[[], tuple[LocalServer, ...]] = find_local_servers,
) -> InitReport:
    """Write the files, each unless it is there already; ``force`` replaces it and keeps the old one as ``.bak``.

    Only ``permissions.yaml`` is never replaced: a fresh configuration takes back nothing that was denied.

    Looks for keys in ``environ`` (their names, never their values, are said) and for model servers on this machine
    (``probe``, under a second).  Raises nothing for what the disk refuses: the report says it.
    """
    local = probe()
    choices = [*_with_key(environ), *_on_this_machine(local)]
    servers_text, absent = _servers(environ)
    texts = {
        config_path: fit_config((resources.sample_config_dir() / "config.yaml").read_text("utf-8"), choices),
        servers_path: servers_text,
        config_path.parent / RULES_NAME: (resources.sample_config_dir() / RULES_NAME).read_text("utf-8"),
    }
    lines = [*_found(environ, local), *absent, ""]
    written, kept, failed = [], [], False
    for path, text in texts.items():
        try:
            lines.append(_write(path, text, force and path.name != RULES_NAME))
            written.append(path)
        except FileExistsError:
            replaced = "--force leaves rules alone" if path.name == RULES_NAME else "--force replaces it"
            lines.append(f"kept     {strict(str(path))} (it was there already; {replaced})")
            kept.append(path)
        except OSError as error:
            lines.append(f"failed   {strict(str(path))}: {error.strerror}")
            failed = True
    if not failed:
        lines += ["", *_next_step(config_path, servers_path, environ, choices)]
    return InitReport(tuple(written), tuple(kept), tuple(lines), 2 if failed or not written else 0)


def _write(path: Path, text: str, force: bool) -> str:
    make_private_dirs(path.parent)
    if not force:
        write_new(path, text)
        return f"wrote    {strict(str(path))}"
    old = replace_keeping_old(path, text)
    return f"wrote    {strict(str(path))}" + (f" (the old one is {strict(old.name)})" if old is not None else "")


def _with_key(environ: Mapping[str, str]) -> list[Choice]:
    """One choice for each key in the environment, those in the sample first."""
    known = sample_providers()
    present = [name for name, variable in KEY_VARIABLES.items() if environ.get(variable)]
    ordered = [*(name for name in present if name in known), *(name for name in present if name not in known)]
    return [Choice(name, MODELS[name], f"env:{KEY_VARIABLES[name]}", None) for name in ordered]


def _on_this_machine(local: tuple[LocalServer, ...]) -> list[Choice]:
    """One choice for each server on this machine that has a model: its first."""
    return [
        Choice(
            server.candidate.name,
            f"{server.candidate.prefix}/{server.chat_models[0]}",
            server.candidate.api_key,
            server.candidate.api_base,
        )
        for server in local
        if server.chat_models
    ]


def _found(environ: Mapping[str, str], local: tuple[LocalServer, ...]) -> list[str]:
    """What is there: variables by name, servers with their models."""
    keys = [variable for variable in KEY_VARIABLES.values() if environ.get(variable)]
    lines = [f"keys     {', '.join(keys) or 'none is set of ' + ', '.join(KEY_VARIABLES.values())}"]
    for server in local:
        shown = ", ".join(strict(model) for model in server.models[:6]) or "no model yet"
        more = f" and {len(server.models) - 6} more" if len(server.models) > 6 else ""
        lines.append(f"local    {server.candidate.title} at {server.candidate.api_base}: {shown}{more}")
    return lines if local else [*lines, "local    no model server answers on this machine"]


def _servers(environ: Mapping[str, str]) -> tuple[str, list[str]]:
    """The sample, with servers switched off whose program is not on ``PATH``, and lines that say so."""
    file = resources.sample_config_dir() / "servers_config.json"
    text = file.read_text("utf-8")
    entries = parse_json(file, text).data["mcpServers"]
    absent = {
        name: entry["command"]
        for name, entry in entries.items()
        if entry.get("enabled") and shutil.which(entry["command"], path=environ.get("PATH")) is None
    }
    lines = [
        f"servers  {name} is switched off: its program {program} was not found" for name, program in absent.items()
    ]
    return fit_servers(text, list(absent)), lines


def _next_step(config_path: Path, servers_path: Path, environ: Mapping[str, str], choices: list[Choice]) -> list[str]:
    """Whether the files in place are valid, and what to do."""
    report = check(config_path, servers_path, environ)
    if report.ok:
        return ["The configuration is valid: `mcp-tui` starts it, `mcp-tui check` looks at it again."]
    if not choices:
        return [
            "No key and no local model was found.  Set a key and check again, for example:",
            f"    export {KEY_VARIABLES['openai']}=...",
            "    mcp-tui check",
            "or start a model server on this machine and run `mcp-tui init --force`.  `mcp-tui demo` needs neither.",
        ]
    return ["`mcp-tui check` says what is still to be done."]
