"""The shape of the program, checked: rooms of third parties, import hygiene, literal text, what is shipped."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "mcp_tui"

ROOMS = {
    "litellm": ("gateway/worker.py",),
    "tiktoken": ("gateway/",),
    "mcp": ("host/", "demo/servers/"),
    "mcp_types": ("host/", "demo/servers/"),
    "jsonschema_rs": ("host/", "gateway/", "engine/"),
    "textual": ("ui/",),
    "rich": ("ui/",),
    "filelock": ("history/", "trust/", "config/"),
    "platformdirs": ("config/",),
    "yaml": ("config/",),
    "ruamel": ("config/",),
    "anyio": ("host/", "demo/servers/"),
    "httpx": ("gateway/worker.py",),
    "openai": ("gateway/worker.py",),
    "pydantic_core": ("config/",),
    "annotated_types": ("config/",),
    "pygments": ("ui/", "config/"),
    "markdown_it": ("ui/", "export/"),
    "regex": ("conversation/ignoring.py",),
}
"""Third party -> the places that may import it, below the package."""

ANYWHERE = frozenset({"pydantic", "mcp_tui"})


@cache
def modules() -> tuple[tuple[str, ast.Module], ...]:
    return tuple(
        (path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_text(encoding="utf-8")))
        for path in sorted(PACKAGE.rglob("*.py"))
    )


def imports(tree: ast.AST) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module, node.lineno


def test_each_third_party_stays_in_its_room() -> None:
    strays = []
    for name, tree in modules():
        for module, line in imports(tree):
            top = module.partition(".")[0]
            if top in sys.stdlib_module_names or top in ANYWHERE:
                continue
            if not any(name.startswith(room) for room in ROOMS.get(top, ())):
                strays.append(f"{name}:{line} imports {module}")
    assert not strays


def fresh(code: str) -> str:
    """Output of a piece of code in an interpreter of its own."""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.strip()


HEAVY = ("pydantic", "yaml", "mcp", "mcp_types", "litellm", "tiktoken", "filelock", "jsonschema_rs", "httpx", "openai")


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("mcp_tui", (*HEAVY, "textual", "asyncio")),
        ("mcp_tui.ui.app", HEAVY),
        ("mcp_tui.cli.app", HEAVY),
        ("mcp_tui.demo.guide", (*HEAVY, "textual", "asyncio")),
        ("mcp_tui.engine.engine", ("textual", "litellm")),
        ("mcp_tui.gateway.demo", ("textual", "litellm", "mcp", "tiktoken")),
        ("mcp_tui.gateway.litellm_gateway", ("textual", "litellm", "mcp")),
        ("mcp_tui.cli.wiring", ("textual", "litellm")),
        ("mcp_tui.cli.history", ("textual", "litellm", "mcp", "tiktoken", "yaml")),
        ("mcp_tui.cli.replay", ("textual", *HEAVY)),
        ("mcp_tui.cli.replay_app", HEAVY),
        ("mcp_tui.host.host", ("textual", "litellm", "tiktoken")),
        ("mcp_tui.history.jsonl", ("textual", "litellm", "mcp")),
        ("mcp_tui.history.search.indexer", ("textual", "litellm", "mcp", "pydantic", "platformdirs")),
        ("mcp_tui.config.loader", ("textual", "litellm", "mcp")),
    ],
)
def test_importing_a_part_loads_nothing_it_should_not(module: str, forbidden: tuple[str, ...]) -> None:
    code = f"import sys, {module}\nprint(sorted(set({forbidden!r}) & set(sys.modules)))"
    assert fresh(code) == "[]"


def test_the_import_alone_is_silent_and_reads_no_configuration(tmp_path: Path) -> None:
    assert fresh("import mcp_tui.cli.app, mcp_tui.ui.app, mcp_tui.gateway.demo") == ""


# -- text from outside is never markup ------------------------------------------------------------

_MARKUP_MODULES = ("rich.markup", "textual.markup")


def _markup_uses(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="from_markup" | "render_markup")):
                yield node.lineno, "from_markup"
            case ast.Call(func=ast.Name(id="escape")):
                yield node.lineno, "escape()"
            case ast.keyword(arg="markup", value=ast.Constant(value=True)):
                yield node.value.lineno, "markup=True"
            case ast.ImportFrom(module=str(module)) if module in _MARKUP_MODULES:
                yield node.lineno, f"import of {module}"
            case ast.JoinedStr() if re.search(
                r"\[/?(?:bold|b|dim|italic|i|u|underline|reverse|red|green|yellow|\$[a-z-]+)\]|\[/\]|\[link=|\[@click",
                _literal(node),
            ):
                yield node.lineno, "an f-string with markup"


def _literal(node: ast.JoinedStr) -> str:
    return "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))


def test_case_083_no_markup_is_made_from_values() -> None:
    """Text from outside is data (requirement J2): no markup is parsed and nothing is escaped into it."""
    allowed = {"export/html_text.py": "escape()"}
    found = [
        f"{name}:{line} {what}"
        for name, tree in modules()
        for line, what in _markup_uses(tree)
        if allowed.get(name) != what
    ]
    assert not found


def test_case_083_the_scan_for_markup_finds_each_kind() -> None:
    code = (
        "from rich.markup import escape\nText.from_markup(x)\nescape(x)\nStatic(x, markup=True)\nf'[bold]{x}[/bold]'\n"
    )
    found = [what for _, what in _markup_uses(ast.parse(code))]
    assert sorted(found) == [
        "an f-string with markup",
        "escape()",
        "from_markup",
        "import of rich.markup",
        "markup=True",
    ]


# -- what the repository holds --------------------------------------------------------------------

_LOCAL_PATH = re.compile(
    r"(?<![\w.~/-])/(?:work|root|home/(?!user\b|me\b|you\b)\w+|Users/(?!me\b|you\b)\w+)/", re.IGNORECASE
)
_TEXT_FILES = (".py", ".md", ".toml", ".yaml", ".yml", ".json", ".tcss", ".lock", ".txt", "")


def tracked() -> list[Path]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs git and a clone")
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_place_of_one_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked()
        if path.suffix in _TEXT_FILES and path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if _LOCAL_PATH.search(line)
    ]
    assert not found


def test_the_locks_pin_with_hashes_and_name_no_host() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text()
        pins = re.findall(r"^([a-z0-9][\w.-]*)==\S+ \\\n    --hash=sha256:", text, re.MULTILINE)
        assert len(pins) == len(re.findall(r"^[a-z0-9]", text, re.MULTILINE)), name
        assert not re.search(r"://|^-|@ file", text, re.MULTILINE)
    runtime = set(re.findall(r"^[a-z0-9]\S+==\S+", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    everything = set(re.findall(r"^[a-z0-9]\S+==\S+", (ROOT / "requirements-dev.lock").read_text(), re.MULTILINE))
    assert runtime <= everything


def test_the_wheel_holds_themes_sample_configuration_and_stylesheets(tmp_path: Path) -> None:
    """Built by the backend itself, without an index; skips where the backend is not installed."""
    pytest.importorskip("hatchling")
    code = f"import hatchling.build as build; print(build.build_wheel({str(tmp_path)!r}))"
    wheel = tmp_path / fresh(code).splitlines()[-1]
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for folder in ("themes", "sample_config"):
        shipped = {path.name for path in (ROOT / folder).iterdir() if not path.name.startswith(".")}
        assert shipped
        assert shipped <= {name.rpartition("/")[2] for name in names if name.startswith(f"mcp_tui/_data/{folder}/")}
    sources = {
        path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*") if path.suffix in (".py", ".tcss", ".css")
    }
    assert {name for name in sources if "__pycache__" not in name} <= names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]
