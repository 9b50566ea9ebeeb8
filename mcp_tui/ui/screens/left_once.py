"""Screens that are left once, however many keys were on their way when they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.await_complete import AwaitComplete
from textual.screen import Screen

if TYPE_CHECKING:
    _Base = Screen[Any]
else:
    _Base = object


class LeftOnce(_Base):
    """Put before `Screen` or `ModalScreen` in the bases of every screen that is dismissed.

    A key that was already forwarded to the screen when an earlier one dismissed it would otherwise give a second
    answer, and take the screen below off the stack.
    """

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """As Textual's; does nothing where the screen is not on top any more."""
        if not self.is_active:
            return AwaitComplete()
        return super().dismiss(result)
