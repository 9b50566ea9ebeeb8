"""Secrets planted in every path are found in the configuration only (cases 11, 77, 102, 103)."""

from __future__ import annotations

import base64
import json
import stat
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import yaml

from mcp_tui.host.environment import INHERITED
from tests.support.hosts import SERVERS
from tests.support.program import KEY, LARGE, Program
from tests.support.providers import FakeProvider
from tests.terminal import steps

pytestmark = pytest.mark.terminal


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Its workers start as they do for people: their own life is looked at here."""
    return Program(tmp_path)


SECOND = "second-provider/marker+0a1b2c3d4e5f"
MINE = 'entry-of-server-a"marker\\0011223344'
OTHER = "entry-of-server-b-marker-99887766"
LITERAL = "literal-in-the-file-marker-55667788"
ARGUMENT = "in-the-arguments-marker-12341234"
SECRETS = {"key": KEY, "second": SECOND, "mine": MINE, "other": OTHER, "literal": LITERAL, "argument": ARGUMENT}
UNNAMED = "of-the-environment-only-marker-4242"
"""In an environment variable that no configuration names."""
LOOKS_LIKE = "ghp_" + "Ab0Cd1Ef2Gh3Ij4Kl5Mn6Op7Qr8St9Uv0Wx1"
"""In a result, and in no configuration: kept in the conversation, shown nowhere."""

ENVIRON = {"SECOND_KEY": SECOND, "A_VALUE": MINE, "B_VALUE": OTHER, "AWS_SECRET_ACCESS_KEY": UNNAMED}


def planted(secret: str) -> list[str]:
    """Ways to write a secret."""
    encoded = [base64.b64encode(f"{before}{secret}:x".encode()).decode() for before in ("", "u", "u:")]
    return [secret, json.dumps(secret)[1:-1], quote(secret, safe=""), secret.upper(), *encoded]


def forms(secret: str) -> list[str]:
    """What is looked for: the same, but of base64 only what does not depend on what stands beside the secret."""
    plain = planted(secret)[:-3]
    return plain + [form[4:-8] for form in planted(secret)[-3:]]


EVERY = "\n".join(f"{name}: {form}" for name, secret in SECRETS.items() for form in planted(secret))
"""All of them, in all forms, as a server or provider may send them back."""


def found(text: str) -> list[str]:
    """The secrets that stand in ``text`` in any form, with what stands before them."""
    places = [(name, text.find(form)) for name, secret in SECRETS.items() for form in forms(secret)]
    return [f"{name} after {text[max(0, at - 60) : at]!r}" for name, at in places if at >= 0]


def prepare(program: Program, provider: FakeProvider) -> None:
    """Two servers that know secrets and give away all of them on every path they have."""
    plans = program.folder / "plans"
    plans.mkdir()
    authorization = f"Authorization: Bearer {KEY}\nX-Api-Key: {SECOND}"

    def entry(name: str, arguments: list[str], env: dict[str, str]) -> dict[str, Any]:
        plan = {
            "tools": [
                {"name": tool, "inputSchema": {"type": "object"}} for tool in ("tell", "fail", "broken", "looks")
            ],
            "results": {
                "tell": {"content": [{"type": "text", "text": EVERY}], "structuredContent": {EVERY: [EVERY, SECRETS]}},
                "broken": {"isError": True, "content": [{"type": "text", "text": f"{authorization}\n{EVERY}"}]},
                "looks": {"content": [{"type": "text", "text": f"token {LOOKS_LIKE} end"}]},
            },
            "errors": {"fail": {"code": -32000, "message": f"{authorization} {EVERY}", "data": EVERY}},
            "stderr": [authorization, *EVERY.split("\n")],
            "logs": [EVERY],
            "progress": [EVERY],
            "record": str(plans / f"{name}.record"),
        }
        path = plans / f"{name}.json"
        path.write_text(json.dumps(plan), encoding="utf-8")
        return {
            "command": sys.executable,
            "args": [str(SERVERS / "scripted_server.py"), str(path), *arguments],
            "env": env,
        }

    dying = f"import sys; sys.stderr.write({EVERY!r}); sys.exit(3)"
    servers = {
        "a": entry("a", [], {"A_TOKEN": "env:A_VALUE", "A_PLAIN": "for a only"}),
        "b": entry("b", ["--token", ARGUMENT], {"B_PASSWORD": "${B_VALUE}", "B_SECRET": LITERAL}),
        "dying": {"command": sys.executable, "args": ["-c", dying]},
    }
    program.environ |= ENVIRON
    program.configure(provider.openai_base, servers, connection={"max_reconnect_attempts": 0}, trust=False)
    config = yaml.safe_load(program.config_file.read_text())
    config["llm"]["providers"]["second"] |= {"api_key": "env:SECOND_KEY"}
    program.config_file.write_text(yaml.safe_dump(config), encoding="utf-8")
    program.trust(env=ENVIRON)
    spread = [{"text": f"the key is {KEY[:9]}"}, {"text": KEY[9:20]}, {"text": f"{KEY[20:]} and {MINE[:12]}"}]
    spread += [{"text": f"{MINE[12:]}, {LITERAL[:4]}"}, {"reasoning": EVERY}]
    asked = [[f"a__{tool}", {}] for tool in ("tell", "fail", "broken", "looks")]
    calls = [{"call": {"index": i, "id": f"c{i}", "name": n, "arguments": a}} for i, (n, a) in enumerate(asked)]
    provider.script(
        {"has_result": False, "match": "go", "steps": [*spread, *calls, {"finish": "tool_calls"}, {"done": True}]},
        {"has_result": True, "text": f"all told: {EVERY} end of it"},
        {"match": "refuse", "status": 401, "repeat": True, "headers": {"x-echo": KEY},
         "body": {"error": {"message": f"Incorrect API key {KEY}. {authorization} {EVERY}"}}},
    )  # fmt: skip


def check_files(program: Program) -> None:
    """No secret in any file that the program wrote, and none of them for others to read."""
    paths = [program.data_dir, *program.data_dir.rglob("*")]
    for path in paths:
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), f"{path} has mode {mode:o}"
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            assert found(text) == [], f"secrets in {path}"
            assert UNNAMED not in text, path
            kept = LOOKS_LIKE in text
            assert kept == (path.suffix == ".jsonl" and path.parent.name == "conversations"), path


def check_servers(program: Program) -> None:
    """Each server got its own environment, the harmless part of ours, and no secret of anybody else."""
    own = {"a": {"A_TOKEN": MINE, "A_PLAIN": "for a only"}, "b": {"B_PASSWORD": OTHER, "B_SECRET": LITERAL}}
    for name, expected in own.items():
        first, *messages = (program.folder / "plans" / f"{name}.record").read_text().splitlines()
        environ = json.loads(first)["environ"]
        assert {key: environ[key] for key in expected} == expected
        assert set(environ) - set(expected) <= {*INHERITED, "LC_CTYPE"}
        others = "\n".join(secret for secret in (*SECRETS.values(), UNNAMED) if secret not in expected.values())
        assert not [secret for secret in others.split("\n") if secret in "".join(environ.values())]
        assert found("\n".join(messages)) == []


def check_requests(provider: FakeProvider) -> None:
    """The model was told none of it, results of servers included; only the header of a request holds its key."""
    assert provider.requests
    for request in provider.requests:
        assert found(request.body.decode()) == []
        assert UNNAMED not in request.body.decode()
        assert request.headers.get("authorization", "").endswith((KEY, SECOND))


def test_case_102_nowhere_in_the_app(program: Program, provider: FakeProvider) -> None:
    """On the screen, in any tab and pane, on any path: not one secret; the files are private whatever the umask."""
    prepare(program, provider)
    terminal = program.app(size=LARGE)
    terminal.command = ["sh", "-c", 'umask 0; exec "$@"', "sh", *terminal.command]
    with terminal:
        terminal.wait_for("2/3 servers")
        steps.ask(terminal, "go")
        for left in (4, 3, 2, 1):
            steps.answer(terminal, "y", f"approval 1 of {left}")
            terminal.wait_gone(f"approval 1 of {left}")
        terminal.wait_for("end of it")
        steps.idle(terminal)
        assert "key masked" in terminal.text
        terminal.press("f3", "f3")
        for _ in range(4):
            for tab in "12345":
                terminal.press(tab)
                terminal.settle(quiet=0.05, seconds=0.5)
            terminal.press("p")
        terminal.press("f2", "f2")
        for _ in range(3):
            terminal.press("enter")
            terminal.settle(quiet=0.05, seconds=0.5)
            terminal.press("end", "esc", "down")
        terminal.press("ctrl+o", "c", "g")
        for _ in range(12):
            terminal.press("space", "down")
        terminal.settle(quiet=0.1, seconds=1)
        steps.ask(terminal, "")
        terminal.press("ctrl+o", "p")
        steps.ask(terminal, "refuse")
        steps.idle(terminal)
        terminal.press("ctrl+q")
        steps.ended_well(terminal)
        shown = terminal.raw.decode("utf-8", "replace")
    assert found(shown) == []
    assert LOOKS_LIKE not in shown
    assert UNNAMED not in shown
    finished = program.stored("tool_call_finished")
    assert [event["sensitive"] for event in finished if LOOKS_LIKE in json.dumps(event)] == [True]
    check_files(program)
    check_servers(program)
    check_requests(provider)


@pytest.mark.parametrize("words", ["go", "refuse"])
def test_case_102_nowhere_without_the_app(words: str, program: Program, provider: FakeProvider) -> None:
    """Not on standard output, not on standard error, and in no file."""
    prepare(program, provider)
    command = ["sh", "-c", 'umask 0; exec "$@"', "sh"]
    plain = program.command
    program.command = lambda *arguments: [*command, *plain(*arguments)]  # type: ignore[method-assign]
    result = program.run("run", "--policy", "allow", words)
    assert result.returncode == (0 if words == "go" else 1)
    assert found(result.stdout + result.stderr) == []
    assert LITERAL[:4] in result.stdout or words == "refuse", "what might have begun a secret is not lost"
    if words == "go":
        check_files(program)
        check_servers(program)
    check_requests(provider)
    told = program.run("check")
    assert found(told.stdout + told.stderr) == []


CRASH = """
import sys, threading
from mcp_tui.ui.app import McpTuiApp
KEY = sys.argv.pop(1)
def fail(where):
    hidden = KEY
    raise ValueError(f"broken in {where} with {hidden}")

def action_help(self):
    fail("a handler")

async def work():
    fail("a worker")

def action_jump(self):
    self.run_worker(work(), exit_on_error=True)

def action_servers(self):
    self.run_worker(lambda: fail("a thread"), thread=True)

def action_inspect(self):
    threading.Thread(target=fail, args=("a thread of its own",)).start()

McpTuiApp.action_help, McpTuiApp.action_jump = action_help, action_jump
McpTuiApp.action_servers, McpTuiApp.action_inspect = action_servers, action_inspect
if "start" in sys.argv:
    import mcp_tui.cli.wiring
    mcp_tui.cli.wiring.build_engine = lambda *_, **__: fail("the start")
    sys.argv.remove("start")
from mcp_tui.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("where", ["f1", "ctrl+o", "f2", "f3", "start"])
def test_case_093_a_crash_tells_no_configured_secret(where: str, program: Program, provider: FakeProvider) -> None:
    """In a handler, a worker, a thread, at the start: neither the message's nor a local variable's."""
    secret = "plain-words-as-a-key-marker"
    program.configure(provider.openai_base)
    program.config_file.write_text(program.config_file.read_text().replace(KEY, secret), encoding="utf-8")
    terminal = program.app(size=LARGE)
    terminal.command = [sys.executable, "-c", CRASH, secret, *(["start"] if where == "start" else [])]
    with terminal:
        terminal.wait_for("could not start" if where == "start" else "Ask something below")
        if where == "start":
            terminal.press("q")
        else:
            terminal.wait_for("0/0 up")
            terminal.press(where)
        if where == "f3":
            terminal.settle(quiet=0.3, seconds=2)
            terminal.press("ctrl+q")
        steps.ended_well(terminal, {"start": 2, "f3": 0}.get(where, 1))
        shown = terminal.raw.decode("utf-8", "replace")
    assert secret not in shown
    assert secret not in program.written()
    reports = [path.read_text() for path in Path(program.data_dir).rglob("crash-*.txt")]
    if where in ("start", "f3"):
        assert "ValueError" in program.written()
    else:
        assert ["broken in a" in report for report in reports] == [True]
