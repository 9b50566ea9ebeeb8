"""The parser of ``mcp-tui history``."""

from __future__ import annotations

import argparse

ID_HELP = "its id, the beginning of it, or 'last' for the one that changed last"
_DELETED_HELP = "an id in the trash, the beginning of it, or 'last' for what was deleted last"


def add_history(history: argparse.ArgumentParser) -> None:
    """Subcommands of ``history``; without one, the app opens its history screen."""
    history.set_defaults(command="history")
    commands = history.add_subparsers(title="commands", metavar="COMMAND")

    def command(name: str, does: str, more: str = "") -> argparse.ArgumentParser:
        parser = commands.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}. {more}")
        parser.set_defaults(command=f"history_{name.replace('-', '_')}")
        return parser

    listing = command("list", "all conversations, last changed first")
    listing.add_argument("words", metavar="WORD", nargs="*", help="only those with all these words in title or tags")
    listing.add_argument("--trash", action="store_true", help="deleted ones instead")
    _limit(listing, None)
    show = command("show", "a conversation as text", "What looks like a key in a tool's result is masked.")
    search = command(
        "search",
        "full text of everything said, called and returned",
        "Newest first. Words must all occur, the last one may go on; '\"several words\"', in quotes that the shell "
        "leaves there, must follow each other; -word must not occur. Filters: tool:time.* server:git status:error "
        "model:NAME kind:result before:2026-11-01 after:2w tag:NAME.",
    )
    search.add_argument("words", metavar="QUERY", nargs="+", help="a word, a phrase or a filter; -words come after --")
    _limit(search, 20)
    rename = command("rename", "give a conversation another title")
    tag = command("tag", "add tags to a conversation, or take them away", "Says which tags it has then.")
    delete = command("delete", "move conversations to the trash", "Asks first.")
    restore = command("restore", "take conversations back out of the trash")
    empty = command("empty-trash", "remove for ever what is in the trash", "Asks first.")
    check = command(
        "check",
        "read every file and report what is damaged",
        "That is every line of every conversation, in the trash too. Exits with 0 when nothing is damaged, or all of "
        "it is set aside, with 1 otherwise.",
    )
    check.add_argument(
        "--repair",
        action="store_true",
        help="move damaged lines into a file beside the conversation; no good line is touched",
    )
    compact = command(
        "compact",
        "remove parts of streamed answers that are there as a whole",
        "It happens by itself after a turn; nothing that can be seen changes.",
    )
    exporting = command(
        "export",
        "write a conversation as Markdown, JSON or HTML",
        "Without --output it goes to standard output, or, where that is a terminal, into a file here that is named "
        "after its title. What looks like a key in a tool's result is masked.",
    )
    exporting.add_argument(
        "--format", choices=("markdown", "json", "html"), default="", help="default: as --output ends, else markdown"
    )
    exporting.add_argument("--output", metavar="FILE", default="", help="a file, a folder, or - for standard output")
    exporting.add_argument("--force", action="store_true", help="replace a file that is there")
    exporting.add_argument("--with-secrets", action="store_true", help="mask nothing")
    importing = command(
        "import",
        "take in conversations from files",
        "Files of another mcp-tui (JSONL, or its JSON export), and the exports of ChatGPT and Claude "
        "(conversations.json, or the whole zip file). What is here already is not taken in twice. Exits with 1 when "
        "something could not be taken in.",
    )
    importing.add_argument("files", metavar="FILE", nargs="+", help="what to read")
    stats = command(
        "stats",
        "how much there is: conversations, models, tools, cost, size",
        "What a fork began with, copied from another conversation, counts once.",
    )
    for parser in (show, rename, tag, exporting):
        parser.add_argument("id", metavar="ID", help=ID_HELP)
    delete.add_argument("ids", metavar="ID", nargs="+", help=ID_HELP)
    restore.add_argument("ids", metavar="ID", nargs="+", help=_DELETED_HELP)
    empty.add_argument("ids", metavar="ID", nargs="*", help=f"only these: {_DELETED_HELP}")
    compact.add_argument("ids", metavar="ID", nargs="*", help="only these")
    rename.add_argument("title", metavar="TITLE", help="in quotes where it has several words")
    tag.add_argument("tags", metavar="TAG", nargs="*", help="a tag to add")
    tag.add_argument("--remove", metavar="TAG", action="append", default=[], help="a tag to take away; repeatable")
    for parser in (delete, empty):
        parser.add_argument("--yes", action="store_true", help="do not ask")
    for parser in (listing, show, search, rename, tag, delete, restore, empty, check, compact, importing, stats):
        parser.add_argument("--json", action="store_true", help="JSON instead of words")
    exporting.add_argument(
        "--json", action="store_true", help="say as JSON where it went; the conversation as JSON is --format json"
    )


def _limit(parser: argparse.ArgumentParser, default: int | None) -> None:
    words = "all" if default is None else str(default)
    parser.add_argument(
        "--limit", metavar="N", type=_positive, default=default, help=f"at most so many (default: {words})"
    )


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text[:20]!r}: write a number from 1 on")
    return int(text)
