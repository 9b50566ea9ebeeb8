"""The app with a model behind the real model layer: a refused key, an answer that is stopped."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import leftovers
from tests.support.program import KEY, SMALL, Program, hostile_entry
from tests.support.providers import FakeProvider
from tests.support.waiting import wait_until
from tests.terminal import steps

pytestmark = pytest.mark.terminal


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Its workers start as they do for people: their own life is looked at here."""
    return Program(tmp_path)


# An answer must not end as the key begins: what may become a secret is held back until more arrives.
def test_a_refused_key_then_an_answer_that_is_stopped(program: Program, provider: FakeProvider) -> None:
    """The refusal is explained without the key; Esc closes the HTTP connection; the worker ends with the app."""
    body = {"error": {"message": f"Incorrect API key provided: {KEY}", "code": "invalid_api_key"}}
    provider.script(
        {"match": "first", "status": 401, "body": body},
        {"match": "second", "steps": [{"text": "It began"}, {"stall": True}]},
        {"match": "third", "has_result": False, "calls": [["good__echo", {"x": "called"}]]},
        {"match": "third", "has_result": True, "text": "It was **called**.", "usage": [10, 4]},
    )
    program.configure(provider.openai_base, {"good": hostile_entry("ok")})
    with program.app(size=SMALL) as terminal:
        terminal.wait_for("1/1 servers")
        workers = [one for one in terminal.descendants() if "worker" in " ".join(one.cmdline())]
        assert len(workers) == 1
        steps.ask(terminal, "first")
        terminal.wait_for("API key")
        steps.idle(terminal)
        steps.ask(terminal, "second")
        terminal.wait_for("It began")
        terminal.press("esc")
        wait_until(provider.requests[-1].gone.is_set, seconds=5, what="the connection closed")
        steps.idle(terminal)
        assert terminal.shows("It began")
        steps.ask(terminal, "third")
        steps.answer(terminal, "y")
        terminal.wait_for("It was called.")
        steps.idle(terminal)
        steps.quit_idle(terminal)
        assert leftovers.gone(workers[0].pid, seconds=0)
        shown = terminal.raw.decode("utf-8", "replace")
    assert KEY not in shown + program.written()
    assert [event["outcome"] for event in program.stored("turn_finished")] == ["error", "cancelled", "stop"]
