"""Every export format of every golden log is what it was: a change of a file that people keep is seen.

``MCP_TUI_WRITE_EXPORTS=1`` writes the files anew; look at the difference before it is committed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from mcp_tui import __version__
from mcp_tui.export.exporters import EXPORTERS, SUFFIXES, export
from mcp_tui.history.jsonl import JsonlStore

LOGS = sorted((Path(__file__).parent.parent / "golden").glob("*.jsonl"))
WRITE = bool(os.environ.get("MCP_TUI_WRITE_EXPORTS"))
EXPECTED = Path(__file__).parent / "golden"


@pytest.mark.parametrize("kind", EXPORTERS)
@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
async def test_a_golden_log_is_exported_as_ever(log: Path, kind: str, tmp_path: Path) -> None:
    conversation = json.loads(log.read_text().splitlines()[0])["conversation_id"]
    shutil.copy(log, tmp_path / f"{conversation}.jsonl")
    store = JsonlStore(tmp_path)
    stored, (summary,) = await store.read(conversation), await store.list()
    await store.aclose()
    text = "".join(export(kind, stored.events, summary))
    text = text.replace(f'"app_version": "{__version__}",\n  "masked', '"app_version": "VERSION",\n  "masked')
    text = re.sub(r"<style>.*</style>", "<style></style>", text, flags=re.DOTALL)
    text = re.sub(r"'sha256-[^']*'", "'sha256-'", text)
    file = EXPECTED / f"{log.stem}{SUFFIXES[kind]}"
    if WRITE:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_there_is_a_suffix_for_each_format() -> None:
    assert EXPORTERS.keys() == SUFFIXES.keys()
    assert len(set(SUFFIXES.values())) == len(SUFFIXES)
