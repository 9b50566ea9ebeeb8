"""A conversation whose every text tries to act in a browser, to load something, or to break out of its place."""

# ruff: noqa: E501 - an attack stands on one line

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.events import content, tools, turns
from mcp_tui.events.base import ErrorInfo, EventBase
from tests.support.hostile_text import ALL, DECEIT, MARKUP, SEQUENCES

ID = "01m7gdn0000000000000000099"
AT = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * 20).decode()

Attack = Callable[[str, str], str]
"""(script, url) -> text."""

ATTACKS: tuple[Attack, ...] = (
    lambda js, url: f"<script>{js}</script>",
    lambda js, url: f"<ScRiPt src={url}></sCrIpT>",
    lambda js, url: f"<img src={url}>",
    lambda js, url: f'<img src=x onerror="{js}">',
    lambda js, url: f"<svg onload={js.replace(' ', '')}><use href={url}#x /></svg>",
    lambda js, url: f"<svg><script>{js}</script></svg>",
    lambda js, url: f"<math><mtext><table><mglyph><style><img src=x onerror='{js}'></style></mglyph></table></mtext></math>",
    lambda js, url: f"<iframe srcdoc='<script>parent.{js}</script><img src={url}>'></iframe>",
    lambda js, url: f"<iframe src={url}></iframe><object data={url}></object><embed src={url}>",
    lambda js, url: f"<meta http-equiv=refresh content='0;url={url}'><base href={url}>",
    lambda js, url: f"<link rel=stylesheet href={url}><link rel=preload as=image href={url}><link rel=icon href={url}>",
    lambda js, url: f"<style>@import '{url}'; body {{ background: url({url}) }}</style>",
    lambda js, url: f"</style><script>{js}</script>",
    lambda js, url: f"</title><script>{js}</script>",
    lambda js, url: f"</code></pre></div></details></article></main></body></html><script>{js}</script><img src={url}>",
    lambda js, url: f"--></textarea></noscript></template></select><script>{js}</script>",
    lambda js, url: f"<!--[if gt IE 1]><script>{js}</script><![endif]--><![CDATA[<script>{js}</script>]]>",
    lambda js, url: f"\" onmouseover=\"{js}\" style=\"background:url({url})\" x='",
    lambda js, url: f"' autofocus onfocus='{js}' tabindex=1 x=`",
    lambda js, url: f"<details open ontoggle={js}><summary>x</summary>",
    lambda js, url: f"<body onload={js}><video poster={url} src={url} autoplay></video><audio src={url} autoplay>",
    lambda js, url: f"<form action={url}><button formaction='javascript:{js}'>x</button></form><input autofocus onfocus={js}>",
    lambda js, url: f"<marquee onstart={js}><a href='javascript:{js}'>x</a></marquee>",
    lambda js, url: f"![picture]({url})",
    lambda js, url: f"![picture][ref] [text][ref]\n\n[ref]: {url}",
    lambda js, url: f"[click](javascript:{js}) [click](  JaVaScRiPt:{js}) [click](java&#x09;script:{js})",
    lambda js, url: f"[click](data:text/html;base64,{base64.b64encode(f'<script>{js}</script>'.encode()).decode()})",
    lambda js, url: f"[click](vbscript:x) [click](file:///etc/passwd) [click](//{url.partition('//')[2]}) <{url}>",
    lambda js, url: f'[click]({url}"onclick={js}) [a](<{url} "x"> "\' onclick={js} \'") [b](https://good.example@evil.example/)',
    lambda js, url: f"`</code><script>{js}</script>` ``<img src={url}>``",
    lambda js, url: f"```html\n</code></pre><script>{js}</script><img src={url}>\n````\n<script>{js}</script>",
    lambda js, url: f"~~~~ \"><script>{js}</script>\n<img src={url}>\n",
    lambda js, url: f"    <script>{js}</script>\n\n\t<img src={url}>",
    lambda js, url: f"| a | b |\n|---|---|\n| `x | <img src={url}> ` |\n| <script>{js}</script> | \\| |",
    lambda js, url: f"- <img src={url}>\n  - ```\n    <script>{js}</script>\n\n> <script>{js}</script>\n\n1. <b onclick={js}>x",
    lambda js, url: f"# <script>{js}</script>\n<img src={url}>\n===\n\n<details>\n<summary>\n\n<script>{js}</script>",
    lambda js, url: f"{{{{constructor.constructor('{js}')()}}}} ${{{js}}} <%={js}%> {{% include '{url}' %}} #{{{js}}}",
    lambda js, url: f"&lt;script&gt;{js}&lt;/script&gt; &#60;img src={url}&#62; \\x3cscript\\x3e{js}\\x3c/script\\x3e",
    lambda js, url: f"\ufeff<\u200bscript>{js}</script\u2028> <\0script>{js}</script> +ADw-script+AD4-{js}+ADw-/script+AD4-",
    lambda js, url: f"\ud83d<script>{js}</script>\udc00 <img src={url}\ud800>",
)  # fmt: skip

OTHERS = (*SEQUENCES, *DECEIT, *MARKUP, ALL)


def strings(script: str, url: str) -> Iterator[str]:
    """Every attack, with a script that leaves a trace and addresses that are unique; without end."""
    numbers = count(1)
    while True:
        for attack in ATTACKS:
            yield attack(script, f"{url}{next(numbers)}")
        yield from OTHERS


def conversation(
    script: str = "owned()", url: str = "http://evil.example/"
) -> tuple[list[EventBase], ConversationSummary]:
    """Every attack in every place; its text is the same each time."""
    some = strings(script, url)

    def text() -> str:
        return next(some)

    def value() -> Any:
        return {text(): text(), "list": [text(), {text(): text()}], "number": 1}

    events: list[EventBase] = [
        turns.ConversationCreated(
            app_version=text(),
            title=text(),
            origin=turns.Origin(kind="fork", conversation_id=text(), event_id="e", title=text(), source=text()),
        ),
        turns.ConversationTagged(tags=(text(), text())),
        turns.ModelSelected(provider="p", model=text()),
    ]
    for number in range(2 + len(ATTACKS) + len(OTHERS)):
        events += _turn(str(number), text, value)
    made = [
        event.model_copy(update={"id": f"e{seq}", "seq": seq, "at": AT, "conversation_id": ID})
        for seq, event in enumerate(events, 1)
    ]
    summary = ConversationSummary(
        id=ID, title=text(), created_at=AT, updated_at=AT, events=len(made), user_messages=1, tool_calls=1,
        model=text(), demo=True, size=1, messages=2, models=(text(), text()), cost=0.5, servers=(text(),),
        tags=(text(),), origin=None,
    )  # fmt: skip
    return made, summary


def _turn(turn: str, text: Callable[[], str], value: Callable[[], Any]) -> list[EventBase]:
    call = f"c{turn}"
    definition = tools.ToolDefinition(wire_name=f"w{turn}", server=text(), name=text(), description=text())
    return [
        turns.UserMessage(turn_id=turn, message_id=f"u{turn}", text=text()),
        turns.AssistantMessage(
            turn_id=turn, message_id=f"m{turn}", hop=1, provider="p", model=text(), text=text(), reasoning=text(),
            complete=False, problem=ErrorInfo(kind="x", message=text(), hint=text()), cost=0.1,
            usage=turns.Usage(prompt_tokens=1, completion_tokens=1), duration_seconds=1,
        ),
        tools.ToolsOffered(turn_id=turn, tools=(definition,)),
        tools.ToolCallProposed(
            turn_id=turn, call_id=call, message_id=f"m{turn}", hop=1, index=0, wire_name=definition.wire_name,
            server=definition.server, name=definition.name, arguments=value(),
            rerun_of=tools.RecordedCall(conversation_id=text(), call_id=text()),
        ),
        tools.ApprovalDecided(
            turn_id=turn, approval_id=f"a{turn}", call_id=call, action="allow", by="rule", rule=text(), rule_id=text(),
            message=text(), edited_arguments=value(),
        ),
        tools.ToolCallStarted(turn_id=turn, call_id=call, server="s", name="n", arguments=value()),
        tools.ToolCallFinished(
            turn_id=turn, call_id=call, outcome="error", structured_content=value(), model_text=text(), truncated=True,
            error=ErrorInfo(kind="x", message=text(), hint=text()),
            validation_errors=(tools.ArgumentProblem(field=text(), message=text(), type=text()),),
            content=(
                content.TextContent(text=text()),
                content.ImageContent(data=text(), mime_type=text()),
                content.ImageContent(data=PIXEL, mime_type=text()),
                content.ImageContent(data=base64.b64encode(text().encode("utf-8", "replace")).decode(), mime_type="image/svg+xml"),
                content.AudioContent(data=text(), mime_type=text()),
                content.ResourceLink(uri=text(), name=text(), title=text(), description=text()),
                content.EmbeddedResource(uri=text(), mime_type=text(), text=text()),
                content.EmbeddedResource(uri=text(), mime_type=text(), blob=text()),
                content.UnknownContent(kind=text(), raw=value()),
            ),
        ),
        tools.ToolCallCompared(
            turn_id=turn, call_id=call, recorded=tools.RecordedCall(conversation_id=text(), call_id=text()), same=False,
            differences=(tools.Difference(path=text(), kind="changed", before=text(), after=text()),),
        ),
        turns.QuestionAsked(
            turn_id=turn, question_id=f"q{turn}", kind="cost", message=text(), yes=text(), no=text(), call_id=call,
        ),
        turns.QuestionAnswered(turn_id=turn, question_id=f"q{turn}", answer="yes", by="user"),
        turns.TurnFinished(
            turn_id=turn, outcome="error", error=ErrorInfo(kind="x", message=text(), hint=text()), hops=1
        ),
    ]  # fmt: skip
