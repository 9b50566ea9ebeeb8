"""What to try first in the demo.  Imports nothing: the screen shows it with the first paint."""

from __future__ import annotations

SUGGESTIONS: tuple[tuple[str, str], ...] = (
    ("Two tools at once", "What time is it in Tokyo, and what is 12 * (3 + 4)?"),
    ("Look around", "List the files"),
    ("Read and search", "Read notes/meeting.txt and search for tea"),
    ("Change something", 'Write "remember the milk" to notes/reminder.txt'),
    ("One after the other", 'Read haiku.txt, then append "and so do I" to haiku.txt'),
    ("Progress; Esc stops it", "Run a slow task for 8 seconds"),
    ("A mistake, corrected", "Make a mistake in a call and correct it"),
    ("A server that dies", "Crash the flaky server"),
    ("Markdown", "Show me markdown"),
    ("What else?", "What can you do?"),
)
"""Title and prompt of things to try, in the order in which a newcomer should meet them."""
