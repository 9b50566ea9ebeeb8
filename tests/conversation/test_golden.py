"""Logs that earlier releases wrote fold for ever: a golden file is never changed, only joined by newer ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mcp_tui.conversation.context import ModelContext
from mcp_tui.engine.bus import Contents
from mcp_tui.engine.recovery import closing_events
from mcp_tui.events.codec import STORED, UnknownEvent, to_object
from mcp_tui.history.jsonl import JsonlStore
from tests.support.laws import facts, folded

GOLDEN = Path(__file__).parent.parent / "golden"
LOGS = sorted(GOLDEN.glob("*.jsonl"))


async def read(log, folder):
    """The events of a golden log, by way of the store, which checks every line."""
    conversation = json.loads(log.read_text().splitlines()[0])["conversation_id"]
    shutil.copy(log, folder / f"{conversation}.jsonl")
    store = JsonlStore(folder)
    stored = await store.read(conversation)
    await store.aclose()
    assert stored.set_aside == ()
    return stored.events


def view(events):
    """What a reader, a model and the status line get of a log."""
    folds = Contents.of(events).folds
    context = ModelContext()
    for event in events:
        context.apply(event)
    built = context.build(system_prompt=None, count=lambda _: 1, budget=None, preserve_recent=0, images=True)
    totals = folds.totals
    return {
        "title": folds.transcript.title,
        "open_turn": folds.transcript.open_turn,
        "items": [[part if isinstance(part, int) else str(part) for part in row] for row in facts(folds.transcript)],
        "messages": [[m.role, m.text, [c.call_id for c in m.tool_calls], len(m.images)] for m in built.messages],
        "totals": [totals.prompt_tokens, totals.completion_tokens, totals.cost, totals.tool_calls],
        "closing": [event.type for event in closing_events(events)],
    }


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
async def test_a_golden_log_reads_as_it_always_did(log, tmp_path):
    events = await read(log, tmp_path)
    assert not [event for event in events if isinstance(event, UnknownEvent)]
    expected = json.loads(log.with_suffix(".json").read_text())
    assert view(events) == expected
    assert facts(folded([*events, *events])) == facts(folded(events))


def within(part, whole):
    """Whether all of ``part`` is in ``whole``, which may have fields of a later release besides, at any depth."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and within(part[key], whole[key]) for key in part)
    if isinstance(part, list):
        return len(part) == len(whole) and all(within(a, b) for a, b in zip(part, whole, strict=True))
    return part == whole


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
async def test_no_field_of_a_golden_log_is_lost(log, tmp_path):
    events = await read(log, tmp_path)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for event, line in zip(events, lines, strict=True):
        line.pop("crc")
        assert within(line, to_object(event))


async def test_every_stored_kind_stands_in_a_golden_log(tmp_path):
    kinds = {type(event) for log in LOGS for event in await read(log, tmp_path)}
    assert kinds == set(STORED)
