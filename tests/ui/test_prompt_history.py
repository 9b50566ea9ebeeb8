from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

from mcp_tui.safety.secrets import Redactor
from mcp_tui.ui.prompt_history import MAX_PROMPTS, PromptHistory


def test_case_011_prompts_survive_and_are_private(tmp_path: Path) -> None:
    path = tmp_path / "state" / "prompts.jsonl"
    PromptHistory(path).add("one\ntwo")
    PromptHistory(path).add("three")
    assert PromptHistory(path).prompts == ["one\ntwo", "three"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_repeated_and_empty_prompts_are_not_kept(tmp_path: Path) -> None:
    history = PromptHistory(tmp_path / "p")
    for prompt in ("a", "a", "  ", "b"):
        history.add(prompt)
    assert history.prompts == ["a", "b"]


def test_torn_and_foreign_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "p"
    path.write_bytes(b'"good"\n{"no": 1}\n\xff\xff\n"torn')
    history = PromptHistory(path)
    assert history.prompts == ["good"]
    history.add("next")
    assert PromptHistory(path).prompts == ["good", "next"]


def test_the_number_is_capped(tmp_path: Path) -> None:
    path = tmp_path / "p"
    path.write_text("".join(f'"{number}"\n' for number in range(MAX_PROMPTS + 50)))
    prompts = PromptHistory(path).prompts
    assert len(prompts) == MAX_PROMPTS
    assert prompts[-1] == str(MAX_PROMPTS + 49)


def test_a_big_file_is_compacted(tmp_path: Path) -> None:
    path = tmp_path / "p"
    path.write_text("".join(f'"{number:0>2000}"\n' for number in range(MAX_PROMPTS)))
    for number in range(3):
        PromptHistory(path).add(f"new {number}")
    assert PromptHistory(path).prompts[-3:] == ["new 0", "new 1", "new 2"]
    assert not list(tmp_path.glob(".*"))


def test_a_surrogate_is_kept(tmp_path: Path) -> None:
    PromptHistory(tmp_path / "p").add("a\ud83db")
    assert PromptHistory(tmp_path / "p").prompts == ["a\ud83db"]


def test_unwritable_place_costs_only_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    history = PromptHistory(tmp_path / "file" / "p")
    history.add("kept")
    assert history.prompts == ["kept"]


def test_several_processes_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "p"
    code = (
        "import sys; from pathlib import Path; from mcp_tui.ui.prompt_history import PromptHistory;"
        "h = PromptHistory(Path(sys.argv[1])); [h.add(f'{sys.argv[2]}-{n}') for n in range(40)]"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(path), str(number)]) for number in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert len(PromptHistory(path).prompts) == 120


def test_case_102_a_key_in_a_prompt_stays_out_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "prompts.jsonl"
    history = PromptHistory(path, Redactor(["configured-key"]).scrub)
    history.add("the key is configured-key, look")
    assert history.prompts == ["the key is configured-key, look"]
    assert PromptHistory(path).prompts == ["the key is ***, look"]
