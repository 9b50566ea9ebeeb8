from __future__ import annotations

import subprocess
import sys

from mcp_tui.ui.keymap import PANES, all_keys, check_keys, effective, is_key, keys_markdown, show_key, split_keys


def test_every_binding_has_an_id_of_its_own_a_place_and_help() -> None:
    bindings = all_keys()
    assert len({binding.id for binding in bindings}) == len(bindings)
    for binding in bindings:
        assert binding.pane in PANES
        assert binding.help
        assert all(is_key(key) for key in split_keys(binding.keys)), binding.id


def test_defaults_have_no_problem() -> None:
    assert check_keys({}) == []
    assert check_keys({binding.id: binding.keys for binding in all_keys()}) == []


def test_unknown_id_names_the_nearest() -> None:
    assert check_keys({"app.pallete": "ctrl+k"}) == [("app.pallete", "no such binding; did you mean app.palette?")]


def test_clash_names_both_ids() -> None:
    [(culprit, problem)] = check_keys({"app.palette": "f1"})
    assert culprit == "app.palette"
    assert "app.help" in problem
    assert "app.palette" in problem


def test_clash_between_a_pane_and_everywhere() -> None:
    assert any("app.history" in problem for _, problem in check_keys({"approval.once": "f4"}))


def test_the_same_key_in_two_panes_is_no_clash() -> None:
    assert check_keys({"approval.once": "r"}) == []


def test_swapping_two_keys_is_no_clash() -> None:
    assert check_keys({"app.servers": "f3", "app.inspector": "f2"}) == []


def test_wrong_keys_are_named() -> None:
    assert "'ctl+p' is no key" in check_keys({"app.palette": "ctl+p"})[0][1]
    assert "reaches programs as tab" in check_keys({"app.palette": "ctrl+i"})[0][1]
    assert check_keys({"app.palette": " "}) == [("app.palette", "a binding needs at least one key")]


def test_overrides_take_effect() -> None:
    assert effective({"app.palette": "ctrl+k, f8"})["app.palette"] == ("ctrl+k", "f8")


def test_keys_as_people_write_them() -> None:
    assert show_key("ctrl+p") == "Ctrl+P"
    assert show_key("ctrl+p", short=True) == "^P"
    assert show_key("escape") == "Esc"
    assert show_key("y") == "y"


def test_readme_table_has_every_binding() -> None:
    table = keys_markdown()
    assert all(f"`{binding.id}`" in table for binding in all_keys())


def test_keys_can_be_checked_without_textual() -> None:
    code = "import sys, mcp_tui.ui.keymap; sys.exit('textual' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_first_paint_needs_nothing_heavy() -> None:
    heavy = {"pydantic", "yaml", "mcp", "litellm", "tiktoken", "httpx", "filelock", "jsonschema_rs"}
    code = f"import sys, mcp_tui.ui.app; print(*({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == ""
