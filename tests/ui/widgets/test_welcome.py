"""The welcome: everything in sight where there is room, a sign where there is not, picking by key and by click."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from mcp_tui.demo.guide import SUGGESTIONS
from mcp_tui.ui.widgets.welcome import ServerNote, Welcome

SERVERS = (
    ServerNote(("*", "$success"), "files", "4 tools"),
    ServerNote(("x", "$error"), "pg", "failed: no such role", failed=True),
)


class Host(App[None]):
    """Nothing but the welcome."""

    def __init__(self) -> None:
        super().__init__()
        self.picked: list[str] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"muted": "#888888"}

    def compose(self) -> ComposeResult:
        yield Welcome(widget_id="welcome")

    def on_welcome_picked(self, message: Welcome.Picked) -> None:
        self.picked.append(message.text)

    @property
    def lines(self) -> list[str]:
        return self.query_one(Welcome).render().plain.split("\n")


def show(app: Host) -> Welcome:
    welcome = app.query_one(Welcome)
    welcome.show(demo=True, servers=SERVERS, examples=SUGGESTIONS)
    return welcome


async def test_all_of_it_is_in_sight_on_a_standard_terminal() -> None:
    app = Host()
    async with app.run_test(size=(80, 19)) as pilot:
        show(app)
        await pilot.pause()
        text = " ".join(" ".join(app.lines).split())
        assert all(prompt in text for _, prompt in SUGGESTIONS)
        assert "files 4 tools" in text
        assert "pg failed: no such role" in text
        assert "more" not in text
        assert len(app.lines) <= 19


async def test_a_wrapped_input_keeps_its_column() -> None:
    app = Host()
    async with app.run_test(size=(72, 40)) as pilot:
        show(app)
        await pilot.pause()
        at = next(place for place, line in enumerate(app.lines) if "What time" in line)
        column = app.lines[at].index("What time")
        rest = app.lines[at + 1]
        assert rest.startswith(" " * column)
        assert rest[column] != " "
        assert rest.strip().endswith("4)?")


@pytest.mark.parametrize("size", [(80, 14), (60, 11), (40, 9), (30, 6)])
async def test_what_is_left_out_is_said_and_the_chosen_one_is_in_sight(size: tuple[int, int]) -> None:
    app = Host()
    async with app.run_test(size=size) as pilot:
        welcome = show(app)
        await pilot.pause()
        assert "more below" in app.lines[-1] or any("more below" in line for line in app.lines)
        welcome.focus()
        await pilot.press("up")
        assert any(line.startswith("> ") and "What can you do?" in line for line in app.lines)
        assert any("more above" in line for line in app.lines)
        assert len(app.lines) <= size[1]


async def test_enter_and_a_click_pick() -> None:
    app = Host()
    async with app.run_test(size=(100, 30)) as pilot:
        show(app).focus()
        await pilot.press("down", "enter")
        row = next(place for place, line in enumerate(app.lines) if "Crash the flaky" in line)
        await pilot.click(Welcome, offset=(40, row))
        await pilot.pause()
        assert app.picked == [SUGGESTIONS[1][1], "Crash the flaky server"]
