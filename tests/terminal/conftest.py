"""The whole program in a real pseudo-terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.program import Program, provider_in_thread
from tests.support.providers import FakeProvider


@pytest.fixture
def program(tmp_path: Path, workers: str) -> Program:
    return Program(tmp_path, workers)


@pytest.fixture
def provider() -> Iterator[FakeProvider]:
    with provider_in_thread() as running:
        yield running
