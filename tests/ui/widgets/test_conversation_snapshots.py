from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from textual.pilot import Pilot

from mcp_tui.conversation.items import Item
from mcp_tui.events.base import ErrorInfo
from mcp_tui.events.content import ImageContent, TextContent
from mcp_tui.events.tools import ArgumentProblem, CallTiming
from mcp_tui.events.turns import Usage
from tests.ui.widgets.conversation_support import Pane, answer, call, notice, settled, user

TEXT = """## What I found

Two issues look related: **#812** and **#790**. Both report that the first request after *idle* waits for the full
`30 s` timeout, see the [proxy keep-alive](https://example.com/keepalive).

1. Check the pool
2. Compare the ages:
   - nested point with a text long enough to wrap around the end of the line
- [x] measured
- [ ] deployed

```python
def check(self, limit: float = 30.5) -> list[str]:
    # older than the limit
    return [name for name, age in self.ages() if age > limit]
```

> The proxy closes idle sockets after 20 s.

| issue | since | what was seen |
|------:|-------|---------------|
| 812 | 2026-08-01 | Login times out behind the proxy when the connection was idle |
| 790 | 2026-07-22 | 日本語 ログイン |
"""


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


def items() -> list[Item]:
    problem = ArgumentProblem(field="issue", message="no such issue", type="enum")
    return [
        user(1, "Which open issues mention the login timeout?\n[bold]not markup[/]"),
        answer(2, reasoning_pieces=["I should search first."], usage=Usage(completion_tokens=40, reasoning_tokens=30)),
        call(3, state="success", timing=CallTiming(wire=0.41), model_tokens=1200, arguments={"pattern": "*login*"}),
        call(
            4,
            server="gh",
            name="search_issues",
            state="success",
            arguments={"q": "login timeout"},
            timing=CallTiming(wire=1.9),
            model_tokens=3800,
            content=(
                TextContent(text="#812 Login times out\n#790 Timeout"),
                ImageContent(data="A" * 99, mimeType="image/png"),
            ),
            decision="allowed once",
        ),
        call(
            5,
            server="jira",
            name="close_issue",
            state="error",
            arguments={"issue": "PROJ-790"},
            error=ErrorInfo(kind="x", message="The issue is locked.", hint="Ask an administrator."),
            validation_errors=(problem,),
        ),
        call(
            6, server="sandbox", name="start", state="running", progress=52, progress_total=100, progress_message="pull"
        ),
        call(7, server="jira", name="delete", state="waiting", approval_reason="no rule allows it"),
        answer(8, TEXT, usage=Usage(completion_tokens=1100), cost=0.009, duration_seconds=3.2),
        notice(9, "Stopped: the limit of 8 tool hops was reached.", severity="warning", hint="Raise it."),
    ]


@pytest.mark.parametrize("theme", ["mcp-dark", "mcp-light"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_end_of_a_conversation(snap_compare: Any, size: tuple[int, int], theme: str) -> None:
    assert snap_compare(Pane(items(), theme), terminal_size=size, run_before=settled)


@pytest.mark.parametrize("theme", ["mcp-dark", "mcp-light"])
def test_calls_with_one_opened_under_the_cursor(snap_compare: Any, theme: str) -> None:
    async def open_call(pilot: Pilot[None]) -> None:
        await settled(pilot)
        await pilot.press("g", "j", "j", "j", "space")
        await settled(pilot)

    assert snap_compare(Pane(items(), theme), terminal_size=(80, 24), run_before=open_call)
