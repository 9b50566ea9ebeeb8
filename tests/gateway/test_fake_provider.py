"""The fake provider as a process of its own, as tests of the whole program use it."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

from tests.support import providers


def post(url: str, body: object) -> str:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        text: str = response.read().decode()
    return text


def test_as_a_process(tmp_path: Path) -> None:
    script = tmp_path / "script.json"
    script.write_text(json.dumps([{"match": "weather", "text": "Sunny."}, {"text": "Hello.", "repeat": True}]))
    server = subprocess.Popen(
        [sys.executable, providers.__file__, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdin is not None
    assert server.stdout is not None
    with server.stdout, server.stdin:
        origin = server.stdout.readline().removeprefix("listening on ").strip()
        ask = {"messages": [{"role": "user", "content": "the weather?"}]}
        assert "Sunny." in post(f"{origin}/v1/chat/completions", ask)
        assert "Hello." in post(f"{origin}/v1/chat/completions", ask)
        assert "Hello." in post(f"{origin}/api/chat", ask)
        post(f"{origin}/__script", [{"text": "Replaced."}])
        assert "Replaced." in post(f"{origin}/v1/messages", ask)
        with urllib.request.urlopen(f"{origin}/__requests", timeout=30) as response:
            recorded = json.load(response)
        assert [entry["path"] for entry in recorded] == [
            "/v1/chat/completions", "/v1/chat/completions", "/api/chat", "/v1/messages",
        ]  # fmt: skip
        server.stdin.close()
        assert server.wait(30) == 0
