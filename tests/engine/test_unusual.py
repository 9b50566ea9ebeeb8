"""What is called unusual about arguments, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_tui.engine.unusual import folders, hosts, unusual_fields


@pytest.mark.parametrize(
    ("now", "earlier", "said"),
    [
        ({"a": 1}, [], {}),
        ({"a": 1}, [{"a": 2}], {}),
        ({"a": 1, "b": None}, [{"a": 2}, {"a": 3}], {"b": "not sent before"}),
        ({"b": 1}, [{"a": 2}, {"b": 3}], {}),
        ({"url": "https://evil.example/x"}, [{"url": "https://good.example/y"}], {"url": "new host evil.example"}),
        ({"url": "https://GOOD.example:8443/x"}, [{"url": "https://good.example/y"}], {}),
        ({"url": "https://a.example@b.example/"}, [{"url": "https://a.example/"}], {"url": "new host b.example"}),
        ({"text": "http://a.test, http://b.test"}, [{"text": "http://a.test."}], {"text": "new host b.test"}),
        ({"host": "evil.example"}, [{"host": "Good.example"}], {"host": "new host evil.example"}),
        ({"path": "/etc/passwd"}, [{"path": "/tmp/a"}, {"path": "/tmp/b/c"}], {"path": "new folder /etc"}),
        ({"path": "/tmp/../etc/passwd"}, [{"path": "/tmp/a"}], {"path": "new folder /etc"}),
        ({"path": "/tmp/x"}, [{"path": "/tmp/a"}], {}),
        ({"path": "/home/me/.ssh/id"}, [{"path": "/home/me/code/a"}], {"path": "new folder /home/me/.ssh"}),
        ({"path": "../x"}, [{"path": "src/a"}], {"path": "new folder .."}),
        ({"path": "src/../lib/a"}, [{"path": "src/a"}], {"path": "new folder lib"}),
        ({"files": ["/tmp/a", {"path": "/etc/b"}]}, [{"files": ["/tmp/x"]}], {"files": "new folder /etc"}),
        ({"path": "file:///etc/pass%77d"}, [{"path": "/tmp/a"}], {"path": "new folder /etc"}),
        ({"text": "a/b or c"}, [{"text": "d"}], {}),
        ({"text": "x" * 200}, [{"text": "x" * 20}], {"text": "longest so far: 200 characters, before 20"}),
        ({"text": "x" * 80}, [{"text": "x"}], {}),
        ({"text": "x" * 120}, [{"text": "x" * 100}], {}),
        ({"items": ["x" * 30] * 9}, [{"items": ["x"]}], {"items": "longest so far: 306 characters, before 5"}),
    ],
)  # fmt: skip
def test_each_kind_is_named_and_the_usual_is_not(
    now: dict[str, Any], earlier: list[dict[str, Any]], said: dict[str, str]
) -> None:
    assert unusual_fields(now, earlier) == said


def test_all_of_a_value_is_looked_at() -> None:
    value = {"a": [{"url": "http://one.example"}, "http://two.example"], "dir": "~/x/y"}
    assert list(hosts("value", value)) == ["one.example", "two.example"]
    assert list(folders("value", value)) == ["~/x"]


def test_odd_values_are_no_error() -> None:
    for odd in ("http://[", "//", "/", "~", "", "\ud800/x", "file://", "http://a\n", None, 1.5, {"": ""}, [[]]):
        unusual_fields({"path": odd}, [{"path": odd}, {"path": "/a"}])
