"""Programs that a machine may lack: a test that needs one skips and names it; ``.ci/run`` installs them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent.parent
_EVERYTHING = Path("node_modules/@modelcontextprotocol/server-everything/dist/index.js")


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skip a test when one of ``programs`` is not on ``PATH``."""
    missing = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(bool(missing), reason=f"needs {', '.join(missing)}")


def everything_server() -> list[str]:
    """Command line of ``@modelcontextprotocol/server-everything`` (handshake era, Node); skips without it."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node")
    for folder in (_ROOT / ".cache" / "node", _ROOT):
        if (folder / _EVERYTHING).is_file():
            return [node, str(folder / _EVERYTHING), "stdio"]
    pytest.skip("needs @modelcontextprotocol/server-everything (run .ci/run once)")
