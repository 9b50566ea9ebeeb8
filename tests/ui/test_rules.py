"""F7: the rules, what they would have decided, changing them without losing anything, and why a call was decided."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static, TextArea

from mcp_tui.config.rule_models import ArgumentPattern, RuleEntry
from mcp_tui.conversation.calls import CallRecord
from mcp_tui.ui import rule_source
from mcp_tui.ui.app import McpTuiApp
from mcp_tui.ui.screens.rule_editor import RuleEditorScreen
from mcp_tui.ui.screens.rules import RulesScreen
from mcp_tui.ui.widgets import rule_text
from tests.ui.support import AT, Clock, ScriptedEngine, make_app, proposal, status, turn_start, until
from tests.ui.test_app import running, shown, toasts

READ = RuleEntry(
    id="notes-read", effect="allow", server="fs", tool="read_file",
    arguments={"path": ArgumentPattern(path_under="/home/me/notes")}, note="only my notes",
)  # fmt: skip
DENY = RuleEntry(
    id="no-secrets", effect="deny", server="*", tool="*file*", arguments={"path": ArgumentPattern(glob="**/.ssh/**")}
)
ASK = RuleEntry(id="ask-jira", effect="ask", server="jira", project="/home/me/work")


def record(number: int, path: str, **more: Any) -> CallRecord:
    fields: dict[str, Any] = {"decision": "allow", "decided_by": "user", "ran": True, "outcome": "success", **more}
    at = AT - timedelta(minutes=number)
    return CallRecord(f"conversation{number}", f"call{number}", at, "fs", "read_file", {"path": path}, **fields)


def engine() -> ScriptedEngine:
    scripted = ScriptedEngine(servers=(status("fs"), status("jira")))
    scripted.rules.entries = (READ, DENY, ASK)
    tea, key = record(1, "/home/me/notes/tea.txt"), record(2, "/home/me/notes/.ssh/key", decision="deny", ran=False)
    scripted.rules.matches = {"notes-read": (tea, key), "no-secrets": (key,)}
    return scripted


async def opened(app: McpTuiApp, pilot: Any) -> RulesScreen:
    await pilot.press("f7")
    await until(lambda: isinstance(app.screen, RulesScreen) and app.screen.query("#dry-text"), pilot)
    assert isinstance(app.screen, RulesScreen)
    return app.screen


def dry(app: McpTuiApp) -> str:
    return str(app.screen.query_one("#dry-text", Static).content)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_rules_in_words_with_what_they_match(size: tuple[int, int]) -> None:
    async with running(engine(), size=size) as (app, _, pilot):
        await opened(app, pilot)
        await until(lambda: "2 recorded calls match" in dry(app), pilot)
        text = shown(app)
        assert "3 rules" in text
        assert "permissions.yaml" in text
        assert "allow  notes-read" in text
        assert "path under /home/me" in text
        lines = text.splitlines()
        counts = {
            line.split()[1]: line.split()[-1] for line in lines if line.lstrip().startswith(("allow ", "deny ", "ask "))
        }
        assert {name: counts[name] for name in ("notes-read", "no-secrets", "ask-jira")} == {
            "notes-read": "2", "no-secrets": "1", "ask-jira": "0",
        }  # fmt: skip
        assert "only my notes" in dry(app)
        assert "id: notes-read" in dry(app), "as it stands in the file"
        await pilot.press("f7")
        await until(lambda: app.screen is app.chat, pilot)


async def test_the_dry_run_says_how_each_call_would_have_been_decided() -> None:
    async with running(engine()) as (app, _, pilot):
        await opened(app, pilot)
        await until(lambda: "2 recorded calls match" in dry(app), pilot)
        rows = [line for line in dry(app).splitlines() if "fs.read_file" in line and "{" in line]
        assert rows[0].startswith("allowed")
        assert "tea.txt" in rows[0]
        assert "then allowed by you, success" in rows[0]
        assert rows[1].startswith("denied by rule no-secrets"), "a deny of another rule wins"
        assert "then denied by you" in rows[1]
        await pilot.press("down")
        await until(lambda: "1 recorded call matches" in dry(app), pilot)
        await pilot.press("down")
        await until(lambda: "no recorded call matches" in dry(app), pilot)
        assert "only in /home/me/work" in dry(app)


async def test_a_rule_is_edited_and_mistakes_lose_nothing() -> None:
    async with running(engine()) as (app, scripted, pilot):
        await opened(app, pilot)
        await pilot.press("e")
        await until(lambda: isinstance(app.screen, RuleEditorScreen) and app.screen.query(TextArea), pilot)
        area = app.screen.query_one(TextArea)
        assert area.text.startswith("id: notes-read\n")
        wrong = area.text.replace("effect: allow", "effect: maybe").replace("note: only my notes", "note: 5")
        area.load_text(wrong)
        await pilot.press("ctrl+s")
        problems = str(app.screen.query_one("#problems", Static).content)
        assert "effect: " in problems
        assert "note: " in problems
        assert area.text == wrong
        assert scripted.rules.entries[0] == READ
        await pilot.press("ctrl+c")
        assert "Esc again throws away" in str(app.screen.query_one("#problems", Static).content)
        mended = wrong.replace("maybe", "ask").replace("note: 5", "note: only my notes")
        area.load_text(mended.replace("/home", "home"))
        await pilot.press("ctrl+s")
        problems = str(app.screen.query_one("#problems", Static).content)
        assert "arguments.path.path_under: is no absolute path" in problems
        area.load_text(mended)
        await pilot.press("ctrl+s")
        await until(lambda: isinstance(app.screen, RulesScreen), pilot)
        assert scripted.rules.entries[0] == READ.model_copy(update={"effect": "ask"})
        assert "ask    notes-read" in shown(app)


async def test_what_the_file_refuses_stays_in_the_editor() -> None:
    async with running(engine()) as (app, scripted, pilot):
        scripted.rules.refusal = "permissions.yaml cannot be written: No space left on device."
        await opened(app, pilot)
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, RuleEditorScreen) and app.screen.query(TextArea), pilot)
        before = app.screen.query_one(TextArea).text
        await pilot.press("ctrl+s")
        assert "No space left" in str(app.screen.query_one("#problems", Static).content)
        assert app.screen.query_one(TextArea).text == before


async def test_the_persons_editor_can_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "editor.py"
    script.write_text("import sys; p = sys.argv[1]; t = open(p).read(); open(p, 'w').write(t.replace('allow', 'deny'))")
    monkeypatch.setenv("EDITOR", f"{sys.executable} {script}")
    monkeypatch.delenv("VISUAL", raising=False)
    async with running(engine()) as (app, scripted, pilot):
        monkeypatch.setattr(app, "suspend", lambda: app.batch_update())
        await opened(app, pilot)
        await pilot.press("e")
        await until(lambda: isinstance(app.screen, RuleEditorScreen) and app.screen.query(TextArea), pilot)
        await pilot.press("ctrl+g")
        await until(lambda: "effect: deny" in app.screen.query_one(TextArea).text, pilot)
        await pilot.press("ctrl+s")
        await until(lambda: scripted.rules.entries[0].effect == "deny", pilot)


async def test_a_new_rule_is_written_here() -> None:
    async with running() as (app, scripted, pilot):
        await opened(app, pilot)
        assert "No rules: every call asks" in dry(app)
        await pilot.press("n")
        await until(lambda: isinstance(app.screen, RuleEditorScreen) and app.screen.query(TextArea), pilot)
        await pilot.press("ctrl+s")
        await until(lambda: isinstance(app.screen, RulesScreen), pilot)
        assert [entry.id for entry in scripted.rules.entries] == ["new-rule"]


async def test_revoking_asks_first() -> None:
    clock = Clock()
    async with running(engine(), app=make_app(clock=clock)) as (app, scripted, pilot):
        await opened(app, pilot)
        await pilot.press("d")
        await until(lambda: "Revoke rule notes-read?" in shown(app), pilot)
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, RulesScreen), pilot)
        assert len(scripted.rules.entries) == 3
        await pilot.press("delete")
        await until(lambda: "Revoke rule notes-read?" in shown(app), pilot)
        await pilot.pause()
        clock.now += 1
        await pilot.press("r")
        await until(lambda: len(scripted.rules.entries) == 2, pilot)
        await until(lambda: isinstance(app.screen, RulesScreen) and "notes-read" not in shown(app), pilot)


async def test_a_file_that_changed_or_is_broken_is_said() -> None:
    async with running(engine()) as (app, scripted, pilot):
        scripted.rules.stale = True
        await opened(app, pilot)
        await until(lambda: "The file changed on disk. These rules count until r reloads it." in shown(app), pilot)
        await pilot.press("r")
        assert not scripted.rules.stale
        await until(lambda: "changed on disk" not in shown(app), pilot)
        scripted.rules.problem = "permissions.yaml:3: rules: has the wrong kind of value"
        await until(lambda: "The file was set aside, and every call asks" in shown(app), pilot)


async def test_why_the_call_under_the_cursor_was_decided_so() -> None:
    async with running(engine()) as (app, scripted, pilot):
        scripted.rules.reasons = {"c1": "Rule ask-jira asks", "c2": "You decided"}
        scripted.emit(*turn_start(), *proposal("c1", {"issue_id": "A"}), *proposal("c2", {"issue_id": "B"}))
        await until(lambda: len(app.view.calls()) == 2, pilot)
        await opened(app, pilot)
        await pilot.press("w")
        assert "You decided" in dry(app), "the latest where there is no cursor"
        await pilot.press("escape")
        await until(lambda: app.screen is app.chat, pilot)
        app.view.conversation.cursor_key = "c1"
        await opened(app, pilot)
        await pilot.press("w")
        assert "Rule ask-jira asks" in dry(app)
        await pilot.press("w")
        assert "notes-read" in dry(app)


async def test_the_inspector_says_why_too() -> None:
    async with running(engine(), size=(160, 45)) as (app, scripted, pilot):
        scripted.rules.reasons = {"c1": "Rule ask-jira asks"}
        scripted.emit(*turn_start(), *proposal("c1", {"issue_id": "A"}))
        app.open_inspector()
        await until(lambda: app.chat.focused_in("inspector") and app.view.inspector is not None, pilot)
        await pilot.press("5")
        await until(lambda: "Rule ask-jira asks" in shown(app), pilot)


async def test_the_command_and_the_file_path() -> None:
    async with running(engine()) as (app, _, pilot):
        app.submit("/rules")
        await until(lambda: isinstance(app.screen, RulesScreen), pilot)
        assert toasts(app) == []


@pytest.mark.parametrize("entry", [READ, DENY, ASK])
def test_a_rule_survives_being_text(entry: RuleEntry) -> None:
    written = engine().rules.text(entry)
    assert rule_source.parse(rule_source.as_text(written)) == entry


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "id: x\n  bad: [", "[]", "id: x\nid: y\n"])
def test_text_that_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(Exception, match=r"\w") as caught:
        rule_source.parse(text)
    assert type(caught.value).__name__ == "UsageError"


def test_patterns_in_words() -> None:
    patterns = {
        "a": ArgumentPattern(equals="x\u202e"), "b": ArgumentPattern(one_of=[1, True]),
        "c": ArgumentPattern(glob="*.md"),
        "d": ArgumentPattern(host_in=["a.example"]), "e": ArgumentPattern(max=5),
    }  # fmt: skip
    entry = RuleEntry(id="x", effect="deny", server="fs", arguments=patterns)
    words = 'a = "x\\u202e", b is 1 or true, c like *.md, d at a.example, e at most 5'
    assert rule_text.argument_words(entry) == words
