"""``mcp-tui init`` and ``mcp-tui check`` as processes."""

from __future__ import annotations

from tests.support.program import Program
from tests.support.providers import FakeProvider


def test_init_then_check(program: Program) -> None:
    """What init writes is complete and valid; it never overwrites."""
    folder = program.folder / "new"
    result = program.run("init", "--directory", str(folder))
    assert result.returncode == 0, result.stderr
    files = {path.name: path for path in folder.iterdir()}
    assert {"config.yaml", "servers_config.json"} <= set(files)
    assert files["config.yaml"].stat().st_mode & 0o077 == 0
    env = {
        "MCP_CONFIG_PATH": str(files["config.yaml"]),
        "MCP_SERVERS_CONFIG_PATH": str(files["servers_config.json"]),
        "OPENAI_API_KEY": "sk-anything-0123456789",
        "ANTHROPIC_API_KEY": "sk-ant-anything-0123456789",
    }
    checked = program.run("check", env=env)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    files["config.yaml"].write_text("mine: true\n", encoding="utf-8")
    again = program.run("init", "--directory", str(folder))
    assert again.returncode != 0
    assert files["config.yaml"].read_text(encoding="utf-8") == "mine: true\n"
    assert program.run("init", "--force", "--directory", str(folder)).returncode == 0
    assert "mine: true" not in files["config.yaml"].read_text(encoding="utf-8")


def test_check_lists_every_problem_and_starts_nothing(program: Program, provider: FakeProvider) -> None:
    touched = program.folder / "started"
    program.configure(provider.openai_base, {"one": {"command": "touch", "args": [str(touched)], "protocl": "auto"}})
    text = program.config_file.read_text(encoding="utf-8").replace("max_tool_hops: 8", "max_tool_hops: zero")
    program.config_file.write_text(text, encoding="utf-8")
    result = program.run("check")
    assert result.returncode == 2
    for words in ("max_tool_hops", "protocl", "protocol", "config.yaml", "servers_config.json"):
        assert words in result.stdout
    assert not touched.exists()
    assert not provider.requests


def test_check_without_files(program: Program) -> None:
    result = program.run("check")
    assert result.returncode == 2
    assert "mcp-tui init" in result.stdout + result.stderr


def test_help_and_version(program: Program) -> None:
    assert "exit codes" in program.run("--help").stdout
    assert program.run("--version").stdout.startswith("mcp-tui ")
    assert program.run("nonsense").returncode == 2
