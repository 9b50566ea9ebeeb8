"""Running recorded calls again from the screen: the inspector, its tab Diff, the conversation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from mcp_tui.conversation.ignoring import Ignoring
from mcp_tui.errors import ConversationNotFound, UsageError
from mcp_tui.events import tools, turns
from mcp_tui.events.base import EventBase
from mcp_tui.events.tools import Difference, RecordedCall
from mcp_tui.ui.app import McpTuiApp
from mcp_tui.ui.screens.edit_call import EditCallScreen
from tests.ui.support import AT, TOOL, ScriptedEngine, answer, finished, proposal, turn_start, until
from tests.ui.test_app import running, shown, toasts
from tests.ui.test_snapshots import draw, engine, utc

__all__ = ["utc"]

DIFFERENCES = (
    Difference(path="definition.description", kind="changed", before='"Close an issue."', after='"Close it for good"'),
    Difference(path="structuredContent.issues[2]", kind="added", after='{"id": "PROJ-850", "state": "open"}'),
    Difference(path="structuredContent.issues[0].votes", kind="changed", before="3", after="5"),
    Difference(path="content[0].text:4", kind="removed", before="  trailing  \nand a second line", after=""),
)


class RerunEngine(ScriptedEngine):
    """Notes what is to be run again."""

    gone = False
    """Whether other conversations than the open one are deleted."""

    def rerun(self, call_id: str, arguments: dict[str, Any] | None = None) -> str:
        self.calls.append(("rerun", call_id, arguments))
        return "new"

    async def verify(self, conversation_id: str, ignoring: Ignoring) -> Any:
        self.calls.append(("verify", conversation_id, *(rule.words for rule in ignoring.rules)))
        if self.gone and conversation_id != self.conversation_id:
            raise ConversationNotFound(conversation_id)
        raise UsageError("There is nothing to verify.")


def recorded() -> list[EventBase]:
    """A turn with a call that ran."""
    arguments = {"issue_id": "PROJ-812", "notify": False}
    offered, proposed, asked = proposal("c0", arguments)
    decided = tools.ApprovalDecided(at=AT, turn_id="t1", approval_id="a-c0", call_id="c0", action="allow", by="user")
    started = tools.ToolCallStarted(
        at=AT, turn_id="t1", call_id="c0", server=TOOL.server, name=TOOL.name, arguments=arguments
    )
    return [
        *turn_start("Close the duplicate."), offered, proposed, asked, decided, started, finished("c0", "closed"),
        answer("Done."), turns.TurnFinished(at=AT, turn_id="t1", outcome="stop"),
    ]  # fmt: skip


def again(*differences: Difference, call_id: str = "c1", ran: bool = True, same: bool = False) -> list[EventBase]:
    """The same call, run again."""
    later = AT + timedelta(hours=1)
    _, proposed, _ = proposal(call_id, {"issue_id": "PROJ-812", "notify": False}, turn="t2")
    recorded_call = RecordedCall(conversation_id="", call_id="c0")
    events: list[EventBase] = [
        turns.TurnStarted(at=later, turn_id="t2", request_id=call_id),
        proposed.model_copy(update={"rerun_of": recorded_call, "at": later, "message_id": ""}),
    ]
    if ran:
        started = {"server": TOOL.server, "name": TOOL.name, "arguments": {"issue_id": "PROJ-812"}}
        events.append(tools.ToolCallStarted(at=later, turn_id="t2", call_id=call_id, **started))
    end = finished(call_id, "closed again", turn="t2", **({} if ran else {"outcome": "denied"}))
    compared = tools.ToolCallCompared(
        at=later, turn_id="t2", call_id=call_id, recorded=recorded_call, same=same, differences=differences
    )
    without_model = end.model_copy(update={"model_text": "", "model_tokens": 0})
    return [*events, without_model, compared, turns.TurnFinished(at=later, turn_id="t2", outcome="stop")]


async def inspecting(app: McpTuiApp, scripted: ScriptedEngine, pilot: Pilot[int], *events: EventBase) -> None:
    """The inspector has the focus."""
    scripted.emit(*recorded(), *events)
    await until(lambda: app.chat.talking, pilot)
    app.open_inspector()
    await until(lambda: app.view.inspector is not None and app.focused_pane() == "inspector", pilot)
    await pilot.pause()


async def test_r_runs_the_inspected_call_again() -> None:
    scripted = RerunEngine()
    async with running(scripted) as (app, _, pilot):
        await inspecting(app, scripted, pilot)
        await pilot.press("r")
        await until(lambda: scripted.calls, pilot)
        assert scripted.calls == [("rerun", "c0", None)]
        scripted.emit(*again(*DIFFERENCES))
        await until(lambda: "re-run of #2: 4 differences" in shown(app), pilot)
        assert "- recorded   + today" in shown(app)
        assert '+ {"id": "PROJ-850"' in shown(app)
        assert "trailing··" in shown(app)


async def test_e_edits_the_arguments_first() -> None:
    scripted = RerunEngine()
    async with running(scripted) as (app, _, pilot):
        await inspecting(app, scripted, pilot)
        await pilot.press("e")
        await until(lambda: isinstance(app.screen, EditCallScreen), pilot)
        await pilot.press("f8", *"{", "ctrl+s")
        await until(lambda: "Line 1" in shown(app), pilot)
        scripted.problems = (tools.ArgumentProblem(field="issue_id", message="is required", type="required"),)
        await pilot.press("f8", *"{}", "ctrl+s")
        await until(lambda: "issue_id: is required" in shown(app), pilot)
        await pilot.press("escape")
        assert isinstance(app.screen, EditCallScreen)
        scripted.problems = ()
        await pilot.press("ctrl+s")
        await until(lambda: not isinstance(app.screen, EditCallScreen), pilot)
        assert scripted.calls[-1] == ("rerun", "c0", {})


async def test_leaving_the_editor_runs_nothing() -> None:
    scripted = RerunEngine()
    async with running(scripted) as (app, _, pilot):
        await inspecting(app, scripted, pilot)
        await pilot.press("e")
        await until(lambda: isinstance(app.screen, EditCallScreen), pilot)
        await pilot.press("escape")
        await until(lambda: not isinstance(app.screen, EditCallScreen), pilot)
        assert scripted.calls == []


async def test_d_compares_with_the_call_of_this_tool_before() -> None:
    scripted = RerunEngine()
    async with running(scripted) as (app, _, pilot):
        await inspecting(app, scripted, pilot, *again(same=True))
        await until(lambda: "re-run of #2: same result" in shown(app), pilot)
        await pilot.press("d")
        await until(lambda: "beside #2" in shown(app) and "+ closed again" in shown(app), pilot)
        await pilot.press("d")
        await until(lambda: "beside #2" not in shown(app), pilot)
        await pilot.press("p", "6")
        await until(lambda: "the first call of jira.close_issue" in shown(app), pilot)


async def test_commands_and_what_cannot_be() -> None:
    scripted = RerunEngine()
    async with running(scripted) as (app, _, pilot):
        app.submit("/rerun")
        await until(lambda: any("no tool call to run again" in toast for toast in toasts(app)), pilot)
        app.submit("/verify")
        await until(lambda: any("Nothing has happened" in toast for toast in toasts(app)), pilot)
        scripted.emit(*recorded())
        await until(lambda: app.chat.talking, pilot)
        app.submit("/rerun")
        await until(lambda: scripted.calls == [("rerun", "c0", None)], pilot)
        app.submit("/verify")
        await until(lambda: ("verify", scripted.conversation_id) in scripted.calls, pilot)
        await until(lambda: any("nothing to verify" in toast for toast in toasts(app)), pilot)
        assert not app.submit("/verify content[0].text content[x]")
        await until(lambda: any("at character 9, 'x]'" in toast for toast in toasts(app)), pilot)
        app.submit("""/verify 's.t:structuredContent["odd key"]' content[0].text '/\\d+ s/'""")
        rules = ('s.t:structuredContent["odd key"]', "content[0].text", "/\\d+ s/")
        await until(lambda: ("verify", scripted.conversation_id, *rules) in scripted.calls, pilot)
        assert not app.submit("/verify '/don't/'")
        await until(lambda: any("no counterpart" in toast for toast in toasts(app)), pilot)


async def test_in_a_verification_its_original_is_verified_again() -> None:
    """What the servers answer today must not become what they are held to; a deleted original leaves nothing else."""
    scripted = RerunEngine()
    origin = turns.Origin(kind="verification", conversation_id="original", title="jira")
    created = turns.ConversationCreated(conversation_id=scripted.conversation_id, app_version="0", origin=origin)
    async with running(scripted) as (app, _, pilot):
        scripted.emit(created, *recorded(), *again(same=True))
        await until(lambda: app.chat.talking, pilot)
        app.submit("/verify content[0]")
        await until(lambda: scripted.calls == [("verify", "original", "content[0]")], pilot)
        scripted.calls.clear()
        scripted.gone = True
        app.submit("/verify")
        here = scripted.conversation_id
        await until(lambda: scripted.calls == [("verify", "original"), ("verify", here)], pilot)


EACH = [
    pytest.param(size, light, id=f"{size}-{'light' if light else 'dark'}")
    for size in ("80x24", "120x40")
    for light in (False, True)
]


@pytest.mark.parametrize(("size", "light"), EACH)
def test_picture_of_the_differences(snap_compare: Any, size: str, light: bool) -> None:
    async def scene(app: McpTuiApp, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        await inspecting(app, scripted, pilot, *again(*DIFFERENCES))

    draw(snap_compare, scene, size, light=light)


def test_picture_of_a_verification(snap_compare: Any) -> None:
    async def scene(app: McpTuiApp, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        origin = turns.Origin(kind="verification", conversation_id="x", title="login-timeouts")
        scripted.emit(turns.ConversationCreated(at=AT, app_version="1", origin=origin))
        scripted.emit(tools.ToolsOffered(at=AT, turn_id="t2", tools=(TOOL,)))
        events = [*again(same=True), *again(*DIFFERENCES[:3], call_id="c2"), *again(call_id="c3", ran=False)]
        only = RecordedCall(conversation_id="x", call_id="c0")
        kept = [event for event in events if not isinstance(event, turns.TurnStarted | turns.TurnFinished)]
        begin, end = events[0], events[-1]
        for event in (begin, *kept, end):
            scripted.emit(event.model_copy(update={"rerun_of": only}) if hasattr(event, "rerun_of") else event)
        await until(lambda: app.chat.talking, pilot)

    draw(snap_compare, scene, "80x24", on=engine())


@pytest.mark.parametrize("size", ["80x24", "120x40"])
def test_picture_of_what_was_ignored(snap_compare: Any, size: str) -> None:
    ignored = (
        tools.Ignored(rule="structuredContent.time", places=1),
        tools.Ignored(rule=r"/\d\d:\d\d/", places=2),
        tools.Ignored(rule="content[9]"),
        tools.Ignored(rule="/(a|aa)+$/", gave_up=True),
    )

    async def scene(app: McpTuiApp, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        events = [
            event.model_copy(update={"ignored": ignored}) if isinstance(event, tools.ToolCallCompared) else event
            for event in again(DIFFERENCES[0])
        ]
        await inspecting(app, scripted, pilot, *events)

    draw(snap_compare, scene, size)
