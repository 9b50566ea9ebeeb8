"""A page of hostile texts in a real browser: nothing runs, nothing is asked for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mcp_tui.export.exporters import export
from tests.export.hostile import ATTACKS, conversation
from tests.support.browser import Site, browse, chromium, site

OWNED = "document.documentElement.setAttribute('data-owned','1')"
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


@pytest.fixture(autouse=True, scope="module")
def browser_is_there() -> None:
    chromium()


def page(served: Site) -> str:
    events, summary = conversation(OWNED, f"{served.address}/hit/")
    return "".join(export("html", events, summary))


def test_the_trap_works(tmp_path: Path) -> None:
    """The same texts without our care do run and do load: what is below could fail."""
    with site() as served:
        texts = [attack(OWNED, f"{served.address}/hit/{number}") for number, attack in enumerate(ATTACKS)]
        staying = "\n".join(text for text in texts if "http-equiv=refresh" not in text)
        served.pages["/page"] = f"<!DOCTYPE html><meta charset=utf-8>{staying}".encode("utf-8", "replace")
        dom = browse(f"{served.address}/page", tmp_path)
    assert 'data-owned="1"' in dom
    assert len([path for path in served.asked if path.startswith("/hit/")]) > 5


@pytest.mark.parametrize("kind", ["as it is", "opened", "without its policy"])
def test_case_083_nothing_in_an_exported_page_runs_or_loads(kind: str, tmp_path: Path) -> None:
    with site() as served:
        text = page(served)
        if kind != "as it is":
            text = text.replace("<details", "<details open")
        if kind == "without its policy":
            text, removed = POLICY.subn("", text)
            assert removed == 1
        served.pages["/page"] = text.encode()
        dom = browse(f"{served.address}/page", tmp_path)
    assert "Exported from mcp-tui." in dom
    assert '<html lang="en">' in dom
    assert served.asked == ["/page"]


def test_the_page_can_be_opened_from_a_file(tmp_path: Path) -> None:
    with site() as served:
        file = tmp_path / "page.html"
        file.write_text(page(served))
        dom = browse(file.as_uri(), tmp_path / "profile", "--allow-file-access-from-files")
    assert "Exported from mcp-tui." in dom
    assert '<html lang="en">' in dom
    assert served.asked == []


def test_the_style_sheet_is_applied_in_spite_of_the_policy(tmp_path: Path) -> None:
    """A hash that is wrong would leave the page without any style: a script of the test's own looks at it."""
    look = "<script>document.body.setAttribute('data-width', getComputedStyle(document.body).maxWidth)</script>"
    with site() as served:
        text = page(served)
        policy = POLICY.search(text)
        assert policy is not None
        allowed = policy[0].replace("default-src 'none'", "default-src 'none'; script-src 'unsafe-inline'")
        text = text.replace(policy[0], allowed).replace("</body>", f"{look}</body>")
        served.pages["/page"] = text.encode()
        dom = browse(f"{served.address}/page", tmp_path)
    assert 'data-width="832px"' in dom
    assert '<html lang="en">' in dom
