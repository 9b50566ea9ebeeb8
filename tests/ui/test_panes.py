"""Inspector and server sidebar."""

from __future__ import annotations

import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from textual.content import Content
from textual.geometry import Region
from textual.widgets import OptionList, Static

from mcp_tui.conversation.items import ToolCallItem
from mcp_tui.conversation.usage import ContextShare, Totals
from mcp_tui.events import content, servers, tools
from mcp_tui.events.base import ErrorInfo
from mcp_tui.ui.app import McpTuiApp
from mcp_tui.ui.screens.server_details import ServerDetailsScreen
from mcp_tui.ui.widgets.call_facets import FACETS, Facet
from mcp_tui.ui.widgets.facet_search import FacetPlace, first_place
from mcp_tui.ui.widgets.facet_tabs import TITLES, tab_line
from mcp_tui.ui.widgets.find_text import Wanted
from mcp_tui.ui.widgets.inspector import Inspector
from tests.ui.support import AT, ScriptedEngine, finished, proposal, status, turn_start, until
from tests.ui.test_app import running, shown, toasts


def facet(inspector: Inspector) -> str:
    return str(inspector.query_one("#facet", Static).content)


async def test_inspector_shows_each_side_of_a_call(tmp_path: Path) -> None:
    async with running(size=(160, 45), data_dir=tmp_path) as (app, engine, pilot):
        wire = (tools.WireMessage(direction="sent", at=AT, message={"method": "tools/call", "id": 31}),)
        engine.emit(*turn_start(), *proposal("c1", {"issue_id": "PROJ-790"}))
        engine.emit(finished("c1", '{"closed": true}', wire=wire))
        await pilot.press("f3")
        await until(lambda: app.view.inspector is not None and app.view.inspector.item is not None, pilot)
        inspector = app.view.inspector
        assert inspector is not None
        await until(lambda: '"closed": true' in facet(inspector), pilot)
        await pilot.press("f3")
        await until(lambda: app.chat.focused_in("inspector"), pilot)
        for key, expected in (
            ("1", '"issue_id": "PROJ-790"'),
            ("3", '"method": "tools/call"'),
            ("4", "claimed by the server, unverified"),
            ("5", "approval      4.10s"),
            ("left", "input schema"),
        ):
            await pilot.press(key)
            assert expected in facet(inspector), key
        await pilot.press("2", "y")
        assert app.clipboard == '{"closed": true}'
        await pilot.press("w")
        await until(lambda: any("Written to" in toast for toast in toasts(app)), pilot)
        [saved] = (tmp_path / "saved").iterdir()
        assert saved.read_text() == '{"closed": true}'
        assert stat.S_IMODE(saved.stat().st_mode) == 0o600


async def test_where_nothing_is_there_nothing_is_copied_or_written(tmp_path: Path) -> None:
    async with running(size=(160, 45), data_dir=tmp_path) as (app, engine, pilot):
        engine.emit(*turn_start(), *proposal("c1", {"issue_id": "PROJ-790"}))
        await until(lambda: bool(app.view.calls()), pilot)
        app.open_inspector()
        await until(lambda: app.chat.focused_in("inspector"), pilot)
        app.copy_to_clipboard("kept")
        for tab in ("2", "3"):
            await pilot.press(tab, "y", "w")
        await until(lambda: len(toasts(app)) == 4, pilot)
        assert set(toasts(app)) == {"There is nothing to copy here.", "There is nothing to write here."}
        assert app.clipboard == "kept"
        assert not (tmp_path / "saved").exists()


async def test_case_088_sixteen_megabytes_do_not_freeze_the_screen(tmp_path: Path) -> None:
    big = "é" * 16_000_000
    async with running(size=(160, 45), data_dir=tmp_path) as (app, engine, pilot):
        engine.emit(*turn_start(), *proposal("c1", {"a": 1}))
        structured = {"rows": [{"number": number, "text": "x" * 1000} for number in range(3000)]}
        engine.emit(finished("c1", big, structured_content=structured))
        await until(lambda: any(call.finished for call in app.view.calls()), pilot)
        started = time.monotonic()
        app.open_inspector()
        await until(lambda: app.view.inspector is not None and "y copies, w writes" in facet(app.view.inspector), pilot)
        assert time.monotonic() - started < 5
        inspector = app.view.inspector
        assert inspector is not None
        await pilot.press("y")
        assert app.clipboard == big


async def test_errors_images_and_hidden_characters_in_results() -> None:
    async with running(size=(160, 45)) as (app, engine, pilot):
        engine.emit(*turn_start(), *proposal("c1", {"a": "\u202e"}))
        blocks = (
            content.ImageContent(data="AAAA" * 100, mime_type="image/[x]"),
            content.ResourceLink(uri="file:///\u200bx", name="n"),
        )
        end = finished("c1", outcome="error", error=ErrorInfo(kind="tool", message="no such [issue]", hint="look"))
        engine.emit(end.model_copy(update={"content": blocks}))
        app.open_inspector()
        await until(lambda: app.view.inspector is not None and "no such [issue]" in facet(app.view.inspector), pilot)
        inspector = app.view.inspector
        assert inspector is not None
        text = facet(inspector)
        assert "[image image/[x], 300 B]" in text
        assert "<U+200B>" in text
        await pilot.press("1")
        assert "<U+202E>" in facet(inspector)


async def test_inspector_follows_the_latest_call_until_another_is_chosen() -> None:
    async with running(size=(160, 45)) as (app, engine, pilot):
        engine.emit(*turn_start(), *proposal("c1", {"n": 1}))
        app.open_inspector()
        await until(lambda: app.view.inspector is not None and '"n": 1' in facet(app.view.inspector), pilot)
        inspector = app.view.inspector
        assert inspector is not None
        engine.emit(*proposal("c2", {"n": 2}))
        await until(lambda: '"n": 2' in facet(inspector), pilot)
        await until(lambda: app.chat.focused_in("inspector"), pilot)
        await pilot.press("p")
        assert '"n": 1' in facet(inspector)
        engine.emit(*proposal("c3", {"n": 3}))
        await until(lambda: len(app.view.calls()) == 3, pilot)
        await pilot.pause(0.1)
        assert '"n": 1' in facet(inspector)


async def test_inspector_turns_to_the_result_unless_a_tab_was_chosen() -> None:
    async with running(size=(160, 45)) as (app, engine, pilot):
        engine.emit(*turn_start(), *proposal("c1", {"n": 1}))
        app.open_inspector()
        await until(lambda: app.view.inspector is not None and '"n": 1' in facet(app.view.inspector), pilot)
        inspector = app.view.inspector
        assert inspector is not None
        engine.emit(finished("c1", "the outcome"))
        await until(lambda: "the outcome" in facet(inspector), pilot)
        await until(lambda: app.chat.focused_in("inspector"), pilot)
        await pilot.press("1")
        engine.emit(*proposal("c2", {"n": 2}), finished("c2", "another"))
        await until(lambda: '"n": 2' in facet(inspector), pilot)


async def test_sidebar_says_why_and_when_again() -> None:
    failure = servers.ServerFailure(
        step="spawn", message='role "me" unknown', exit_code=1, suggestion="Create the role.", stderr=("fatal",)
    )
    engine = ScriptedEngine(
        servers=(
            status("fs", warnings=("prints [text] that is no protocol message",)),
            status("pg", "failed", failure=failure, retry_at=datetime.now(UTC) + timedelta(seconds=30)),
            status("off", "stopped", enabled=False),
        ),
        stderr=("line [one]", "\x1b[31mred"),
    )
    async with running(engine, size=(120, 40)) as (app, _, pilot):
        await until(lambda: 'role "me" unknown' in shown(app), pilot)
        text = shown(app)
        assert "! fs" in text
        assert "x pg" in text
        assert "- off" in text
        assert "again in" in text
        app.open_servers()
        await until(lambda: app.chat.focused_in("sidebar"), pilot)
        await pilot.press("down", "enter")
        await until(lambda: isinstance(app.screen, ServerDetailsScreen), pilot)
        await until(lambda: "exit status 1" in shown(app), pilot)
        assert "line [one]" in shown(app)
        assert "<U+001B>[31mred" in shown(app)
        await pilot.press("R")
        await until(lambda: engine.calls == [("restart", "pg")], pilot)
        await pilot.press("escape")
        await until(lambda: app.screen is app.chat, pilot)
        await pilot.press("space", "r")
        await until(lambda: engine.calls[1:] == [("enable", "pg", False), ("restart", "pg")], pilot)


async def test_sidebar_keeps_its_cursor_while_states_change() -> None:
    engine = ScriptedEngine(servers=(status("a"), status("b")))
    async with running(engine, size=(120, 40)) as (app, _, pilot):
        app.open_servers()
        await until(lambda: app.chat.focused_in("sidebar"), pilot)
        await pilot.press("down")
        engine.servers = (status("a"), status("b", "starting"))
        engine.emit(servers.ServerStateChanged(status=engine.servers[1]))
        await until(lambda: "~ b" in shown(app), pilot)
        sidebar = app.view.sidebar
        assert sidebar is not None
        assert sidebar.query_one(OptionList).highlighted == 1


async def test_sidebar_shows_progress_of_the_turn() -> None:
    engine = ScriptedEngine(servers=(status("jira"),), busy=True, queue=("and then?",))
    async with running(engine, size=(120, 40)) as (app, _, pilot):
        engine.emit(*turn_start(), *proposal("c1", {"n": 1}))
        engine.emit(
            tools.ToolCallStarted(at=AT, turn_id="t1", call_id="c1", server="jira", name="close_issue", arguments={})
        )
        engine.emit(tools.ToolCallProgress(turn_id="t1", call_id="c1", progress=13, total=25, message="pull"))
        await until(lambda: "52% pull" in shown(app), pilot)
        assert "1 and then?" in shown(app)


async def test_a_hundred_and_fifty_tools_and_servers_stay_usable() -> None:
    engine = ScriptedEngine(servers=tuple(status(f"server-{number}") for number in range(150)))
    async with running(engine, size=(80, 24)) as (app, _, pilot):
        app.open_servers()
        await until(lambda: app.chat.focused_in("sidebar"), pilot)
        await pilot.press("end")
        await until(lambda: "server-149" in shown(app), pilot)


async def test_a_call_that_never_ran_says_why_and_what_the_model_was_told() -> None:
    async with running(size=(160, 45)) as (app, engine, pilot):
        engine.emit(*turn_start(), *proposal("c1", {"n": 1}))
        engine.emit(
            tools.ApprovalDecided(
                at=AT, turn_id="t1", approval_id="a-c1", call_id="c1", action="deny", by="user", message="wrong one"
            ),
            tools.ToolCallFinished(
                at=AT, turn_id="t1", call_id="c1", outcome="denied", model_text="The person said no.", model_tokens=5
            ),
        )
        app.open_inspector()
        await until(lambda: app.view.inspector is not None and "did not run" in facet(app.view.inspector), pilot)
        inspector = app.view.inspector
        assert inspector is not None
        assert "wrong one" in facet(inspector)
        assert "the model was told\nThe person said no." in facet(inspector)
        await until(lambda: app.chat.focused_in("inspector"), pilot)
        await pilot.press("3")
        assert "nothing was sent to the server" in facet(inspector)


async def test_paging_in_the_sidebar_reaches_the_cost_on_a_small_terminal() -> None:
    engine = ScriptedEngine(
        servers=tuple(status(f"s{number}") for number in range(20)),
        context=ContextShare(18200, 9100, 128000, False),
        totals=Totals(cost=0.031, model_requests=2, prompt_tokens=1, completion_tokens=1),
    )
    async with running(engine, size=(80, 24)) as (app, _, pilot):
        engine.emit(*turn_start())
        for number in range(8):
            engine.emit(*proposal(f"c{number}", {"n": number}), finished(f"c{number}"))
        await until(lambda: len(app.view.live.turn_calls) == 8 and not app.view.live.waiting, pilot)
        app.open_servers()
        await until(lambda: app.chat.focused_in("sidebar"), pilot)
        assert "$0.031  in" not in shown(app)
        await pilot.press("pagedown", "pagedown", "pagedown", "pagedown", "pagedown")
        await until(lambda: "$0.031  in" in shown(app), pilot)
        await pilot.press("pageup", "pageup", "pageup", "pageup", "pageup")
        await until(lambda: "TOOLS THIS TURN" in shown(app), pilot)


async def test_case_049_a_server_that_takes_much_says_so_in_its_row() -> None:
    engine = ScriptedEngine(
        servers=(
            status("small", memory_bytes=40_000_000, cpu_share=0.01),
            status("hungry", memory_bytes=640_000_000, cpu_share=0.02),
            status("busy", memory_bytes=40_000_000, cpu_share=0.98),
        )
    )
    async with running(engine, size=(120, 40)) as (app, _, pilot):
        await until(lambda: "640.0 MB, 2% CPU" in shown(app), pilot)
        assert "40.0 MB, 98% CPU" in shown(app)
        assert "40.0 MB, 1% CPU" not in shown(app)
        app.open_servers()
        await until(lambda: app.chat.focused_in("sidebar"), pilot)
        await pilot.press("enter")
        await until(lambda: "40.0 MB, 1% CPU" in shown(app), pilot)


async def test_all_of_a_long_result_is_shown_by_the_page() -> None:
    text = "\n".join(f"line {number} of the result" for number in range(5000))
    async with running(size=(160, 45)) as (app, engine, pilot):
        engine.emit(*turn_start(), *proposal("c1", {"a": 1}), finished("c1", text))
        app.open_inspector()
        await until(
            lambda: app.view.inspector is not None and "> shows it by the page" in facet(app.view.inspector), pilot
        )
        inspector = app.view.inspector
        assert inspector is not None
        await until(lambda: app.chat.focused_in("inspector"), pilot)
        seen = ""
        for number in (1, 2, 3):
            await pilot.press(">")
            await until(lambda wanted=f"page {number} of 3": wanted in facet(inspector), pilot)
            seen += facet(inspector).split("\n", 1)[1]
        assert seen == text
        await pilot.press(">")
        assert "page 3 of 3" in facet(inspector)
        await pilot.press("home", "pageup")
        assert "page 2 of 3" in facet(inspector)
        await pilot.press("end", "pagedown")
        assert "page 3 of 3" in facet(inspector)
        await pilot.press("y")
        assert app.clipboard == text
        await pilot.press("1", "2")
        assert "> shows it by the page" in facet(inspector)
        await until(lambda: ">/< page" in app.chat.line("hints").plain, pilot)
        await pilot.press("1", ">")
        assert "page" not in facet(inspector)
        await until(lambda: ">/< page" not in app.chat.line("hints").plain, pilot)


async def test_the_inspector_says_which_call_it_is_as_the_conversation_does() -> None:
    async with running(size=(160, 45)) as (app, engine, pilot):
        engine.emit(*turn_start(), *proposal("c1", {"a": 1}), finished("c1", "fine"))
        app.open_inspector()
        await until(lambda: app.view.inspector is not None and app.view.inspector.item is not None, pilot)
        assert app.view.inspector is not None
        assert app.view.inspector.item is not None
        number = f"#{app.view.inspector.item.number}"
        await until(lambda: f"{number} jira.close_issue" in shown(app), pilot)
        await until(lambda: any(f"[+]   {number}" in line for line in shown(app).splitlines()), pilot)


@pytest.mark.parametrize("current", FACETS)
@pytest.mark.parametrize("room", [78, 60, 47, 44, 43, 30, 18])
def test_the_tab_on_show_is_whole_however_narrow_it_is(current: Facet, room: int) -> None:
    line = tab_line(current, room)
    assert line.cell_length <= room
    number = FACETS.index(current) + 1
    assert f"{number} {TITLES[current]}" in line.plain
    assert [int(char) for char in line.plain if char.isdigit()] == [1, 2, 3, 4, 5, 6]
    assert ("1 Args" in line.plain and "6 Diff" in line.plain) == (room >= 44) or room < 44


@pytest.mark.parametrize(
    ("words", "tab", "page"),
    [("needle far", "Result", "page 3 of 3"), ("needle near", "Result", ""), ("needle asked", "Args", "")],
)
async def test_enter_opens_a_call_where_what_is_looked_for_stands_in_it(words: str, tab: str, page: str) -> None:
    lines = [f"line {number} of the result" for number in range(5000)]
    lines[1500], lines[4800] = "the needle near", "the needle far"
    async with running(size=(160, 45)) as (app, engine, pilot):
        engine.emit(*turn_start(), *proposal("c1", {"a": "the needle asked"}), finished("c1", "\n".join(lines)))
        await until(lambda: len(app.view.calls()) == 1 and app.view.calls()[0].finished, pilot)
        app.find(words)
        await until(lambda: app.view.conversation.found.number == 1, pilot)
        await pilot.press("tab")
        await until(lambda: app.view.conversation.has_focus, pilot)
        await pilot.press("enter")
        await until(lambda: app.view.inspector is not None and words in facet(app.view.inspector), pilot)
        inspector = app.view.inspector
        assert inspector is not None
        assert page in facet(inspector)
        assert TITLES[inspector._facet] == tab
        drawn = inspector.query_one("#facet", Static).content
        assert isinstance(drawn, Content)
        marks = [drawn.plain[span.start : span.end] for span in drawn.spans if "warning 35%" in str(span.style)]
        assert marks == [words]
        body = inspector.query_one("InspectorBody")
        await until(lambda: body.region.height and words in shown_in(app, body.region), pilot)


def shown_in(app: McpTuiApp, region: Region) -> str:
    """What is on the screen there."""
    rows = shown(app).splitlines()[region.y : region.bottom]
    return "\n".join(row[region.x :] for row in rows)


def test_a_key_that_is_masked_is_not_found_in_the_inspector() -> None:
    item = ToolCallItem("c1", AT, "t", 1, server="fs", name="read", state="success", sensitive=True)
    item.content = (content.TextContent(text="API_KEY=sk-ant-api03-" + "Ab1" * 20 + " and more"),)
    assert first_place(item, wanted("and more")) == FacetPlace("result")
    assert first_place(item, wanted("Ab1Ab1")) is None


def wanted(text: str) -> Wanted:
    found = Wanted.of(text)
    assert found is not None
    return found


async def test_a_key_on_the_border_of_two_pages_is_masked() -> None:
    key = "sk-ant-api03-" + "Ab1" * 20
    text = "x " * 29_980 + key + " y" * 50_000
    async with running(size=(160, 45)) as (app, engine, pilot):
        end = finished("c1", text).model_copy(update={"sensitive": True})
        engine.emit(*turn_start(), *proposal("c1", {"a": 1}), end)
        app.open_inspector()
        await until(
            lambda: app.view.inspector is not None and "> shows it by the page" in facet(app.view.inspector), pilot
        )
        inspector = app.view.inspector
        assert inspector is not None
        await until(lambda: app.chat.focused_in("inspector"), pilot)
        for number in (1, 2):
            await pilot.press(">")
            await until(lambda wanted=f"page {number} of": wanted in facet(inspector), pilot)
            assert "Ab1Ab1" not in facet(inspector)
