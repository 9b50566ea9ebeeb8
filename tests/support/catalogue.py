"""The fault catalogue: numbered faults, and which of them a mode of the hostile server injects.

A test that injects a fault and asserts what has to happen carries its number in its name: ``test_case_034_...``, or
``case_034_...`` in the id of a parameter.  ``tests/test_catalogue.py`` keeps the list complete.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

LAST = 124
"""Cases are numbered from 1."""

MODES: dict[str, tuple[int, ...]] = {
    "exit0": (29,),
    "exit1": (29,),
    "hang_init": (31,),
    "hang_noread": (31,),
    "hang_after_discover": (31,),
    "slow_start": (32,),
    "banner": (33,),
    "invalid_utf8": (34,),
    "invalid_utf8_start": (34,),
    "flood_garbage": (35,),
    "flood_garbage_start": (35,),
    "huge_result": (36,),
    "flood_bytes": (36,),
    "flood_stderr": (37,),
    "stderr_secret": (37,),
    "error_secret": (102,),
    "die_mid_call": (38,),
    "die_mid_line": (38,),
    "exit_after_init": (45,),
    "stop_self": (47,),
    "close_stdin": (48,),
    "close_stdout": (48,),
    "eat_memory": (49,),
    "tty": (50,),
    "wrong_version": (51,),
    "bad_init_shape": (51,),
    "null_id_error": (52,),
    "result_not_object": (52,),
    "never_answer": (52,),
    "dup_ids": (53,),
    "batch": (54,),
    "line_separators": (54,),
    "nul": (54,),
    "surrogate": (54,),
    "surrogate_bytes": (34, 54),
    "deep_json": (55,),
    "big_int": (55,),
    "redos_schema": (56,),
    "recursive_schema": (56,),
    "schema_mismatch": (57,),
    "schema_missing": (57,),
    "bad_result_shape": (57,),
    "unknown_content": (58,),
    "binary": (58,),
    "one_bad_tool": (59,),
    "endless_pages": (60,),
    "same_cursor": (60,),
    "many_tools": (61,),
    "flood_list_changed": (63,),
    "flood_logs": (64,),
    "flood_progress": (64,),
    "flood_ping": (64,),
    "unsolicited": (65,),
    "sampling_flood": (65,),
    "input_required": (66,),
    "slow_drip": (68,),
}
"""What a mode injects; modes that are no fault by themselves are left out."""


def name_of(mode: str, *more: object) -> str:
    """The id of a parameter: the numbers of the mode's faults, the mode, and whatever tells it from another."""
    numbers = "_".join(f"{number:03}" for number in MODES.get(mode, ()))
    words = "-".join([mode, *(str(part) for part in more if part != "")])
    return f"case_{numbers}_{words}" if numbers else words


def numbers_in(names: Iterable[str]) -> set[int]:
    """The numbers of cases that these names of tests carry."""
    found: set[int] = set()
    for name in names:
        for group in re.findall(r"case((?:_\d{3})+)(?!\d)", name):
            found.update(int(number) for number in group.split("_") if number)
    return found
