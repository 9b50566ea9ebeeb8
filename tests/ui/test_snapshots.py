"""What the screen looks like, at the sizes it is made for, dark and light."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from mcp_tui.config.rule_models import ArgumentPattern, RuleEntry
from mcp_tui.config.theme_data import DEFAULT_THEME
from mcp_tui.conversation.calls import CallRecord
from mcp_tui.conversation.usage import ContextShare, Totals
from mcp_tui.engine.assessment import Assessment
from mcp_tui.errors import ConfigError
from mcp_tui.events import servers, tools
from mcp_tui.ui.preferences import Preferences
from mcp_tui.ui.widgets.approval import ApprovalCard
from tests.ui.support import (
    AT,
    TOOL,
    Clock,
    ScriptedEngine,
    answer,
    attach,
    finished,
    make_app,
    proposal,
    status,
    turn_start,
    until,
)
from tests.ui.support import McpTuiApp as App

LIGHT = replace(
    DEFAULT_THEME, name="paper", dark=False, primary="#2a5db0", secondary="#5b4fb5", accent="#9a5b13",
    warning="#8a6100", error="#b3261e", success="#2e6b2e", foreground="#1f2328", background="#ffffff",
    surface="#f4f5f7", panel="#e6e8ec", boost="#dcdfe5", code_theme="default",
    variables={
        "muted": "#5a6270", "role-user": "#0f6b66", "role-assistant": "#3a48a8", "role-tool": "#8a4f0d",
        "role-reasoning": "#5a6270", "card-border": "#8a6100", "pane-border": "#c6cad2", "selection": "#cfdcf5",
    },
)  # fmt: skip
SIZES = {"80x24": (80, 24), "120x40": (120, 40), "160x45": (160, 45), "50x14": (50, 14)}


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time is part of a picture."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def engine(**more: Any) -> ScriptedEngine:
    failure = servers.ServerFailure(
        step="spawn", message='role "me" unknown', exit_code=1, suggestion="Create the role."
    )
    more.setdefault("servers", (status("fs", tools=12), status("jira"), status("pg", "failed", failure=failure)))
    return ScriptedEngine(
        title="login-timeouts",
        context=ContextShare(21000, 9100, 128000, False),
        totals=Totals(prompt_tokens=61000, completion_tokens=2000, cost=0.044, model_requests=3),
        **more,
    )


Scene = Callable[[App, ScriptedEngine, Pilot[int]], Awaitable[None]]


def draw(snap_compare: Any, scene: Scene, size: str, *, light: bool = False, on: ScriptedEngine | None = None) -> None:
    """Compare the scene, drawn at ``size``, with its picture."""
    theme = LIGHT if light else DEFAULT_THEME
    app = make_app(Preferences(theme=theme), clock=Clock())
    scripted = on or engine()

    async def before(pilot: Pilot[int]) -> None:
        await until(app.painted.is_set, pilot)
        app.chat.composer.cursor_blink = False
        attach(app, scripted, theme=theme.name, themes=(theme,))
        await until(lambda: scripted.subscriptions, pilot)
        await scene(app, scripted, pilot)
        await pilot.pause(0.2)

    assert snap_compare(app, terminal_size=SIZES[size], run_before=before)


async def talk(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
    """A turn with one finished call and an answer."""
    scripted.emit(
        *turn_start("Which open issues mention the login timeout?"), *proposal("c0", {"issue_id": "PROJ-812"})
    )
    decided = tools.ApprovalDecided(at=AT, turn_id="t1", approval_id="a-c0", call_id="c0", action="allow", by="user")
    scripted.emit(decided, finished("c0", "3 results"))
    text = "Two issues look related: **#812** and **#790**.\n\n```python\nprint('timeout')\n```\n"
    scripted.emit(answer(text, message_id="m2"))
    await until(lambda: app.chat.talking, pilot)


KNOWN = Assessment(4, 1, 0, AT, (), {"notify": "not sent before"}, (), "", guarded=False)


async def card(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
    """Two calls wait; the card has the focus."""
    scripted.busy = True
    scripted.queue = ("also tell me which of them has a linked PR",)
    await talk(app, scripted, pilot)
    comment = "Duplicate of PROJ-812.\nSee the trace below:"
    scripted.assessments.setdefault("c1", KNOWN)
    scripted.emit(*proposal("c1", {"issue_id": "PROJ-790", "comment": comment, "notify": True}))
    scripted.emit(*proposal("c2", {"issue_id": "PROJ-791"}))
    await until(lambda: bool(app.chat.query(ApprovalCard)), pilot)
    shown = app.chat.query_one(ApprovalCard)
    await until(lambda: "approval 1 of 2" in str(shown.border_title) and shown.waking.drawn, pilot)
    await pilot.press("tab")
    await until(lambda: shown.has_focus, pilot)
    app.clock.now += 2  # type: ignore[attr-defined]
    shown.draw_state()


async def everything(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
    """Sidebar, conversation, card, inspector."""
    await card(app, scripted, pilot)
    app.action_inspect()
    await until(lambda: app.view.inspector is not None, pilot)


@pytest.mark.parametrize("light", [False, True], ids=["dark", "light"])
@pytest.mark.parametrize("size", ["80x24", "120x40"])
def test_conversation(snap_compare: Any, size: str, light: bool) -> None:
    draw(snap_compare, talk, size, light=light)


@pytest.mark.parametrize("light", [False, True], ids=["dark", "light"])
@pytest.mark.parametrize("size", ["80x24", "120x40"])
def test_approval_card(snap_compare: Any, size: str, light: bool) -> None:
    draw(snap_compare, card, size, light=light)


def test_approval_card_on_a_tiny_terminal(snap_compare: Any) -> None:
    draw(snap_compare, card, "50x14")


@pytest.mark.parametrize(("size", "light"), [("80x24", True), ("120x40", False)], ids=["light", "dark"])
def test_changed_definition(snap_compare: Any, size: str, light: bool) -> None:
    async def scene(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        before = TOOL.model_copy(update={"description": "Close an issue and tell its watchers.", "digest": "before"})
        scripted.assessments["c1"] = replace(KNOWN, changed=("description",), before=before)
        await card(app, scripted, pilot)
        await pilot.press("f")
        await settled(app, pilot)

    draw(snap_compare, scene, size, light=light)


@pytest.mark.parametrize(("size", "light"), [("80x24", False), ("120x40", True)], ids=["dark", "light"])
def test_long_guarded_call(snap_compare: Any, size: str, light: bool) -> None:
    async def scene(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        arguments = {"path": "/home/me/.config/mcp-tui/permissions.yaml", "content": "\n".join(map(str, range(300)))}
        asked = proposal("c1", arguments)
        reason = "the arguments name a file of mcp-tui itself"
        scripted.busy = True
        scripted.emit(*turn_start(), *asked[:-1], asked[-1].model_copy(update={"guarded": True, "reason": reason}))
        await until(lambda: bool(app.chat.query(ApprovalCard)), pilot)
        await until(lambda: app.chat.query_one(ApprovalCard).waking.drawn, pilot)
        await pilot.press("tab")
        await settled(app, pilot)

    draw(snap_compare, scene, size, light=light)


@pytest.mark.parametrize(("size", "light"), [("80x24", False), ("120x40", True)], ids=["dark", "light"])
def test_page_of_a_rule(snap_compare: Any, size: str, light: bool) -> None:
    async def scene(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        narrow = {"issue_id": ArgumentPattern(glob="PROJ-*"), "notify": ArgumentPattern(equals=True)}
        wide = RuleEntry(id="jira-close-issue", effect="allow", server="jira", tool="close_issue")
        scripted.rules.proposals = (wide.model_copy(update={"id": "jira-close-proj", "arguments": narrow}), wide)
        done = {"ran": True, "outcome": "success", "arguments": {"issue_id": "PROJ-7", "comment": "Done"}}
        refused = {"decision": "deny", "decided_by": "user", "arguments": {"issue_id": "SEC-1"}}
        records = [
            CallRecord("c", str(days), AT - timedelta(days=days), "jira", "close_issue", **more)
            for days, more in enumerate((done, done, refused))
        ]
        scripted.rules.matches = {wide.id: tuple(records)}
        await card(app, scripted, pilot)
        await pilot.press("p")
        await settled(app, pilot)
        await pilot.press("down")
        await settled(app, pilot)

    draw(snap_compare, scene, size, light=light)


async def settled(app: App, pilot: Pilot[int]) -> None:
    """The card stands still, and its keys are awake."""
    shown = app.chat.query_one(ApprovalCard)
    await pilot.pause()
    await until(lambda: shown.waking.drawn, pilot)
    app.clock.now += 2  # type: ignore[attr-defined]
    shown.draw_state()


@pytest.mark.parametrize("light", [False, True], ids=["dark", "light"])
def test_everything_open(snap_compare: Any, light: bool) -> None:
    draw(snap_compare, everything, "160x45", light=light)


@pytest.mark.parametrize("size", ["80x24", "120x40"])
def test_demo_welcome(snap_compare: Any, size: str) -> None:
    async def scene(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        app.view.examples = (
            ("Two tools at once", "What time is it in Tokyo, and what is 12 * 7?"),
            ("Look", "List files"),
        )
        app.view.state_changed()

    draw(snap_compare, scene, size, on=engine(demo=True))


def test_editing_arguments(snap_compare: Any) -> None:
    async def scene(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        await card(app, scripted, pilot)
        scripted.problems = (tools.ArgumentProblem(field="issue_id", message="is required", type="required"),)
        await pilot.press("e", "ctrl+s")
        app.chat.query_one("ArgumentEditor").cursor_blink = False  # type: ignore[attr-defined]

    draw(snap_compare, scene, "80x24")


def test_palette(snap_compare: Any) -> None:
    async def scene(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        await talk(app, scripted, pilot)
        await pilot.press("ctrl+p")
        app.screen.query_one("Input").cursor_blink = False  # type: ignore[attr-defined]

    draw(snap_compare, scene, "80x24")


def test_help(snap_compare: Any) -> None:
    async def scene(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        await card(app, scripted, pilot)
        await pilot.press("f1")

    draw(snap_compare, scene, "120x40")


def test_completions(snap_compare: Any) -> None:
    async def scene(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        await talk(app, scripted, pilot)
        await pilot.press("slash", "c")

    draw(snap_compare, scene, "80x24")


def test_config_error(snap_compare: Any) -> None:
    async def scene(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        problems = (
            "config.yaml:12  llm.providers.work.api_kye: unknown field; did you mean api_key?",
            "config.yaml:31  ui.theme: missing",
        )
        app.show_problem(
            ConfigError("2 problems in the configuration.", problems=problems, hint="Nothing was started.")
        )

    draw(snap_compare, scene, "80x24")


def test_server_details(snap_compare: Any) -> None:
    async def scene(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        scripted.stderr = ('FATAL: role "me" unknown', "exiting")
        app.open_servers()
        await until(lambda: app.chat.focused_in("sidebar"), pilot)
        await pilot.press("end", "enter")

    draw(snap_compare, scene, "120x40")
