"""Both configuration files as one: all problems at once, or everything resolved (requirements B1-B3)."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from mcp_tui.config.json_source import parse_json
from mcp_tui.config.models import Config, ToolsConfig
from mcp_tui.config.problems import InvalidConfiguration, Problem
from mcp_tui.config.providers import Providers, resolve_providers
from mcp_tui.config.resolved import Loaded
from mcp_tui.config.rules import TOOLS, CheckKeys, check_rules
from mcp_tui.config.sections import section
from mcp_tui.config.server_entries import TOP, Servers, resolve_servers
from mcp_tui.config.source import Document, Unreadable, read_text
from mcp_tui.config.themes import load_themes
from mcp_tui.config.validate import validate
from mcp_tui.config.yaml_source import parse_yaml
from mcp_tui.safety.secrets import MIN_LENGTH


def load(
    config_path: Path,
    servers_path: Path,
    environ: Mapping[str, str],
    *,
    check_keys: CheckKeys | None = None,
    keys_needed: bool = True,
) -> Loaded:
    """Read, validate and resolve ``config.yaml``, ``servers_config.json`` and the themes beside the former.

    Starts nothing, writes nothing and reads no other file.  Without ``keys_needed`` no model will be asked, and the
    key of none has to be there.  Raises `InvalidConfiguration`, a `ConfigError`, with every problem of both files.
    """
    document, problems = _parse(config_path, parse_yaml)
    servers_document, servers_problems = _parse(servers_path, parse_json)
    themes, theme_problems = load_themes(config_path.parent / "themes")
    config, providers, servers = None, Providers(), Servers()
    if document is not None:
        config, found = _config(document)
        providers = resolve_providers(document, environ, keys_needed=keys_needed)
        problems += [*found, *providers.problems, *check_rules(document, set(themes), check_keys)]
    if servers_document is not None:
        tools = section(document, TOOLS, ToolsConfig) if document is not None else None
        servers = resolve_servers(servers_document, tools, environ)
        servers.warnings += _absent(servers_document, servers, environ)
        servers_problems += servers.problems
    warnings = [*providers.warnings, *theme_problems, *_in_order(servers.warnings)]
    warnings += [*_exposed(document, providers.secrets), *_exposed(servers_document, servers.secrets)]
    warnings += [*_too_short(document, providers.secrets), *_too_short(servers_document, servers.secrets)]
    if problems or servers_problems or config is None:
        missing = [path for path in (config_path, servers_path) if not path.exists()]
        raise InvalidConfiguration([*_in_order(problems), *_in_order(servers_problems)], warnings, missing)
    return Loaded(
        config=config,
        servers=servers.resolved,
        providers=providers.resolved,
        themes=themes,
        warnings=tuple(warnings),
        secrets=frozenset(providers.secrets | servers.secrets),
        config_path=config_path,
        servers_path=servers_path,
    )


def _parse(path: Path, parse: Callable[[Path, str], Document]) -> tuple[Document | None, list[Problem]]:
    try:
        document = parse(path, read_text(path))
    except Unreadable as error:
        return None, [error.problem]
    return document, list(document.problems)


def _config(document: Document) -> tuple[Config | None, list[Problem]]:
    if not isinstance(document.data, dict):
        message = "is empty" if document.data is None else "has the wrong kind of value"
        hint = "`mcp-tui init` writes a complete file."
        expected = f"a mapping with {', '.join(Config.model_fields)}"
        return None, [Problem(document.file, message, 1, 1, expected=expected, hint=hint)]
    return validate(document, document.data, Config)


def _in_order(problems: list[Problem]) -> list[Problem]:
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.line or 0, problem.column or 0))


def _absent(document: Document, servers: Servers, environ: Mapping[str, str]) -> list[Problem]:
    """Warnings about enabled servers whose program or working directory is not there."""
    warnings = []
    for name, server in servers.resolved.items():
        if not server.enabled or server.missing_variables:
            continue
        if server.command and not _is_program(server.command, environ):
            hint = "Install it, or write its whole path."
            warnings.append(document.problem((TOP, name, "command"), "the program was not found", hint=hint))
        if server.cwd is not None and not Path(server.cwd).is_dir():
            warnings.append(document.problem((TOP, name, "cwd"), "is no directory"))
    return warnings


def _is_program(command: str, environ: Mapping[str, str]) -> bool:
    """Whether a command can be found; a relative path depends on the server's directory and is not judged."""
    if os.sep in command and not Path(command).is_absolute():
        return True
    return shutil.which(command, path=environ.get("PATH")) is not None


def _too_short(document: Document | None, secrets: set[str]) -> list[Problem]:
    """A warning about secrets that cannot be told from ordinary words and so are not masked."""
    if document is None or not any(0 < len(secret) < MIN_LENGTH for secret in secrets):
        return []
    hint = f"Only secrets of {MIN_LENGTH} or more characters are masked on the screen, in logs and in the history."
    return [Problem(document.file, "holds or names a secret that is too short to be masked", 1, 1, hint=hint)]


def _exposed(document: Document | None, secrets: set[str]) -> list[Problem]:
    """A warning about a file that holds a secret itself and that others may read."""
    if document is None or os.name != "posix" or not document.file.stat().st_mode & 0o077:
        return []
    if not any(secret in document.text for secret in secrets):
        return []
    hint = f"Run: chmod 600 {shlex.quote(str(document.file))}"
    return [Problem(document.file, "holds a secret and can be read by other users of this machine", hint=hint)]
