"""Every command says what it does, and an argument that is wrong is named with what to write instead."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import pytest

from mcp_tui.cli import main
from mcp_tui.cli.arguments import _parser


def commands(parser: argparse.ArgumentParser, *path: str) -> Iterator[tuple[str, ...]]:
    yield path
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, below in action.choices.items():
                yield from commands(below, *path, name)


@pytest.mark.parametrize("path", commands(_parser()), ids=" ".join)
def test_help_says_what_a_command_does(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([*path, "--help"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    usage, described, *_ = text.split("\n\n")
    assert usage.startswith(" ".join(["usage: mcp-tui", *path]))
    assert not described.startswith(("positional", "options"))
    assert described.rstrip().endswith(".")
    assert max(map(len, described.splitlines())) <= 100


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("histroy",), "argument COMMAND: invalid choice: 'histroy' (choose from"),
        (("history", "lst"), "argument COMMAND: invalid choice: 'lst' (choose from 'list'"),
        (("history", "search", "tea", "-milk"), "-milk; what begins with - and is no option stands behind --"),
        (("history", "list", "--trsh"), "unrecognized arguments: --trsh"),
        (("history", "rename", "last"), "the following arguments are required: TITLE"),
        (("history", "list", "--limit=0"), "argument --limit: '0': write a number from 1 on"),
        (("history", "list", "--limit=x"), "argument --limit: 'x': write a number from 1 on"),
        (("history", "list", "--limit=-1"), "argument --limit: '-1': write a number from 1 on"),
        (("replay", "last", "--speed=fast"), "argument --speed: 'fast': write a number such as"),
        (("history", "export", "last", "--format=pdf"), "argument --format: invalid choice: 'pdf' (choose from"),
    ],
)
def test_a_wrong_argument_is_named(arguments: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert words in capsys.readouterr().err
