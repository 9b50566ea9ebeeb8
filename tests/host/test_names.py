"""Wire names: acceptable to every provider, injective, stable (requirement D8)."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from mcp_tui.host.names import MAX_NAME, safe_key, server_prefixes, tool_names

_ACCEPTED = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,63}")
_parts = st.text(alphabet="ab_.-/ é\x1b0A", max_size=80) | st.text(max_size=80)
_configurations = st.dictionaries(_parts.filter(bool), st.lists(_parts, max_size=6), max_size=6)


@given(_configurations)
@example({"a": ["b__c"], "a__b": ["c"], "a_": ["_b__c", "b__c"], "a_b": ["c"], "A": ["b"]})
@example({"s": ["a b", "a_b", "a.b", "a_b_2b9c5b7a", "x" * 64, "x" * 65, "", "_"]})
@example({"x" * 30: ["t"], "x" * 31: ["t"], "1": ["t"], "m1": ["t"], "constructor": ["constructor", "__proto__"]})
def test_case_062_names_are_accepted_and_injective(configuration: dict[str, list[str]]) -> None:
    prefixes = server_prefixes(configuration)
    assert len(set(prefixes.values())) == len(prefixes)
    names: list[str] = []
    for server, tools in configuration.items():
        mapped = tool_names(prefixes[server], server, tools)
        assert set(mapped) == set(tools)
        names.extend(mapped.values())
    assert all(_ACCEPTED.fullmatch(name) and len(name) <= MAX_NAME for name in names)
    assert len(set(names)) == len(names)


@given(st.lists(_parts, min_size=1, max_size=6, unique=True), st.lists(_parts, max_size=4))
def test_a_plain_name_does_not_depend_on_the_others(tools: list[str], others: list[str]) -> None:
    alone = tool_names("s", "s", ["read_file"])["read_file"]
    assert tool_names("s", "s", ["read_file", *tools, *others])["read_file"] == alone == "s__read_file"


def test_plain_names_stay_readable() -> None:
    prefixes = server_prefixes(["files", "my-server", "9lives", "a  b"])
    assert prefixes["files"] == "files"
    assert prefixes["my-server"] == "my-server"
    assert prefixes["9lives"].startswith("m9lives_")
    assert prefixes["a  b"].startswith("a_b_")


@given(st.lists(st.text(max_size=70), max_size=12, unique=True))
def test_case_062_keys_are_accepted_and_injective(keys: list[str]) -> None:
    taken: set[str] = set()
    for key in keys:
        safe = safe_key(key, taken)
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", safe)
        assert safe not in taken
        taken.add(safe)
