"""Finds the data that is shipped beside the code: themes and the sample configuration.

A wheel holds them as ``mcp_tui/_data/...``; an editable install sees the folders beside the package.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data_dir(name: str, *, package: Path = _PACKAGE) -> Path:
    """The shipped folder ``name``.  Raises `FileNotFoundError` when the installation is incomplete."""
    for candidate in (package / "_data" / name, package.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"the installation lacks its data folder {name!r} (looked beside {package})")


def themes_dir() -> Path:
    """Shipped themes, one YAML file each."""
    return data_dir("themes")


def sample_config_dir() -> Path:
    """``config.yaml``, ``servers_config.json`` and ``permissions.yaml`` as `mcp-tui init` writes them."""
    return data_dir("sample_config")
