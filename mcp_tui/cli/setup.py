"""``mcp-tui init`` and ``mcp-tui check``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from mcp_tui.cli.options import Options
from mcp_tui.cli.standard_output import write
from mcp_tui.config import init as samples
from mcp_tui.config.paths import CONFIG_NAME, SERVERS_NAME, Paths, resolve_paths
from mcp_tui.config.report import check as check_files
from mcp_tui.errors import UsageError
from mcp_tui.ui.keymap import check_keys


def init(options: Options) -> int:
    """Write both sample files and say what was found."""
    paths = _paths(options)
    try:
        report = samples.write_samples(paths.config_file, paths.servers_file, os.environ, force=options.force)
    except OSError as error:
        raise UsageError(f"{error.filename} cannot be written: {error.strerror}.") from None
    _print(report.lines)
    return report.exit_code


def check(options: Options) -> int:
    """Validate the files, start nothing."""
    paths = resolve_paths(os.environ, config=options.config, servers=options.servers)
    report = check_files(
        paths.config_file, paths.servers_file, os.environ, check_keys=check_keys, rules_path=paths.rules_file
    )
    _print(report.lines)
    return report.exit_code


def _paths(options: Options) -> Paths:
    paths = resolve_paths(os.environ)
    if options.directory is None:
        return paths
    directory = Path(options.directory).expanduser().absolute()
    return replace(paths, config_file=directory / CONFIG_NAME, servers_file=directory / SERVERS_NAME)


def _print(lines: Iterable[str]) -> None:
    write("".join(f"{line}\n" for line in lines))
