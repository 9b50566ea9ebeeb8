"""Model servers that run on this machine, found by asking their usual ports (requirement B5)."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

PROBE_SECONDS = 0.8
"""All probes together; a server that takes longer is not counted as present."""

MAX_ANSWER = 1_000_000
MAX_MODELS = 50


@dataclass(frozen=True, slots=True)
class Candidate:
    """Where a kind of server usually listens, and how LiteLLM reaches it."""

    name: str
    """Key of the provider entry that is written for it."""
    title: str
    port: int
    list_path: str
    list_key: str
    id_key: str
    prefix: str
    """LiteLLM's prefix for its models."""
    base_path: str
    api_key: str | None
    """What to write as key: the OpenAI protocol wants some text even where none is checked."""
    host: str = "127.0.0.1"

    @property
    def api_base(self) -> str:
        """The address for the configuration."""
        return f"http://{self.host}:{self.port}{self.base_path}"


CANDIDATES = (
    Candidate("ollama", "Ollama", 11434, "/api/tags", "models", "name", "ollama_chat", "", None),
    Candidate("lm-studio", "LM Studio", 1234, "/v1/models", "data", "id", "lm_studio", "/v1", "none"),
    Candidate("llama-cpp", "llama.cpp", 8080, "/v1/models", "data", "id", "openai", "/v1", "none"),
    Candidate("vllm", "vLLM", 8000, "/v1/models", "data", "id", "hosted_vllm", "/v1", "none"),
)


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server that answered, and the models it lists (possibly none)."""

    candidate: Candidate
    models: tuple[str, ...]

    @property
    def chat_models(self) -> tuple[str, ...]:
        """Models that may answer; those for embeddings are left out, as far as their names tell."""
        return tuple(model for model in self.models if "embed" not in model.casefold())


def find_local_servers(
    candidates: Sequence[Candidate] = CANDIDATES, timeout: float = PROBE_SECONDS
) -> tuple[LocalServer, ...]:
    """Ask every candidate at once; ``timeout`` in seconds is for all of them together."""
    answers: dict[Candidate, LocalServer] = {}

    def ask(candidate: Candidate) -> None:
        found = _probe(candidate, timeout / 2)
        if found is not None:
            answers[candidate] = found

    deadline = time.monotonic() + timeout
    threads = [threading.Thread(target=ask, args=(candidate,), name="probe", daemon=True) for candidate in candidates]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    present = dict(answers)
    return tuple(present[candidate] for candidate in candidates if candidate in present)


def _probe(candidate: Candidate, timeout: float) -> LocalServer | None:
    """One request; ``timeout`` limits each wait for the network.  Anything but a list of models means: not there."""
    connection = http.client.HTTPConnection(candidate.host, candidate.port, timeout=timeout)
    try:
        connection.request("GET", candidate.list_path, headers={"Accept": "application/json"})
        response = connection.getresponse()
        if response.status != 200:
            return None
        models = _models(json.loads(response.read(MAX_ANSWER)), candidate)
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return None
    finally:
        connection.close()
    return LocalServer(candidate, models) if models is not None else None


def _models(answer: Any, candidate: Candidate) -> tuple[str, ...] | None:
    entries = answer.get(candidate.list_key) if isinstance(answer, dict) else None
    if not isinstance(entries, list):
        return None
    names = [entry.get(candidate.id_key) for entry in entries if isinstance(entry, dict)]
    usable = [name for name in names if isinstance(name, str) and name.isprintable() and name and " " not in name]
    return tuple(usable[:MAX_MODELS])
