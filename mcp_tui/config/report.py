"""``mcp-tui check``: what the files say, in lines; starts nothing and prints nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcp_tui.config.loader import load
from mcp_tui.config.problems import InvalidConfiguration, Problem
from mcp_tui.config.resolved import Loaded, ResolvedServer
from mcp_tui.config.rule_models import ANY
from mcp_tui.config.rules import CheckKeys
from mcp_tui.config.rules_file import RulesFile
from mcp_tui.safety.text import strict


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Outcome of a check; ``exit_code`` is 0 or 2 (usage or configuration)."""

    ok: bool
    lines: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """For the shell."""
        return 0 if self.ok else 2


def check(
    config_path: Path,
    servers_path: Path,
    environ: Mapping[str, str],
    *,
    check_keys: CheckKeys | None = None,
    rules_path: Path | None = None,
) -> CheckReport:
    """Validate both files, and the rules where there are some; say everything that is wrong, or what they amount to."""
    files = [f"configuration  {strict(str(config_path))}", f"servers        {strict(str(servers_path))}", ""]
    rules = RulesFile.load(rules_path)
    if rules_path is not None:
        files.insert(
            2, f"rules          {strict(str(rules_path))}{'' if rules_path.exists() else ' (not there: none)'}"
        )
    try:
        loaded = load(config_path, servers_path, environ, check_keys=check_keys)
        if rules.problems:
            raise InvalidConfiguration(rules.problems, loaded.warnings)
    except InvalidConfiguration as error:
        if rules.problems and error.details != rules.problems:
            error = InvalidConfiguration([*error.details, *rules.problems], error.warnings, error.missing)
        return CheckReport(False, (*files, *error_lines(error)))
    warnings = [*loaded.warnings, *rule_warnings(rules, loaded)]
    return CheckReport(True, (*files, *_warnings(warnings), *_summary(loaded, rules)))


def rule_warnings(rules: RulesFile, loaded: Loaded) -> list[Problem]:
    """Rules that concern nothing as things are: a server that is not configured, a folder that is not there."""
    warnings = []
    for entry in rules.entries:
        if entry.server != ANY and entry.server not in loaded.servers:
            words = f"rule {entry.id} concerns {entry.server}, which is no configured server"
            warnings.append(Problem(rules.path or Path(), words))
        if entry.project is not None and not Path(entry.project).is_dir():
            warnings.append(Problem(rules.path or Path(), f"rule {entry.id}: the folder {entry.project} is not there"))
    return warnings


def error_lines(error: InvalidConfiguration) -> tuple[str, ...]:
    """Every problem, then the warnings, then what to do."""
    return (
        *(problem.render() for problem in error.details),
        "",
        *_warnings(error.warnings),
        error.message,
        *([error.hint] if error.hint else []),
    )


def _warnings(warnings: Sequence[Problem]) -> list[str]:
    return [*(f"warning: {problem.render()}" for problem in warnings), ""] if warnings else []


def _summary(loaded: Loaded, rules: RulesFile) -> list[str]:
    enabled = [name for name, server in loaded.servers.items() if server.enabled]
    providers = ", ".join(strict(name) for name in loaded.providers)
    return [
        f"model      {strict(loaded.active.model)} ({strict(loaded.active.name)}; configured: {providers})",
        f"servers    {len(enabled)} enabled, {len(loaded.servers) - len(enabled)} disabled",
        *(f"  {strict(name)}: {_server(server)}" for name, server in loaded.servers.items()),
        f"rules      {', '.join(_rule_counts(rules)) or 'none: every call asks'}",
        f"theme      {strict(loaded.config.ui.theme)}",
        "",
        "The configuration is valid.",
    ]


def _rule_counts(rules: RulesFile) -> list[str]:
    effects = Counter(entry.effect for entry in rules.entries)
    return [f"{effects[effect]} {effect}" for effect in ("deny", "ask", "allow") if effects[effect]]


def _server(server: ResolvedServer) -> str:
    """How a server is reached, without its arguments and address, which may hold secrets."""
    kind = strict(server.command) if server.command else "remote, not supported yet"
    if server.enabled:
        return kind
    needs = f"; needs {', '.join(server.missing_variables)}" if server.missing_variables else ""
    return f"{kind} (disabled{needs})"
