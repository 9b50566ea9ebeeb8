"""What the lines of the chat screen say: pure functions from the engine's state to parts."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from mcp_tui.safety.text import shorten
from mcp_tui.ui import formats
from mcp_tui.ui.keymap import effective, keys_of, show_keys
from mcp_tui.ui.widgets.bars import Hint, Part, hint_parts

if TYPE_CHECKING:
    from mcp_tui.conversation.transcript import Transcript
    from mcp_tui.engine.engine import Engine
    from mcp_tui.ui.live import LiveState, Retry

SAY_SECONDS = 3.0
"""From when on a phase shows how long it has taken."""

LEVELS = 5
"""How often the status line can be made shorter."""

_ORIGINS = {
    "fork": ("fork", "fork of"),
    "verification": ("verification", "verification of"),
    "offline_replay": ("offline replay", "offline replay of"),
    "import": ("imported", "imported from"),
}
"""Kind of origin -> alone, and before the name of the other one."""


def origin_words(transcript: Transcript, width: int) -> str:
    """Where a conversation comes from, such as ``fork of nightly failures``; empty where it began by itself.

    Empty too where its title says so already, as that of a verification does.
    """
    origin = transcript.origin
    if origin is None:
        return ""
    alone, of = _ORIGINS.get(origin.kind, (origin.kind, f"{origin.kind} of"))
    name = origin.source if origin.kind == "import" else origin.title
    if name and transcript.title == f"{of} {name}":
        return ""
    return f"{of} {shorten(name, max(16, width // 4))}" if name and name != transcript.title else alone


# -- what the turn does ------------------------------------------------------------------------------

ELSEWHERE = "turn in another window"


def activity(engine: Engine, live: LiveState, now: float, *, model_up: bool) -> tuple[Part, ...]:
    """What the turn does or waits for right now; nothing when none runs.

    ``now`` is on the live state's clock; ``model_up`` says whether any model request was made in this run.
    """
    if live.unanswered:
        return ((f"! {_unanswered(live)} waiting", "$warning bold"),)
    if engine.loading:
        reading = ("reading what came before", "$accent")
        return (reading, ("  Esc stops", "$muted")) if engine.busy else (reading,)
    if not engine.busy:
        return ((ELSEWHERE, "$accent"),) if live.elsewhere else _for_review(engine)
    if live.stopping:
        return (("stopping", "$warning"),)
    if live.retry is not None:
        return (_retry(live.retry, now), ("  Esc stops", "$muted"))
    words = live.phase
    if live.phase == "preparing":
        words = _preparing(engine, live, model_up=model_up)
    elif live.phase == "tools":
        words = _tools(live)
    elif not live.phase and engine.queue:
        words = "taking up the next input"
    seconds = now - live.since
    lasted = f" {seconds:.0f} s" if seconds >= SAY_SECONDS and live.phase not in ("", "answering") else ""
    return ((f"{words or 'preparing'}{lasted}", "$accent"), ("  Esc stops", "$muted"))


def _unanswered(live: LiveState) -> str:
    """``approval``, ``2 approvals``, ``approval, 2 questions``."""
    counts = ((len(live.waiting), "approval"), (len(live.questions), "question"))
    return ", ".join(noun if count == 1 else f"{count} {noun}s" for count, noun in counts if count)


def _for_review(engine: Engine) -> tuple[Part, ...]:
    """Servers that wait to be accepted, and tools that wait to be reviewed: a choice of the person's, in no hurry."""
    servers = [server for server in engine.servers if server.enabled]
    if untrusted := sum(server.state == "untrusted" for server in servers):
        return ((f"~ {formats.plural(untrusted, 'server')} to accept: /trust", "$warning"),)
    if held := sum(server.held for server in servers):
        return ((f"! {formats.plural(held, 'tool')} held: /review", "$warning"),)
    return ()


def _retry(retry: Retry, now: float) -> Part:
    which = f"{retry.attempt} of {retry.attempts}"
    if retry.due <= now:
        return (f"waiting for the model, retry {which}", "$accent")
    return (f"retry {which} in {math.ceil(retry.due - now)} s: {shorten(retry.reason, 40)}", "$warning")


def _preparing(engine: Engine, live: LiveState, *, model_up: bool) -> str:
    if live.requests:
        return "preparing the next request"
    starting = [server.name for server in engine.servers if server.enabled and server.state == "starting"]
    if starting:
        more = f" and {len(starting) - 2} more" if len(starting) > 2 else ""
        return f"waiting for {', '.join(shorten(name, 16) for name in starting[:2])}{more} to start"
    return "preparing" if model_up or engine.demo else "starting the model layer"


def _tools(live: LiveState) -> str:
    running = [call for call in live.turn_calls if call.state == "running"]
    if len(running) == 1:
        return f"running {shorten(running[0].label, 32)}"
    return f"running {len(running)} tools" if running else "checking tool calls"


# -- status line -------------------------------------------------------------------------------------


def status_parts(engine: Engine, waiting: int, width: int) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """Servers, model, context with the tools' share, money; on the right what waits.  Shorter where room is."""
    left: tuple[Part, ...] = ()
    right: tuple[Part, ...] = ()
    for level in range(LEVELS):
        left, right = _left(engine, level), _right(engine, waiting, level)
        if _length(left) + _length(right) + 1 <= width:
            break
    return left, right


def _length(parts: Sequence[Part]) -> int:
    return sum(len(text) for text, _ in parts)


def _left(engine: Engine, level: int) -> tuple[Part, ...]:
    groups = [
        _servers(engine, level),
        [(shorten(engine.model, (32, 32, 20, 20, 12)[level]), "$foreground")],
        _context(engine, level),
        _cost(engine),
    ]
    parts: list[Part] = []
    for group in groups:
        if group:
            parts += [*([(" | ", "$pane-border")] if parts else []), *group]
    return tuple(parts)


def _servers(engine: Engine, level: int) -> list[Part]:
    servers = [server for server in engine.servers if server.enabled]
    up = sum(server.state == "running" for server in servers)
    failed = [server.name for server in servers if server.state == "failed"]
    starting = sum(server.state == "starting" for server in servers)
    untrusted = sum(server.state == "untrusted" for server in servers)
    held = sum(server.held for server in servers)
    noun = " servers" if level < 4 else ""
    parts: list[Part] = [(f"{up}/{len(servers)}{noun}", "$success" if up == len(servers) else "$foreground")]
    if starting:
        parts.append((f" ~{starting} starting" if level < 2 else f" ~{starting}", "$warning"))
    if untrusted:
        parts.append((f" ~{untrusted} to accept" if level < 2 else f" ~{untrusted}", "$warning"))
    if held:
        parts.append((f" !{held} held" if level < 3 else f" !{held}", "$warning"))
    parts += [(f" !{shorten(name, 16 if level < 4 else 8)}", "$error") for name in failed[:3]]
    return parts


def _context(engine: Engine, level: int) -> list[Part]:
    share = engine.context
    if share is None:
        return []
    about = "~" if share.estimated else ""
    text, style = f"ctx {about}{formats.count(share.used)}", "$foreground"
    if share.window:
        percent = 100 * share.used / share.window
        text = f"ctx {percent:.0f}%" if level >= 3 else f"{text}/{formats.count(share.window)} {percent:.0f}%"
        style = "$error" if percent >= 90 else "$warning" if percent >= 70 else style
    parts = [(text, style)]
    if share.tools and level == 0:
        parts.append((f" (tools {formats.count(share.tools)})", "$muted"))
    return parts


def _cost(engine: Engine) -> list[Part]:
    totals = engine.totals
    if engine.loading:  # what is here yet is only a part of it
        return [("$ ..", "$muted")]
    if totals.unknown_cost and not totals.cost:
        return [("cost unknown", "$muted")]
    return [(formats.money(totals.cost) + ("+?" if totals.unknown_cost else ""), "$foreground")]


def _right(engine: Engine, waiting: int, level: int) -> tuple[Part, ...]:
    mode = "mode: ask" if level < 2 else "ask"
    parts: list[Part] = [(f"{waiting} waiting", "$warning bold")] if waiting else [(mode, "$muted")]
    if queued := len(engine.queue):
        parts.append((f"  {queued} queued", "$accent"))
    return tuple(parts)


# -- hint line ---------------------------------------------------------------------------------------


def hints(
    pane: str, overrides: Mapping[str, str], width: int, *, waiting: str, without: Collection[str] = ()
) -> tuple[Part, ...]:
    """Keys of the focused pane as far as there is room beside those that always help; never half of one.

    ``waiting`` names what is waited for, such as ``approvals``: Tab leads there from the composer, from everywhere
    else the jump.  ``without`` are bindings that mean nothing now.
    """
    asks = waiting and pane not in ("approval", "editor", "question")
    jump = "app.next_pane" if pane == "composer" else "app.jump"
    way = show_keys(effective(overrides)[jump][:1], short=True) + ("" if pane == "composer" else " a")
    lead: tuple[Part, ...] = ((f"{way} to {waiting}  ", "$warning bold"),) if asks else ()
    own, always = _hints(pane, overrides, without), _hints("app", overrides) if pane != "app" else []
    if pane in ("approval", "question"):
        always = [hint for hint in always if hint.label != "stop"]
    fits: Callable[[list[Hint]], bool] = lambda shown: _length(lead) + _length(hint_parts(shown)) <= width  # noqa: E731
    if fits(own + always):
        return (*lead, *hint_parts(own + always))
    shown = always if pane == "composer" else own + always[:1]
    while len(shown) > 1 and not fits(shown):
        del shown[-3 if len(shown) > 3 else -2]
    return (*lead, *hint_parts(shown))


def _hints(pane: str, overrides: Mapping[str, str], without: Collection[str] = ()) -> list[Hint]:
    """Hints of a pane; neighbours with the same label become one with both keys."""
    keys = effective(overrides)
    found: list[Hint] = []
    for binding in keys_of(pane):
        if not binding.hint or binding.id in without:
            continue
        key = show_keys(keys[binding.id][:1], short=True)
        if found and found[-1].label == binding.hint:
            found[-1] = Hint(f"{found[-1].key}/{key}", binding.hint)
        else:
            found.append(Hint(key, binding.hint))
    return found
