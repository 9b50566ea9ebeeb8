"""Colours of the conversation pane: one component class for each kind of text, from the theme's variables."""

from __future__ import annotations

CONVERSATION_CSS = """
ConversationView {
    background: $background;
    color: $foreground;
    overflow-x: hidden;
    overflow-y: scroll;
    scrollbar-size-vertical: 1;
    & .conversation--muted { color: $muted; }
    & .conversation--bar { color: $pane-border; }
    & .conversation--cursor { color: $accent; text-style: bold; }
    & .conversation--user { color: $role-user; text-style: bold; }
    & .conversation--user-text { color: $foreground; background: $surface; }
    & .conversation--assistant { color: $role-assistant; text-style: bold; }
    & .conversation--tool { color: $role-tool; text-style: bold; }
    & .conversation--reasoning { color: $role-reasoning; text-style: italic; }
    & .conversation--success { color: $success; }
    & .conversation--warning { color: $warning; }
    & .conversation--error { color: $error; }
    & .conversation--running { color: $accent; }
    & .conversation--heading { color: $primary; text-style: bold; }
    & .conversation--subheading { color: $foreground; text-style: bold; }
    & .conversation--marker { color: $role-assistant; }
    & .conversation--quote { color: $role-reasoning; text-style: italic; }
    & .conversation--rule { color: $pane-border; }
    & .conversation--link { color: $primary; text-style: underline; }
    & .conversation--url { color: $muted; }
    & .conversation--inline-code { color: $accent; background: $panel; }
    & .conversation--code { color: $foreground; background: $panel; }
    & .conversation--code-label { color: $muted; }
    & .conversation--code-keyword { color: $primary; text-style: bold; }
    & .conversation--code-name { color: $secondary; }
    & .conversation--code-type { color: $accent; }
    & .conversation--code-string { color: $success; }
    & .conversation--code-number { color: $warning; }
    & .conversation--code-comment { color: $muted; text-style: italic; }
    & .conversation--code-operator { color: $foreground; }
    & .conversation--table-line { color: $muted 70%; }
    & .conversation--found { color: $foreground; background: $warning 35%; }
    & .conversation--found-here { color: $background; background: $warning; text-style: bold; }
    & .conversation--table-header { text-style: bold; }
}
"""
