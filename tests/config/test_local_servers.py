"""Probes against real local HTTP servers, polite and not."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from mcp_tui.config.local_servers import CANDIDATES, Candidate, LocalServer, find_local_servers

OLLAMA, LM_STUDIO, LLAMA, VLLM = CANDIDATES


@contextmanager
def answering(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that takes one connection, reads the request and lets ``answer`` do the rest; gives its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(20)

    def serve() -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(20)
            try:
                connection.recv(65536)
                answer(connection)
            except OSError:
                return

    thread = threading.Thread(target=serve, name="answering", daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
        thread.join(20)


def says(body: str, status: str = "200 OK") -> Callable[[socket.socket], None]:
    data = body.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n".encode()
    return lambda connection: connection.sendall(head + data)


def ask(candidate: Candidate, answer: Callable[[socket.socket], None], timeout: float = 20) -> tuple[LocalServer, ...]:
    with answering(answer) as port:
        return find_local_servers([replace(candidate, port=port)], timeout)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_the_ports_and_routes() -> None:
    assert [(c.port, c.prefix, c.api_base) for c in CANDIDATES] == [
        (11434, "ollama_chat", "http://127.0.0.1:11434"),
        (1234, "lm_studio", "http://127.0.0.1:1234/v1"),
        (8080, "openai", "http://127.0.0.1:8080/v1"),
        (8000, "hosted_vllm", "http://127.0.0.1:8000/v1"),
    ]


def test_ollama_lists_its_models() -> None:
    [found] = ask(OLLAMA, says('{"models": [{"name": "nomic-embed-text"}, {"name": "qwen3:8b"}]}'))
    assert found.models == ("nomic-embed-text", "qwen3:8b")
    assert found.chat_models == ("qwen3:8b",)


@pytest.mark.parametrize("candidate", [LM_STUDIO, LLAMA, VLLM], ids=lambda c: c.name)
def test_servers_of_the_openai_kind_list_their_models(candidate: Candidate) -> None:
    [found] = ask(candidate, says('{"object": "list", "data": [{"id": "a/b"}, {"id": "c"}]}'))
    assert found.models == ("a/b", "c")


def test_a_server_without_a_model_is_there() -> None:
    [found] = ask(OLLAMA, says('{"models": []}'))
    assert found.models == ()


def test_model_names_that_could_do_harm_are_left_out() -> None:
    [found] = ask(
        OLLAMA,
        says(
            '{"models": [{"name": "a\\u001b[2J"}, {"name": 3}, {"name": ""}, {}, 7, {"name": "b c"}, {"name": "ok"}]}'
        ),
    )
    assert found.models == ("ok",)


@pytest.mark.parametrize(
    "answer",
    [
        says("<html>"),
        says("[]"),
        says('{"models": 3}'),
        says('{"other": []}'),
        says("[" * 100_000),
        says('{"models": []}', "404 Not Found"),
        lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9\r\n"),
        lambda connection: connection.close(),
        lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
        lambda connection: connection.sendall(b"\xff" * 70_000),
    ],
)
def test_anything_else_on_the_port_is_no_model_server(answer: Any) -> None:
    assert ask(OLLAMA, answer) == ()


def test_nothing_listens() -> None:
    assert find_local_servers([replace(OLLAMA, port=closed_port())]) == ()
    assert find_local_servers([]) == ()


def test_silence_and_dribble_do_not_hold_up_the_others() -> None:
    done = threading.Event()

    def dribble(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while not done.wait(0.05):
            connection.sendall(b"X-A: b\r\n")

    with (
        answering(lambda connection: done.wait(20) and None) as silent,
        answering(dribble) as slow,
        answering(says('{"data": [{"id": "m"}]}')) as good,
    ):
        start = time.monotonic()
        found = find_local_servers(
            [replace(OLLAMA, port=silent), replace(LM_STUDIO, port=slow), replace(VLLM, port=good)], 2.0
        )
        took = time.monotonic() - start
        done.set()
        for thread in threading.enumerate():
            if thread.name == "probe":
                thread.join(20)
    assert [server.candidate.name for server in found] == ["vllm"]
    assert took < 5
