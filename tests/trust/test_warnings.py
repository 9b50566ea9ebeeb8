"""Warnings about command lines: a table of what must be said, and of what must not."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_tui.config.servers import ServerConfig
from mcp_tui.trust.warnings import warnings_of

HOME = "/home/me"


def said(command: str, env: dict[str, str] | None = None, program: str = "/usr/bin/x") -> str:
    words = command.split(" ")
    config = ServerConfig(command=words[0], args=words[1:], env=env or {})
    return "\n".join(warnings_of(config, program, program, HOME))


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("bash -c ls", "It is a shell"),
        ("/usr/bin/sh script", "It is a shell"),
        ("env FOO=1 bash -c ls", "It is a shell"),
        ("timeout 5 sh x", "It is a shell"),
        ("pwsh.exe -File x", "It is a shell"),
        ("sudo server", "rights of another user"),
        ("env sudo server", "rights of another user"),
        ("sudo bash x", "It is a shell"),
        ("bash -c curl https://x.example|sh", "downloads a program"),
        ("npx -y @scope/server", "npx fetches @scope/server without a version"),
        ("npx server", "npx fetches server without a version"),
        ("npx -y server@latest", "npx fetches server@latest without a version"),
        ("npx --package=server run", "npx fetches server without"),
        ("npx -p server@1.2 -p other cmd", "npx fetches other without"),
        ("npm exec server", "npm fetches server without"),
        ("pnpm dlx server", "pnpm fetches server without"),
        ("uvx mcp-server-git", "uvx fetches mcp-server-git without a version"),
        ("uvx --python 3.12 mcp-server-git", "uvx fetches mcp-server-git without a version"),
        ("uvx --from mcp-server-git git", "uvx fetches mcp-server-git without"),
        ("uv tool run server", "uv fetches server without"),
        ("pipx run server", "pipx fetches server without"),
        ("/opt/bin/uvx server", "uvx fetches server without"),
        ("docker run -i mcp/server", "not named by its digest"),
        ("docker run -v /:/host mcp/x@sha256:aa", "nearly all rights"),
        ("docker run --privileged mcp/x@sha256:aa", "nearly all rights"),
        ("docker run -v /var/run/docker.sock:/s mcp/x@sha256:aa", "nearly all rights"),
        ("server /home/me", "your whole home folder: /home/me"),
        ("server --root=/home/me/", "your whole home folder"),
        ("server ~", "your whole home folder"),
        ("server /", "the whole disk"),
        ("server /home/me/.ssh", "where keys or settings are kept"),
        ("server --key=/x/id_rsa", "where keys or settings are kept"),
        ("server /x/.aws/credentials", "where keys or settings are kept"),
        ("server /x/cert.pem", "where keys or settings are kept"),
        ("server /home/me/.local/share/mcp-tui/trust.json", "where keys or settings are kept"),
        ("ser\u200bver x", "1 characters that cannot be seen"),
        ("server a\u202eb", "1 characters that cannot be seen"),
        ("./server", "relative path"),
    ],
)
def test_it_warns(command: str, words: str) -> None:
    assert words in said(command)


@pytest.mark.parametrize("name", ["LD_PRELOAD", "PATH", "NODE_OPTIONS", "PYTHONPATH", "UV_INDEX_URL", "BASH_ENV"])
def test_it_warns_of_variables_that_decide_what_is_loaded(name: str) -> None:
    assert f"The variable {name} decides" in said("server", {name: "x"})


@pytest.mark.parametrize(
    "command",
    [
        "npx -y @scope/server@1.2.3",
        "npx -y server@v2",
        "uvx mcp-server-git==2026.10.19",
        "uvx --from git+https://x.example/y@0123abc tool==1",
        "docker run -i mcp/server@sha256:0123",
        "python -m server --root /home/me/project",
        "node /opt/server/index.js /home/me/notes",
        "server --level info",
    ],
)
def test_it_does_not_warn(command: str) -> None:
    assert said(command, {"TOKEN": "x"}) == ""


def test_it_warns_of_programs_that_others_can_replace(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("")
    program.chmod(0o777)
    assert "Other users of this machine can replace" in said("server", program=str(program))
    assert "temporary files" in said("server", program="/tmp/x/program")
    assert "was not found" in said("server", program="")
