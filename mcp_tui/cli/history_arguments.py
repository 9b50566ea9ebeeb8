"""The parser of ``mcp-tui history``."""

from __future__ import annotations

import argparse

ID_HELP = "its id, the beginning of it, or 'last'"


def add_history(history: argparse.ArgumentParser) -> None:
    """Subcommands of ``history``; without one, the app opens its history screen."""
    history.set_defaults(command="history")
    commands = history.add_subparsers(title="commands", metavar="")
    listing = commands.add_parser("list", help="all conversations, last changed first")
    listing.add_argument("words", metavar="WORD", nargs="*", help="only those with all these words in title or tags")
    listing.add_argument("--trash", action="store_true", help="deleted ones instead")
    _limit(listing, None)
    show = commands.add_parser("show", help="a conversation as text")
    search = commands.add_parser(
        "search",
        help="full text of everything said, called and returned",
        description="""Words must all occur; "several words" in quotes must follow each other; -word must not occur.
Filters: tool:time.* server:git status:error model:NAME kind:result before:2026-11-01 after:2026-10-01 tag:NAME""",
    )
    search.add_argument("words", metavar="QUERY", nargs="+", help="put -words after --")
    _limit(search, 20)
    rename = commands.add_parser("rename", help="give it another title")
    tag = commands.add_parser("tag", help="add tags, or take them away; shows the tags that it has then")
    delete = commands.add_parser("delete", help="move to the trash")
    restore = commands.add_parser("restore", help="take back out of the trash")
    empty = commands.add_parser("empty-trash", help="remove for ever what is in the trash")
    check = commands.add_parser(
        "check",
        help="read every file and report what is damaged",
        description="Reads every line of every conversation. Exits with 0 when all is well, with 1 when something is "
        "damaged and was not repaired.",
    )
    check.add_argument(
        "--repair",
        action="store_true",
        help="move damaged lines into a file beside the conversation, in the trash too; no good line is touched",
    )
    compact = commands.add_parser("compact", help="remove parts of streamed answers that are there as a whole")
    exporting = commands.add_parser(
        "export",
        help="write it as Markdown, JSON or HTML",
        description="Without --output it goes to standard output, or, where that is a terminal, into a file here that "
        "is named after its title. What looks like a key in a tool's result is masked.",
    )
    exporting.add_argument("--format", choices=("markdown", "json", "html"), default="", help="default: markdown")
    exporting.add_argument("--output", metavar="FILE", default="", help="a file, a folder, or - for standard output")
    exporting.add_argument("--force", action="store_true", help="replace a file that is there")
    exporting.add_argument("--with-secrets", action="store_true", help="mask nothing")
    importing = commands.add_parser(
        "import",
        help="take in conversations from files",
        description="Files of another mcp-tui (JSONL, or its JSON export), and the exports of ChatGPT and Claude "
        "(conversations.json, or the whole zip file).",
    )
    importing.add_argument("files", metavar="FILE", nargs="+")
    commands.add_parser(
        "stats",
        help="how much there is: conversations, models, tools, cost, size",
        description="How much there is. What a fork began with, copied from another conversation, counts once.",
    )
    for parser in (show, rename, tag, exporting):
        parser.add_argument("id", metavar="ID", help=ID_HELP)
    for parser in (delete, restore):
        parser.add_argument("ids", metavar="ID", nargs="+", help="the beginning of an id is enough")
    for parser in (compact, empty):
        parser.add_argument("ids", metavar="ID", nargs="*", help="only these")
    rename.add_argument("title", metavar="TITLE")
    tag.add_argument("tags", metavar="TAG", nargs="*")
    tag.add_argument("--remove", metavar="TAG", action="append", default=[])
    for parser in (delete, empty):
        parser.add_argument("--yes", action="store_true", help="do not ask")
    for name, parser in commands.choices.items():
        parser.set_defaults(command=f"history_{name.replace('-', '_')}")
        parser.add_argument("--json", action="store_true", help="JSON instead of words")


def _limit(parser: argparse.ArgumentParser, default: int | None) -> None:
    words = "all" if default is None else str(default)
    parser.add_argument("--limit", metavar="N", type=_positive, default=default, help=f"at most so many ({words})")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number
