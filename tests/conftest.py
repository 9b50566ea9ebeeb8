"""What every test may rely on: an isolated machine, no network but loopback, nothing left behind."""

from __future__ import annotations

import inspect
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support import leftovers, net, warm_workers

_PROVIDER_VARIABLE = re.compile(
    r"(_API_KEY|_API_BASE|_BASE_URL|_API_TOKEN|_ACCESS_TOKEN|_SECRET_ACCESS_KEY)$"
    r"|^(OPENAI|ANTHROPIC|AZURE|GEMINI|GOOGLE|GROQ|MISTRAL|OLLAMA|AWS|HF|HUGGINGFACE|LITELLM|MCP_TUI|MCP_)"
)
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "no_proxy")
_HOME_FOLDERS = {
    "XDG_CONFIG_HOME": ".config",
    "XDG_DATA_HOME": ".local/share",
    "XDG_STATE_HOME": ".local/state",
    "XDG_CACHE_HOME": ".cache",
    "XDG_RUNTIME_DIR": ".run",
}


def pytest_configure(config: pytest.Config) -> None:
    """Shut the network before anything is imported that might reach for it.

    A shell ignores Ctrl+C for what it starts in the background, nohup ignores a hang-up, and children inherit both:
    undone here, so that the programs under test can be ended wherever the tests run.
    """
    net.allow_loopback_only()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def isolated_machine(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and an environment without a key, a proxy or a setting of the person who runs the tests."""
    home = tmp_path_factory.mktemp("home", numbered=True)
    for name in list(os.environ):
        if _PROVIDER_VARIABLE.search(name) or name.lower() in _PROXIES:
            monkeypatch.delenv(name)
    for name, folder in _HOME_FOLDERS.items():
        (home / folder).mkdir(parents=True, mode=0o700)
        monkeypatch.setenv(name, str(home / folder))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    for name in ("COLUMNS", "LINES", "NO_COLOR", "EDITOR", "VISUAL", "TEXTUAL_COLOR_SYSTEM", "TEXTUAL"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture(scope="session")
def workers() -> Iterator[str]:
    """The socket of a template that workers of the model layer are forked from."""
    with warm_workers.template() as name:
        yield name


@pytest.fixture(autouse=True)
def no_process_left() -> Iterator[None]:
    """After each test every process that it started, directly or not, is gone."""
    before = leftovers.descendants()
    yield
    left = leftovers.remaining_processes(before, seconds=6)
    if left:
        described = leftovers.describe_and_end(left)
        pytest.fail("processes left behind:\n" + "\n".join(described), pytrace=False)


@pytest.fixture
async def no_task_left() -> AsyncIterator[None]:
    """After each async test no task of its event loop is still running; set up first, so torn down last."""
    yield
    left = await leftovers.remaining_tasks(seconds=2)
    if left:
        pytest.fail("tasks left behind:\n" + "\n".join(left), pytrace=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every async test the check of its event loop; files that take longest come first.

    Several workers then have enough left to share out at the end.
    """
    seconds: Counter[Path] = Counter()
    for item in items:
        seconds[item.path] += _estimate(item)
    items.sort(key=lambda item: (-seconds[item.path], item.path))
    for item in items:
        if isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.function):
            item.fixturenames.insert(0, "no_task_left")


def _estimate(item: pytest.Item) -> float:
    """Seconds that a test takes, roughly: by whether it starts the whole program and looks at it, or waits at all."""
    if item.get_closest_marker("terminal") is not None:
        return 6
    if "program" in getattr(item, "fixturenames", ()):
        return 3
    return 0.3 if inspect.iscoroutinefunction(getattr(item, "function", None)) else 0.02


@pytest.fixture(autouse=True, scope="session")
def no_litellm_in_this_process() -> Iterator[None]:
    """LiteLLM belongs into a worker process: nothing that the tests import may load it here."""
    yield
    loaded = [name for name in sys.modules if name == "litellm" or name.startswith("litellm.")]
    assert not loaded, f"litellm was imported into the test process: {loaded[:3]}"
