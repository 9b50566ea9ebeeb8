"""The events of a fork: a conversation that begins with a copy of another one's.

Copied events keep their ids and their time; only the conversation's id is another one.  What was open at that place is
closed with ends of the fork's own, so that it can be continued.  The original is only read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile

from mcp_tui.conversation.pace import unpaced
from mcp_tui.conversation.transcript import Transcript
from mcp_tui.engine.recovery import open_ends, open_turns
from mcp_tui.errors import UsageError
from mcp_tui.events import turns
from mcp_tui.events.base import ErrorInfo, EventBase, new_id

FORKED = "The conversation was forked"
"""Begins the explanation of what was open at the place of the fork."""

_HEADING = (turns.ConversationCreated, turns.ConversationTitled, turns.ConversationTagged)

_OF_THE_TURN = (turns.ModelSelected, turns.ConversationTitled)
"""What is recorded together with the start of a turn, just before it."""


def fork(
    events: Sequence[EventBase],
    event_id: str | None = None,
    *,
    before: bool = False,
    app_version: str,
    pace: Callable[[], None] = unpaced,
) -> list[EventBase]:
    """The events of a new conversation that holds those of ``events`` up to and including ``event_id``.

    With ``before``, up to what is just before it; the start of a turn belongs to its input.  ``None``: all of them.
    Title and tags are those that the original has now.  ``pace`` is called between two events.

    Raises `UsageError` when there is no such event.
    """
    new, whole = new_id(), _heading(events)
    copied = _without_superseded(_copied(events, event_id, before=before))
    kept: list[EventBase] = []
    for event in copied:
        kept.append(event.model_copy(update={"conversation_id": new, "seq": 0}))
        pace()
    ends = _ends(kept)
    answered = {event.message_id for event in ends if isinstance(event, turns.AssistantMessage)}
    kept = [e for e in kept if not isinstance(e, turns.MessageFragment) or e.message_id not in answered]
    first = turns.ConversationCreated(
        conversation_id=new,
        app_version=app_version,
        demo=whole.demo,
        origin=turns.Origin(
            kind="fork",
            conversation_id=next((event.conversation_id for event in events if event.conversation_id), ""),
            event_id=kept[-1].id if kept else "",
            title=whole.title,
            copied=len(kept),
        ),
    )
    now: list[EventBase] = []
    if kept and whole.title:
        now.append(turns.ConversationTitled(conversation_id=new, title=whole.title))
    if whole.tags:
        now.append(turns.ConversationTagged(conversation_id=new, tags=whole.tags))
    return [first, *kept, *ends, *now]


def _copied(events: Sequence[EventBase], event_id: str | None, *, before: bool) -> list[EventBase]:
    """The part that is copied; nothing where no turn is in it."""
    cut = list(events) if event_id is None else _cut(events, event_id, before=before)
    copied = [event for event in cut if not isinstance(event, turns.ConversationCreated)]
    return copied if any(isinstance(event, turns.TurnStarted) for event in copied) else []


def _cut(events: Sequence[EventBase], event_id: str, *, before: bool) -> list[EventBase]:
    index = next((index for index, event in enumerate(events) if event.id == event_id), None)
    if index is None:
        raise UsageError("That place is not in the conversation.", hint="Choose another message to fork at.")
    if before:
        return _before(events, index)
    turn_id = events[index].turn_id
    following = (event for event in events[index + 1 :] if event.turn_id == turn_id and turn_id)
    ended = list(takewhile(lambda event: isinstance(event, turns.TurnFinished), following))
    return [*events[: index + 1], *ended]


def _before(events: Sequence[EventBase], index: int) -> list[EventBase]:
    """All before an event; where that is the first of its turn, without the turn's start and what came with it."""
    kept = list(events[:index])
    turn_id = events[index].turn_id
    mine = [event for event in kept if turn_id and event.turn_id == turn_id]
    if mine and all(isinstance(event, turns.TurnStarted) for event in mine):
        del kept[kept.index(mine[0]) :]
        while kept and isinstance(kept[-1], _OF_THE_TURN):
            kept.pop()
    return kept


def _without_superseded(events: Iterable[EventBase]) -> list[EventBase]:
    """Without fragments of answers that are there as a whole."""
    events = list(events)
    whole = {event.message_id for event in events if isinstance(event, turns.AssistantMessage)}
    return [e for e in events if not isinstance(e, turns.MessageFragment) or e.message_id not in whole]


def _ends(events: Sequence[EventBase]) -> list[EventBase]:
    """The ends that are missing at this place."""
    ends: list[EventBase] = []
    for turn_id in open_turns(events):
        mine = [event for event in events if event.turn_id == turn_id]
        ends += open_ends(mine, FORKED)
        if not any(isinstance(event, turns.TurnFinished) for event in mine):
            here = ErrorInfo(kind="forked", message="Forked here; what came next stays in the original.")
            ids = {"conversation_id": mine[0].conversation_id, "turn_id": turn_id}
            ends.append(turns.TurnFinished(outcome="cancelled", error=here).model_copy(update=ids))
    return ends


def _heading(events: Iterable[EventBase]) -> Transcript:
    """Title, tags and the like: a transcript without items."""
    transcript = Transcript()
    for event in events:
        if isinstance(event, _HEADING):
            transcript.apply(event)
    return transcript
