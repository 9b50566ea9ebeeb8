"""Servers are accepted on the screen that shows what they would start, and never by accident."""

from __future__ import annotations

import pytest
from textual.widgets import OptionList

from mcp_tui.errors import TrustError
from mcp_tui.events import servers, tools
from mcp_tui.ui.app import McpTuiApp
from mcp_tui.ui.screens.review import ReviewScreen
from mcp_tui.ui.screens.trust import TrustScreen
from mcp_tui.ui.widgets import trust_text
from tests.ui.support import TOOL, Clock, ScriptedEngine, ScriptedTrust, make_app, status, until
from tests.ui.test_app import running, shown, toasts

NEW = servers.TrustRequest(
    server="jira",
    command=("npx", "-y", "@jira/mcp-server", "--projects", "PROJ OPS"),
    program="/usr/bin/npx",
    folder="/home/you/project",
    variables=("JIRA_TOKEN", "JIRA_URL"),
    warnings=("npx without a version: whatever is newest then runs",),
)
CHANGED = servers.TrustRequest(
    server="notes",
    command=("python", "-m", "notes", "--root", "/"),
    program="/usr/bin/python",
    folder="/home/you",
    before=servers.TrustRequest(
        server="notes",
        command=("python", "-m", "notes", "--root", "/home/you/notes"),
        program="/usr/bin/python",
        folder="/home/you",
    ),
    changes=("the command line changed",),
)


def waiting(*requests: servers.TrustRequest) -> ScriptedEngine:
    states = tuple(status(request.server, "untrusted") for request in requests)
    return ScriptedEngine(servers=(status("fs"), *states), trust=ScriptedTrust(waiting=list(requests)))


def made() -> tuple[McpTuiApp, Clock]:
    clock = Clock()
    return make_app(clock=clock), clock


def screen(app: McpTuiApp) -> TrustScreen:
    assert isinstance(app.screen, TrustScreen)
    return app.screen


async def opened(app: McpTuiApp, pilot: object, name: str = "") -> None:
    app.submit(f"/trust {name}".strip())
    await until(lambda: isinstance(app.screen, TrustScreen) and screen(app).waking.drawn, pilot)


async def test_header_status_and_sidebar_say_that_a_server_waits() -> None:
    async with running(waiting(NEW, CHANGED)) as (app, _, pilot):
        await until(lambda: "2 servers to accept: /trust" in app.chat.line("header").plain, pilot)
        assert "~2 to accept" in app.chat.line("status").plain
        text = shown(app)
        assert "~ jira" in text
        assert "waits for you" in text
        assert app.chat.composer.has_focus
        assert app.screen is app.chat, "nothing opens by itself"


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_enter_in_the_sidebar_shows_everything_that_is_accepted(size: tuple[int, int]) -> None:
    app, _ = made()
    async with running(waiting(NEW), app=app, size=size) as (_, _, pilot):
        app.open_servers()
        await until(lambda: app.chat.focused_in("sidebar"), pilot)
        await pilot.press("down", "enter")
        await until(lambda: isinstance(app.screen, TrustScreen) and screen(app).waking.drawn, pilot)
        text = shown(app)
        for words in (
            "npx -y @jira/mcp-server --projects 'PROJ OPS'", "/usr/bin/npx", "/home/you/project",
            "JIRA_TOKEN, JIRA_URL", "! npx without a version", "runs with your rights",
        ):  # fmt: skip
            assert words in text


async def test_only_the_key_accepts_and_only_awake() -> None:
    app, clock = made()
    async with running(waiting(NEW), app=app) as (_, scripted, pilot):
        await opened(app, pilot)
        clock.now += 0.4
        await pilot.press("a")
        assert scripted.trust.accepted == [], "asleep after drawing"
        clock.now += 0.4
        await pilot.press("a")
        assert scripted.trust.accepted == [], "asleep after the last key"
        clock.now += 1
        await pilot.press("enter", "y", "space", "tab")
        assert scripted.trust.accepted == []
        assert isinstance(app.screen, TrustScreen)
        clock.now += 1
        await pilot.press("a")
        assert scripted.trust.accepted == [("jira",)]


async def test_a_refused_acceptance_says_why_on_the_screen() -> None:
    app, clock = made()
    async with running(waiting(NEW), app=app, size=(80, 24)) as (_, scripted, pilot):
        await opened(app, pilot)
        clock.now += 1

        def refuse(*_: object) -> None:
            raise TrustError("It has changed meanwhile.")

        scripted.trust.accept = refuse
        await pilot.press("a")
        await until(lambda: "It has changed meanwhile." in shown(app), pilot)
        assert scripted.trust.accepted == []


async def test_leaving_accepts_nothing() -> None:
    for key in ("escape", "q", "ctrl+c"):
        app, clock = made()
        async with running(waiting(NEW), app=app) as (_, scripted, pilot):
            await opened(app, pilot)
            clock.now += 1
            await pilot.press(key)
            await until(lambda app=app: app.screen is app.chat, pilot)
            assert scripted.trust.accepted == []


async def test_the_tools_that_were_accepted_with_it_are_shown() -> None:
    app, clock = made()
    engine = waiting(NEW)
    engine.offered = ()
    async with running(engine, app=app, size=(80, 24)) as (_, scripted, pilot):
        await opened(app, pilot)
        clock.now += 1
        await pilot.press("a")
        await until(lambda: "jira  is accepted" in shown(app), pilot)
        scripted.servers = (status("fs"), status("jira"))
        scripted.offered = (TOOL,)
        await until(lambda: "1 tool accepted with it" in shown(app) and "close_issue" in shown(app), pilot)
        clock.now += 1
        await pilot.press("a")
        assert scripted.trust.accepted == [("jira",)], "once"


async def test_accepting_is_locked_until_the_end_of_a_long_command_was_shown() -> None:
    app, clock = made()
    long = NEW.model_copy(update={"command": ("sh", "-c", *(f"word-{number}" for number in range(600)), "last-word")})
    async with running(waiting(long), app=app, size=(80, 24)) as (_, scripted, pilot):
        await opened(app, pilot)
        clock.now += 1
        await until(lambda: "locked until you have scrolled to the end" in shown(app), pilot)
        await pilot.press("a")
        assert scripted.trust.accepted == []
        await pilot.press("end")
        await until(lambda: "last-word" in shown(app), pilot)
        clock.now += 1
        await pilot.press("a")
        assert scripted.trust.accepted == [("jira",)]


async def test_what_changes_under_the_eyes_is_not_accepted() -> None:
    app, clock = made()
    async with running(waiting(NEW), app=app) as (_, scripted, pilot):
        await opened(app, pilot)
        clock.now += 1
        scripted.trust.waiting = [NEW.model_copy(update={"command": ("evil",)})]
        await pilot.press("a")
        assert scripted.trust.accepted == []
        await until(lambda: "evil" in shown(app), pilot)
        await pilot.press("a")
        assert scripted.trust.accepted == [], "drawn just now"


async def test_each_server_is_accepted_on_its_own() -> None:
    app, clock = made()
    async with running(waiting(NEW, CHANGED), app=app) as (_, scripted, pilot):
        await opened(app, pilot, "notes")
        clock.now += 1
        assert "was accepted earlier, and differs now" in shown(app)
        await pilot.press("left")
        await until(lambda: "@jira/mcp-server" in shown(app) and screen(app).waking.drawn, pilot)
        await pilot.press("a")
        assert scripted.trust.accepted == []
        clock.now += 1
        await pilot.press("a")
        assert scripted.trust.accepted == [("jira",)]


@pytest.mark.parametrize(("width", "beside"), [(76, False), (116, True)])
def test_old_and_new_command_stand_beside_or_under_each_other(width: int, beside: bool) -> None:
    assert CHANGED.before is not None
    text = trust_text.commands_compared(CHANGED.before.command, CHANGED.command, width).plain
    lines = text.splitlines()
    assert ("- /home/you/notes" if beside else "--root [-/home/you/notes-]") in text
    assert ("+ /" if beside else "--root {+/+}") in text
    assert any("accepted earlier" in line and "now" in line for line in lines) is beside
    assert all(len(line) <= width for line in lines)


def test_the_command_line_hides_nothing() -> None:
    words = ("sh", "-c", "echo ok" + " " * 200 + "; evil", "a\u202eb", "tab\tx", "two\nlines", "")
    text = trust_text.request_text(NEW.model_copy(update={"command": words}), 76).plain
    assert "<200 spaces> ; evil" in text
    assert "a<U+202E>b" in text
    assert "tab<U+0009>x" in text
    assert "two⏎lines" in text
    assert "hidden character" in text


async def test_nothing_waits_is_said() -> None:
    async with running() as (app, _, pilot):
        app.submit("/trust")
        await pilot.pause()
        assert "Nothing waits to be accepted." in toasts(app)
        app.submit("/trust nobody")
        await until(lambda: any("There is no server 'nobody'" in toast for toast in toasts(app)), pilot)


async def test_a_changed_file_is_read_only_when_told() -> None:
    app, clock = made()
    async with running(waiting(NEW), app=app) as (_, scripted, pilot):
        scripted.trust.stale = True
        app.submit("/trust")
        await until(lambda: "Another program changed which servers are trusted" in shown(app), pilot)
        await pilot.press("escape")
        assert scripted.trust.stale
        app.submit("/trust")
        await until(lambda: "Another program changed which servers are trusted" in shown(app), pilot)
        await pilot.pause()
        clock.now += 1
        await pilot.press("r")
        assert not scripted.trust.stale


def held(name: str = "close_issue", digest: str = "d1", reason: str = "changed") -> tools.HeldTool:
    definition = TOOL.model_copy(update={"name": name, "digest": digest})
    return tools.HeldTool(definition=definition, reason=reason, accepted=TOOL if reason == "changed" else None)  # type: ignore[arg-type]


async def test_the_sidebar_counts_held_tools() -> None:
    engine = ScriptedEngine(servers=(status("fs"), status("jira", held=2)), trust=ScriptedTrust(tools=[held()]))
    async with running(engine) as (app, _, pilot):
        await until(lambda: "! jira" in shown(app), pilot)
        assert "2 tools held" in shown(app)
        assert "!2 held" in app.chat.line("status").plain
        app.open_servers()
        await until(lambda: app.chat.focused_in("sidebar"), pilot)
        sidebar = app.view.sidebar
        assert sidebar is not None
        await pilot.press("down")
        assert sidebar.query_one(OptionList).highlighted == 1
        await pilot.press("enter")
        await until(lambda: "close_issue changed: held until you review it" in shown(app), pilot)
        await pilot.press("v")
        await until(lambda: isinstance(app.screen, ReviewScreen), pilot)
        await pilot.press("escape")
        await until(lambda: app.screen is app.chat and app.chat.focused_in("sidebar"), pilot)
        await pilot.press("v")
        await until(lambda: isinstance(app.screen, ReviewScreen), pilot)
