"""Hostile text in every place that shows outside text: what the app would draw holds none of it (cases 81, 82, 84, 85).

The line filter is taken out for most of it: it is the last line of defence, and must have nothing to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from textual.filter import LineFilter

from mcp_tui.config.theme_data import DEFAULT_THEME
from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.engine.engine import ProviderChoice
from mcp_tui.errors import StoreFailed
from mcp_tui.events import content, servers, tools, turns
from mcp_tui.events.base import ErrorInfo
from mcp_tui.history.base import TrashedConversation
from mcp_tui.history.search import KINDS, IndexState, SearchHit
from mcp_tui.ui import base_app
from mcp_tui.ui.app import McpTuiApp
from mcp_tui.ui.commands import COMMANDS
from mcp_tui.ui.line_filter import SafetyFilter
from mcp_tui.ui.preferences import Preferences
from mcp_tui.ui.screens.history import HistoryScreen
from tests.support.hostile_text import ALL, PASTED, RAW, TEXTS
from tests.ui.support import (
    AT,
    ScriptedEngine,
    ScriptedHistory,
    attach,
    finished,
    proposal,
    status,
    turn_start,
    until,
)


class Unfiltered(McpTuiApp):
    """The app without its last line of defence."""

    CSS_PATH = Path(base_app.__file__).parent / "app.tcss"

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [each for each in super().get_line_filters() if not isinstance(each, SafetyFilter)]


def looked_at(app: McpTuiApp, where: str) -> str:
    """The screen as it would be drawn, checked."""
    strips = app.screen._compositor.render_strips()
    text = "\n".join(strip.text for strip in strips)
    found = RAW.search(text.replace("\n", ""))
    assert found is None, f"U+{ord(found[0]):04X} is drawn in {where}"
    styles = [segment.style for strip in strips for segment in strip if segment.style is not None]
    assert not any(style.link for style in styles), f"a link is drawn in {where}"
    assert not any("@click" in style.meta for style in styles), f"an action hangs on the text of {where}"
    return text


def stored(text: str) -> str:
    """As text arrives at the screen: whatever reads it has replaced what is no character."""
    return text.encode("utf-8", "replace").decode()


async def visit(texts: list[str]) -> None:
    """Show the texts in every place, one after the other."""
    number = iter(range(10_000))

    def some() -> str:
        return stored(texts[next(number) % len(texts)])

    tool = tools.ToolDefinition(
        wire_name="jira__x",
        server="jira",
        name=some(),
        title=some(),
        description=some(),
        input_schema={"type": "object", "description": some(), "properties": {some(): {"description": some()}}},
        annotations={"title": some(), "destructiveHint": True},
        notes=(some(),),
    )
    failed = servers.ServerFailure(step="running", message=some(), stderr=(some(),), suggestion=some(), signal=some())
    request = servers.TrustRequest(
        server=some(), command=(some(), some()), program=some(), folder=some(), warnings=(some(),), variables=(some(),)
    )
    bad = status(some(), "failed", failure=failed, warnings=(some(),), set_aside=(
        servers.SetAsideTool(name=some(), reason=some()),))  # fmt: skip
    bad = bad.model_copy(update={"command": some(), "protocol_version": some()})
    summary = ConversationSummary(
        id="01x", title=some(), model=some(), created_at=AT, updated_at=AT,
        events=1, user_messages=1, tool_calls=1, demo=False, size=1, models=(some(), some()), cost=0.1,
        servers=(some(), some()), tags=(some(), some()), newer_schema=True,
        origin=turns.Origin(kind="fork", conversation_id=some(), title=some()),
    )  # fmt: skip
    child = replace(summary, id="02x", title="", origin=turns.Origin(kind="import", source=some()))
    hits = tuple(
        SearchHit("01x", some(), f"e{kind}", 1, AT, kind, some(), some(), ((0, 2), (1, 400))) for kind in KINDS
    )
    engine = ScriptedEngine(
        servers=(bad, status("jira")),
        offered=(tool,),
        title=some(),
        stderr=(some(), some()),
        providers=(ProviderChoice("work", some(), some()),),
        stored=(summary, child),
    )
    engine.history = ScriptedHistory(
        (summary, child), (TrashedConversation(summary, AT),), hits, IndexState(1, 2, True, some()), Path("/x") / "y"
    )
    app = Unfiltered(Preferences(), lambda: COMMANDS)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(app.painted.is_set, pilot)
        attach(app, engine, theme=DEFAULT_THEME.name)
        await until(lambda: app.view.bridge is not None and engine.subscriptions, pilot)
        await pilot.pause()
        looked_at(app, "the empty conversation")
        engine.queue = (some(),)
        engine.emit(*turn_start(some()), turns.QueueChanged(inputs=engine.queue))
        engine.emit(
            turns.RetryScheduled(
                message_id="m1", attempt=1, attempts=3, delay_seconds=9,
                reason=ErrorInfo(kind=some(), message=some(), hint=some()),
            ),
            turns.Notice(severity="error", message=some(), hint=some()),
            turns.TextDelta(turn_id="t1", message_id="m1", text=some()),
        )  # fmt: skip
        await pilot.pause(0.1)
        looked_at(app, "a running turn")
        engine.emit(
            turns.AssistantMessage(
                at=AT, turn_id="t1", message_id="m1", hop=1, provider="work", model=some(), text=some(),
                reasoning=some(), complete=False, problem=ErrorInfo(kind=some(), message=some(), hint=some()),
            )
        )  # fmt: skip
        engine.emit(*proposal("c1", {some(): some(), "n": [some(), {some(): some()}]}, tool=tool))
        engine.emit(*proposal("c2", {"x": some()}, tool=tool))
        await until(lambda: app.view.card is not None and app.view.card.display, pilot)
        await pilot.pause(0.1)
        looked_at(app, "the card")
        engine.emit(
            tools.ToolCallStarted(at=AT, turn_id="t1", call_id="c2", server="jira", name=tool.name, arguments={}),
            tools.ToolCallProgress(turn_id="t1", call_id="c2", progress=1, total=2, message=some()),
        )
        problem = tools.ArgumentProblem(field=some(), message=some(), type=some())
        blocks: Any = (
            content.TextContent(text=some()),
            content.ImageContent(data="AAAA", mimeType=some()),
            content.AudioContent(data="AAAA", mimeType=some()),
            content.ResourceLink(uri=some(), name=some(), title=some(), description=some()),
            content.EmbeddedResource(uri=some(), mimeType=some(), text=some()),
            content.EmbeddedResource(uri=some(), mimeType=some(), blob="AAAA"),
            content.UnknownContent(kind=some(), raw={some(): some()}),
        )
        more = {"outcome": "error", "error": ErrorInfo(kind=some(), message=some(), hint=some())}
        wire = tools.WireMessage(direction="received", at=AT, message={some(): [some()]})
        end = finished("c1", some(), structured_content={some(): some()}, validation_errors=(problem,), **more)
        engine.emit(end.model_copy(update={"content": blocks, "wire": (wire,), "sensitive": bool(len(texts) % 2)}))
        engine.emit(servers.ServerLogged(server="jira", level="error", logger=some(), text=some()))
        engine.emit(turns.InputReturned(text=some(), reason=ErrorInfo(kind=some(), message=some(), hint=some())))
        await pilot.pause(0.1)
        app.chat.composer.set_draft("")  # what a person writes is drawn by a text area, which only the filter guards
        await pilot.pause()
        looked_at(app, "results")
        await app.open_pane("sidebar")
        await app.open_pane("inspector")
        inspector: Any = app.chat.query_one("#inspector")
        for facet in ("args", "result", "raw", "schema", "time"):
            inspector.action_tab(facet)
            await pilot.pause()
            looked_at(app, f"the inspector's {facet}")
        again = tools.RecordedCall(conversation_id="", call_id="c1")
        _, proposed, _ = proposal("c3", {some(): some()}, tool=tool)
        found = tuple(tools.Difference(path=some(), kind="changed", before=some(), after=some()) for _ in range(3))
        engine.emit(
            proposed.model_copy(update={"rerun_of": again}),
            tools.ToolCallStarted(at=AT, turn_id="t1", call_id="c3", server="jira", name=tool.name, arguments={}),
            finished("c3", some()),
            tools.ToolCallCompared(turn_id="t1", call_id="c3", recorded=again, same=False, differences=found),
        )
        inspector.show(app.view.calls()[-1])
        for action in (lambda: inspector.action_tab("diff"), inspector.action_diff_previous):
            action()
            await pilot.pause(0.1)
            assert "3 differences" in looked_at(app, "the inspector's differences")
        app.say(some(), title=some())
        app.chat.notify(texts[0], severity="error")
        await pilot.pause()
        looked_at(app, "a toast")
        app.clear_notifications()
        app.chat.composer.history_of_prompts.add(some())
        engine.trust.waiting = [request]
        for opening in (
            app.action_history, app.on_composer_search_requested, app.action_choose_model, app.show_tools,
            app.action_palette, app.action_help,
        ):  # fmt: skip
            opening()
            await until(lambda: app.screen is not app.chat, pilot)
            await pilot.pause()
            looked_at(app, opening.__name__)
            app.screen.dismiss(None)
            await until(lambda: app.screen is app.chat, pilot)
        await visit_history(app, engine, pilot, texts)
        engine.emit(
            turns.QuestionAsked(turn_id="t1", question_id="q", kind="cost", message=some(), yes=some(), no=some())
        )
        await pilot.pause(0.1)
        looked_at(app, "a question")
        for text in texts:
            app.copy_to_clipboard(text)
            assert not PASTED.search(app.clipboard)
        assert app.is_running
        assert app.return_code is None
        assert not engine.decisions
        assert not app.crash


async def visit_history(app: Unfiltered, engine: ScriptedEngine, pilot: Any, texts: list[str]) -> None:
    """The history with a search, its questions, its trash, and why something failed."""
    app.action_history()
    await until(lambda: isinstance(app.screen, HistoryScreen) and app.screen.entries, pilot)
    history = app.screen
    assert isinstance(history, HistoryScreen)
    await pilot.press("o")
    await pilot.pause()
    looked_at(app, "the history as a tree")
    history.set_mode(searching=True)
    history.search.look_for("in:01x ")
    await until(lambda: history.search.asked and history.hits, pilot)
    await pilot.pause()
    looked_at(app, "hits in the history")
    for key in ("r", "t", "x", "delete", "T"):
        await pilot.press(key)
        await until(lambda: app.screen is not history, pilot)
        await pilot.pause()
        if key not in ("r", "t"):  # a line that is being written is guarded by the filter only
            looked_at(app, f"the question after {key} in the history")
        app.screen.dismiss(None)
        await until(lambda: app.screen is history, pilot)
    engine.history.failure = StoreFailed(f"failed: {stored(texts[0])}", hint=stored(texts[0]))
    history.look_again()
    await until(lambda: history.listing.problem, pilot)
    await pilot.press("f")
    await pilot.pause(0.1)
    looked_at(app, "a failure in the history")
    app.clear_notifications()
    engine.history.failure = None
    history.dismiss(None)
    await until(lambda: app.screen is app.chat, pilot)


@given(st.lists(TEXTS, min_size=1, max_size=5))
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_case_081_hostile_text_in_every_place(texts: list[str]) -> None:
    asyncio.run(visit(texts))


def test_case_082_one_of_each_attack_in_every_place() -> None:
    asyncio.run(visit([ALL]))
