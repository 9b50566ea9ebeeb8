"""``permissions.yaml``: read as a whole or not at all, changed without losing anybody's words."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Any

import pytest

from mcp_tui import resources
from mcp_tui.config import private_files
from mcp_tui.config.globs import BadGlob, parse_glob
from mcp_tui.config.hosts import plain_host, split_port
from mcp_tui.config.rule_models import RuleEntry, to_data
from mcp_tui.config.rules_file import RulesFile, check_new, new_entry, parse_rules
from mcp_tui.config.words import leaves
from mcp_tui.errors import UsageError

SHA256 = "a" * 64

GOOD = """\
# the first line
version: 1

rules:
  # why one
  - id: one          # beside one
    effect: allow
    server: fs
    tool: read
    arguments:
      path: {path_under: /srv}     # beside path
    note: "a # b"

  # why two
  - id: two
    # inside two
    effect: deny
    server: "*"
# the last line
"""


def entry(**fields: Any) -> RuleEntry:
    return RuleEntry.model_validate({"id": "new", "effect": "ask", "server": "git", **fields})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "permissions.yaml"
    file.write_text(GOOD, encoding="utf-8")
    file.chmod(0o600)
    return file


def test_a_missing_file_has_no_rules_and_is_made_on_the_first_one(tmp_path: Path) -> None:
    path = tmp_path / "new" / "permissions.yaml"
    rules = RulesFile.load(path)
    assert (rules.entries, rules.problems, rules.stale) == ((), (), False)
    rules.add(entry())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert RulesFile.load(path).entries == rules.entries == (entry(),)
    assert path.read_text(encoding="utf-8").startswith("# Rules for tool calls")


def test_every_change_keeps_every_other_byte(path: Path) -> None:
    rules = RulesFile.load(path)
    rules.add(entry())
    text = path.read_text(encoding="utf-8")
    block = rules.text(entry())
    assert text == GOOD.replace("# the last line\n", f"{block}# the last line\n")
    rules.remove("new")
    assert path.read_text(encoding="utf-8") == GOOD
    rules.replace("two", entry(id="b2"))
    text = path.read_text(encoding="utf-8")
    assert "  # why two\n  # inside two\n  - id: b2\n" in text
    assert text.startswith(GOOD.partition("  # why two")[0])
    assert text.endswith("# the last line\n")
    rules.remove("one")
    rules.remove("b2")
    rest = path.read_text(encoding="utf-8")
    assert "  []\n" in rest
    for words in ("# the first line", "# why one", "# why two", "# the last line"):
        assert words in rest
    rules.add(entry(id="again"))
    assert [each.id for each in RulesFile.load(path).entries] == ["again"]


@pytest.mark.parametrize(
    "text",
    [
        "version: 1\nrules:\n- id: a\n  effect: ask\n  server: s\n",
        "version: 1\nrules:\n        - id: a\n          effect: ask\n          server: s\n",
        "version: 1\nrules:\n  -\n    id: a\n    effect: ask\n    server: s",
        "version: 1\nrules: [{id: a, effect: ask, server: s}]  # c\n",
        "version: 1\nrules:\n  - {id: a, effect: ask, server: s}\n\n\n# end",
        "rules:\n  - id: a\n    effect: ask\n    server: s\n    note: |\n      two\n      lines\nversion: 1  # c\n",
        "version: 1\r\nrules:\r\n  - id: a\r\n    effect: ask\r\n    server: s\r\n",
        "\ufeffversion: 1\nrules: [ ]\n",
        "version: 1\nrules:\n  []\n",
    ],
)
def test_all_shapes_can_be_changed(tmp_path: Path, text: str) -> None:
    path = tmp_path / "permissions.yaml"
    path.write_bytes(text.encode())
    path.chmod(0o600)
    rules = RulesFile.load(path)
    assert rules.problems == ()
    before = len(rules.entries)
    rules.add(entry())
    rules.add(entry(id="newer", arguments={"x": {"one_of": ["no", 1, None, True, "a: b", "- c", "é\n"]}}))
    rules.replace("new", entry(id="newest"))
    if before:
        rules.remove("a")
    assert [each.id for each in RulesFile.load(path).entries] == ["newest", "newer"]
    for comment in re.findall(r"# \w+", text):
        assert comment in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "value",
    ["no", "on", "017", "12:30:45", "2020-01-01", "~", "null", "1e3", "", " ", "a: b", "#", "- x", "*a", "&a", "!t",
     "%", "@", "`", "'", '"', "\\", "\n", "a\n\nb", "x" * 5000, "é", "\U0001f600", "{a}", "[a]", "yes ", "0x1F", "=",
     "<<", 1, 1.5, -3, 2**53, True, False, None, [], {}, [[1, {"no": "no"}]], {"yes": None, "1": 1}],
)  # fmt: skip
def test_what_is_written_is_read_back_with_its_type(path: Path, value: Any) -> None:
    rules = RulesFile.load(path)
    written = entry(arguments={"x": {"equals": value}, "no": {"one_of": [value]}}, note=str(value))
    rules.add(written)
    found = RulesFile.load(path).entries[-1]
    assert repr(to_data(found)) == repr(to_data(written))


def test_a_rule_that_would_be_read_back_otherwise_is_refused(path: Path) -> None:
    rules = RulesFile.load(path)
    for value in (2**60, "\ud800"):
        with pytest.raises(UsageError):
            rules.add(entry(arguments={"x": {"equals": value}}))
        assert not rules.readable(entry(arguments={"x": {"equals": value}}))
    assert path.read_text(encoding="utf-8") == GOOD


def test_somebody_elses_change_is_not_overwritten(path: Path) -> None:
    rules, other = RulesFile.load(path), RulesFile.load(path)
    assert not rules.stale
    other.add(entry())
    assert rules.stale
    assert not other.stale
    with pytest.raises(UsageError, match="changed by somebody else"):
        rules.add(entry(id="mine"))
    with pytest.raises(UsageError, match="changed by somebody else"):
        rules.remove("one")
    assert [each.id for each in rules.entries] == ["one", "two"]
    rules.reload()
    rules.add(entry(id="mine"))
    assert [each.id for each in RulesFile.load(path).entries] == ["one", "two", "new", "mine"]


def test_a_file_that_was_only_touched_is_not_stale_and_one_that_is_gone_is(path: Path) -> None:
    rules = RulesFile.load(path)
    os.utime(path, ns=(1, 1))
    assert not rules.stale
    path.unlink()
    assert rules.stale
    with pytest.raises(UsageError):
        rules.add(entry())
    assert not path.exists()


def test_a_write_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = RulesFile.load(path)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(private_files.os, "fsync", full)
    with pytest.raises(UsageError, match="No space left"):
        rules.add(entry())
    assert path.read_text(encoding="utf-8") == GOOD
    assert [each.id for each in rules.entries] == ["one", "two"]
    assert list(path.parent.iterdir()) == [path]


def test_a_link_is_followed_when_it_is_written(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.yaml"
    link.symlink_to(path)
    rules = RulesFile.load(link)
    rules.add(entry())
    assert link.is_symlink()
    assert not rules.stale
    assert len(RulesFile.load(path).entries) == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"- a\n", "wrong kind of value"),
        (b"version: 1\n", "rules: is missing"),
        (b"rules: []\n", "version: is missing"),
        (b"version: 2\nrules: []\n", "newer release"),
        (b"version: 1\nrules: []\nrules: []\n", "appears twice"),
        (b"version: 1\nrules:\n  - {id: a, effect: ask, server: s, server: t}\n", "appears twice"),
        (b"version: 1\nrules:\n  - &a {id: a, effect: ask, server: s}\n", "anchor or alias"),
        (b"version: 1\nrules: [\xff]\n", "is not UTF-8"),
        (b"version: 1\nrules: {", "is not valid YAML"),
        (b"version: 1\nrules: []\nextra: 1\n", "is not a known field"),
        (b"\0\0\0", "control character"),
        (b"x" * 1_000_001, "bytes large"),
    ],
)
def test_case_118_a_file_that_cannot_be_used_counts_as_empty_and_is_kept(
    path: Path, content: bytes, words: str
) -> None:
    path.write_bytes(content)
    rules = RulesFile.load(path)
    assert rules.entries == ()
    assert words in "\n".join(map(str, rules.problems))
    with pytest.raises(UsageError, match="left as it is"):
        rules.add(entry())
    assert path.read_bytes() == content


def test_case_118_a_file_that_nobody_may_read_counts_as_empty(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refused)
    rules = RulesFile.load(path)
    assert rules.entries == ()
    assert "Permission denied" in str(rules.problems[0])


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_into_which_others_can_write_counts_as_empty(path: Path, mode: int) -> None:
    path.chmod(mode)
    rules = RulesFile.load(path)
    assert rules.entries == ()
    assert "chmod 600" in rules.problems[0].hint
    path.chmod(0o644)
    rules.reload()
    assert len(rules.entries) == 2


BASE = "id: r, effect: {}, server: s"


@pytest.mark.parametrize(
    ("line", "field", "words"),
    [
        ("{id: r, effect: allow, server: '*'}", "server", "allows every server"),
        ("{id: r, effect: allow, server: 'gi*'}", "server", "is a pattern"),
        ("{id: r, effect: deny, server: 'gi*'}", "server", "is a pattern"),
        ("{id: r, effect: deny, server: ''}", "server", "is no name"),
        ("{id: r, effect: deny, server: ' s'}", "server", "holds characters"),
        ("{id: r, effect: allow, server: s, tool: 'r*'}", "tool", "is a pattern"),
        ("{id: r, effect: deny, server: s, tool: 'r['}", "tool", "without its"),
        ('{id: r, effect: deny, server: s, tool: "a\\u202e"}', "tool", "holds characters"),
        ("{id: 'a b', effect: deny, server: s}", "id", "is no usable name"),
        ("{id: '', effect: deny, server: s}", "id", "is no usable name"),
        ("{id: r, effect: deny, server: s, annotation: read_only}", "annotation", "goes with `allow` only"),
        (f"{{id: r, effect: deny, server: s, tool: t, definition: {SHA256}}}", "definition", "goes with `allow` only"),
        (f"{{id: r, effect: allow, server: s, definition: {SHA256}}}", "definition", "belongs to one tool"),
        ("{id: r, effect: allow, server: s, tool: t, definition: abc}", "definition", "is no SHA-256"),
        ("{id: r, effect: allow, server: s, annotation: readonly}", "annotation", "wrong kind of value"),
        ("{id: r, effect: allow, server: s, project: here}", "project", "no absolute path"),
        ("{id: r, effect: allow, server: s, project: /a/../b}", "project", "holds `..`"),
        ("{id: r, effect: allow, server: s, arguments: {x: {}}}", "arguments.x", "says nothing"),
        ("{id: r, effect: allow, server: s, arguments: {x: {max: 1, glob: a}}}", "arguments.x", "has 2 patterns"),
        ("{id: r, effect: allow, server: s, arguments: {x: 1}}", "arguments.x", "wrong kind of value"),
        ("{id: r, effect: deny, server: s, arguments: {x: {one_of: []}}}", "arguments.x.one_of", "can never match"),
        ("{id: r, effect: deny, server: s, arguments: {x: {one_of: [1, 1]}}}", "arguments.x.one_of[1]", "there twice"),
        ("{id: r, effect: deny, server: s, arguments: {x: {host_in: []}}}", "arguments.x.host_in", "can never match"),
        ("{id: r, effect: deny, server: s, arguments: {x: {host_in: ['a/b']}}}", "arguments.x.host_in[0]", "no host"),
        ("{id: r, effect: deny, server: s, arguments: {x: {host_in: ['*.a']}}}", "arguments.x.host_in[0]", "no host"),
        ("{id: r, effect: deny, server: s, arguments: {x: {host_in: ['a:0']}}}", "arguments.x.host_in[0]", "no host"),
        ("{id: r, effect: deny, server: s, arguments: {x: {glob: ''}}}", "arguments.x.glob", "only the empty text"),
        ("{id: r, effect: deny, server: s, arguments: {x: {glob: '[z-a]'}}}", "arguments.x.glob", "empty range"),
        ("{id: r, effect: deny, server: s, arguments: {x: {glob: '***'}}}", "arguments.x.glob", "more than two stars"),
        ("{id: r, effect: allow, server: s, arguments: {x: {glob: 'a/../*'}}}", "arguments.x.glob", "takes no `..`"),
        ("{id: r, effect: deny, server: s, arguments: {x: {path_under: srv}}}", "arguments.x.path_under", "absolute"),
        ("{id: r, effect: deny, server: s, arguments: {x: {path_under: ~/a}}}", "arguments.x.path_under", "absolute"),
        ("{id: r, effect: deny, server: s, arguments: {x: {path_under: /a/~b}}}", "arguments.x.path_under", "or `~`"),
        ("{id: r, effect: deny, server: s, arguments: {x: {max: .nan}}}", "arguments.x.max", "special notations"),
        ("{id: r, effect: deny, server: s, arguments: {x: {max: .inf}}}", "arguments.x.max", "special notations"),
        ("{id: r, effect: deny, server: s, arguments: {x: {max: '1'}}}", "arguments.x.max", "wrong kind of value"),
        ("{id: r, effect: deny, server: s, arguments: {x: {max: true}}}", "arguments.x.max", "wrong kind of value"),
        ("{id: r, effect: allow, server: s, arguments: {x: {max: -1}}}", "arguments.x.max", "can never match"),
        (
            "{id: r, effect: deny, server: s, arguments: {x: {equals: 2020-01-01}}}",
            "arguments.x.equals",
            "read as a date",
        ),
        (
            '{id: r, effect: allow, server: s, arguments: {x: {equals: "a\\u202e"}}}',
            "arguments.x.equals",
            "never match",
        ),
        ("{id: r, effect: Deny, server: s}", "effect", "wrong kind of value"),
        ("{effect: deny, server: s}", "id", "is missing"),
        ("{id: r, effect: deny, server: s, tools: x}", "tools", "is not a known field"),
    ],
)
def test_case_110_a_rule_that_can_never_match_or_allows_too_much(line: str, field: str, words: str) -> None:
    entries, problems = parse_rules(
        Path("p.yaml"), f"version: 1\nrules:\n  - {{id: ok, effect: ask, server: s}}\n  - {line}\n"
    )
    found = {problem.field: problem for problem in problems}
    problem = found[f"rules[1].{field}"]
    assert words in problem.message
    assert problem.line == 4
    assert len(found) == 1, problems
    assert entries == () or problems


def test_an_id_stands_once() -> None:
    text = "version: 1\nrules:\n  - {id: a, effect: ask, server: s}\n  - {id: a, effect: deny, server: s}\n"
    _, problems = parse_rules(Path("p.yaml"), text)
    assert [(problem.line, problem.field) for problem in problems] == [(4, "rules[1].id")]
    assert "in line 3" in problems[0].message


def test_a_new_entry_is_checked_like_one_of_the_file() -> None:
    with pytest.raises(UsageError, match="can never match"):
        check_new(entry(arguments={"x": {"one_of": []}}))
    with pytest.raises(UsageError, match="is not a known field"):
        new_entry({"id": "a", "effect": "ask", "server": "s", "toool": "x"})
    rules = RulesFile()
    rules.add(entry())
    with pytest.raises(UsageError, match="There is a rule new already"):
        rules.add(entry())
    with pytest.raises(UsageError, match="There is no rule x"):
        rules.replace("x", entry())
    assert rules.path is None


SAMPLE = resources.sample_config_dir() / "permissions.yaml"


def test_the_sample_loads_and_so_do_its_examples() -> None:
    text = SAMPLE.read_text(encoding="utf-8")
    assert parse_rules(SAMPLE, text) == ((), [])
    lines = text.partition("# Examples")[2].splitlines()
    examples = "\n".join(line[1:] for line in lines if line.startswith("#  "))
    entries, problems = parse_rules(SAMPLE, f"version: 1\nrules:\n{examples}\n")
    assert problems == []
    assert {each.effect for each in entries} == {"allow", "deny", "ask"}
    assert len(entries) == 5
    for path, _ in leaves(RuleEntry):
        assert re.search(rf"\b{path[-1]}\b", text), path


@pytest.mark.parametrize("pattern", ["[", "a[", "[]", "[!]", "***", "a****", "[b-a]", "x" * 1001])
def test_bad_globs(pattern: str) -> None:
    with pytest.raises(BadGlob):
        parse_glob(pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "narrow", "wide"),
    [
        ("a*c", "abc", True, True),
        ("a*c", "a/c", False, True),
        ("a**c", "a/b/c", True, True),
        ("a?c", "a/c", False, True),
        ("[!a]b", "/b", False, True),
        ("[a-c]x", "bx", True, True),
        ("[a-c]x", "Bx", False, True),
        ("[]a]", "]", True, True),
        ("[*]", "*", True, True),
        ("[*]", "x", False, False),
        ("ABC", "abc", False, True),
        ("stra\u00dfe", "STRASSE", False, True),
        ("e\u0301", "\u00e9", True, True),
        ("abc", "abcd", False, False),
        ("*", "", True, True),
    ],
)
def test_globs(pattern: str, text: str, narrow: bool, wide: bool) -> None:
    assert parse_glob(pattern).matches(text) is narrow
    assert parse_glob(pattern, wide=True).matches(text) is wide


@pytest.mark.parametrize(
    ("host", "plain"),
    [("A.Example", "a.example"), ("b\u00fccher.example", "xn--bcher-kva.example"), ("[::1]", "::1"), ("::1", "::1"),
     ("a.example.", None), ("a..b", None), ("", None), ("a b", None), ("fa\u00df.example", None),
     ("\uff41.example", None), ("-a.example", None), ("a@b", None), ("a/b", None), ("*.a", None),
     ("a" * 64, None), ("my_host", "my_host")],
)  # fmt: skip
def test_hosts(host: str, plain: str | None) -> None:
    assert plain_host(host) == plain


@pytest.mark.parametrize(
    ("text", "split"),
    [("a:80", ("a", 80)), ("a", ("a", None)), ("[::1]:8080", ("::1", 8080)), ("::1", ("::1", None)), ("a:", None),
     ("a:x", None), ("a:0", None), ("a:65536", None), (":80", None), ("http://a", None)],
)  # fmt: skip
def test_hosts_with_ports(text: str, split: tuple[str, int | None] | None) -> None:
    assert split_port(text) == split
