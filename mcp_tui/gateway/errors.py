"""What went wrong with a model request, in words that say what to do.

``classify`` runs in the worker, where LiteLLM's exception objects are.  It goes by their shape (status,
class names, causes, text), so nothing of LiteLLM is imported and every release of the tested range is read
the same way.  `Failure` then travels to the app, which raises it as `GatewayError` without the foreign exception.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from email.utils import parsedate_to_datetime
from time import time
from typing import Any

from mcp_tui.errors import GatewayError
from mcp_tui.gateway.base import ErrorKind

RETRYABLE: frozenset[ErrorKind] = frozenset(
    {"rate_limit", "overloaded", "server", "connection", "timeout", "stalled", "truncated", "worker"}
)
"""Faults that may pass."""

MAX_MESSAGE = 600
"""Characters kept of a provider's own words."""


NO_KEY = "none"
"""Sent as a key where the configuration has none and a server of one's own needs none."""

MAX_READ = 20_000
"""Characters of an error's text that are looked at: servers send whole pages."""


@dataclass(frozen=True, slots=True)
class Target:
    """Which configured model a request went to, for messages."""

    provider: str
    model: str
    api_base: str | None = None
    has_key: bool = False

    @property
    def entry(self) -> str:
        """The place in the configuration."""
        return f"llm.providers.{self.provider}"

    @property
    def family(self) -> str:
        """LiteLLM's provider, the part before the first slash."""
        return self.model.partition("/")[0]

    @property
    def local_name(self) -> str:
        """The model without LiteLLM's provider."""
        return self.model.partition("/")[2] or self.model


@dataclass(frozen=True, slots=True)
class Failure:
    """An error on the wire.  ``retry_after`` is in seconds."""

    kind: ErrorKind
    message: str
    hint: str = ""
    retryable: bool = False
    retry_after: float | None = None
    status: int | None = None

    def to_wire(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)

    def to_error(self, mask: Callable[[str], str] = str) -> GatewayError:
        """The exception for the engine, with ``mask`` applied to every text."""
        return GatewayError(
            mask(self.message),
            kind=self.kind,
            retryable=self.retryable,
            retry_after=self.retry_after,
            status=self.status,
            hint=mask(self.hint),
        )


def from_wire(fields: dict[str, Any]) -> Failure:
    """The reverse of `Failure.to_wire`."""
    return Failure(**fields)


def failure(
    kind: ErrorKind, message: str, hint: str = "", *, retry_after: float | None = None, status: int | None = None
) -> Failure:
    """A `Failure` whose ``retryable`` follows from its kind."""
    return Failure(kind, message, hint, kind in RETRYABLE, retry_after, status)


def classify(error: BaseException, target: Target, *, streaming: bool, scrub: Callable[[str], str] = str) -> Failure:
    """What ``error`` means; ``streaming`` tells whether the answer had begun, ``scrub`` takes keys out of its text."""
    chain = list(_chain(error))
    status = next((s for e in chain if (s := _status(e)) is not None), None)
    names = {cls.__name__ for e in chain for cls in type(e).__mro__}
    said = provider_words(scrub(_best_text(chain)))
    kind = _kind(names, status, said.lower(), streaming)
    if streaming and kind == "bad_request":
        kind = "server"  # a request whose answer had begun was accepted
    if kind in _OF_TRANSPORT:
        status = None  # LiteLLM's invention
    return failure(
        kind,
        _message(kind, target, said, status),
        _hint(kind, target, said.lower()),
        retry_after=_retry_after(chain) if kind in RETRYABLE else None,
        status=status,
    )


_OF_TRANSPORT: frozenset[ErrorKind] = frozenset({"connection", "timeout", "stalled", "truncated"})


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The real error behind a fallback first, then the error, then what caused them."""
    queue: list[BaseException | None] = [getattr(error, "original_exception", None), error]
    seen: set[int] = set()
    while queue:
        item = queue.pop(0)
        if not isinstance(item, BaseException) or id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        queue += [item.__cause__, item.__context__]


def _status(error: BaseException) -> int | None:
    status = getattr(error, "status_code", None)
    try:
        return int(status) if status is not None else None
    except (TypeError, ValueError):
        return None


_CONTEXT = re.compile(
    r"context.{0,20}(length|window|size)|maximum context|prompt is too long|too many (input )?tokens"
    r"|input length.{0,30}exceed|exceeds? the (available )?context|input is too long"
    r"|(request|payload|entity|content) (is )?too large"
)
_REFUSED = re.compile(
    r"cannot connect|connection refused|connect call failed|all connection attempts failed|name or service not known"
    r"|getaddrinfo|nodename nor servname|temporary failure in name resolution|connection error"
)
_CREDENTIALS = re.compile(
    r"missing credentials|api[_ ]key.{0,40}(not set|must be set|missing|required)|missing.{0,20}api key"
)
_UNKNOWN_PROVIDER = re.compile(r"llm provider not provided")
_UNKNOWN_MODEL = re.compile(r"model.{0,80}(not found|does not exist|not exist|unknown)|no such model|invalid model")
_CUT = re.compile(
    r"before a finish_reason|incomplete chunked read|peer closed|payload is not completed|not enough data"
    r"|connection (lost|closed|reset)|server disconnected|broken pipe"
)
_TIMEOUT_NAMES = frozenset({"Timeout", "TimeoutException", "TimeoutError", "APITimeoutError", "ServerTimeoutError"})
_CONNECT_NAMES = frozenset({"ConnectionRefusedError", "ClientConnectorError", "ConnectError", "gaierror"})
_CUT_NAMES = frozenset(
    {"ReadError", "RemoteProtocolError", "ClientPayloadError", "IncompleteRead", "ServerDisconnectedError"}
)


def _kind(names: set[str], status: int | None, text: str, streaming: bool) -> ErrorKind:
    """The word for it: transport first, where LiteLLM invents a status; then the text; then the status."""
    if _UNKNOWN_PROVIDER.search(text):
        return "configuration"
    if names & _CONNECT_NAMES or (status in (None, 500, 503) and _REFUSED.search(text)):
        return "connection"
    if status == 408 or names & _TIMEOUT_NAMES:
        return "stalled" if streaming else "timeout"
    if names & _CUT_NAMES or (status in (None, 500, 503) and _CUT.search(text)):
        return "truncated" if streaming else "connection"
    if "ContextWindowExceededError" in names or (status in (None, 400, 413, 422) and _CONTEXT.search(text)):
        return "context_window"
    if "ContentPolicyViolationError" in names:
        return "content_filter"
    if _CREDENTIALS.search(text):
        return "authentication"
    return _kind_of_status(names, status, text)


def _kind_of_status(names: set[str], status: int | None, text: str) -> ErrorKind:
    if status == 429:
        return "context_window" if _CONTEXT.search(text) else "rate_limit"
    if status == 529 or "overloaded" in text or (status == 503 and "MidStreamFallbackError" not in names):
        return "overloaded"
    if status == 401:
        return "authentication"
    if status == 403:
        return "permission"
    if status == 404 or (status in (None, 400) and _UNKNOWN_MODEL.search(text)):
        return "not_found"
    if "JSONDecodeError" in names or ("APIConnectionError" in names and "Traceback" in text):
        return "server"
    if status is not None and 400 <= status < 500 and status != 409:
        return "bad_request"
    if status is not None or "APIConnectionError" in names:
        return "server"
    return "internal"


_SENTENCES: dict[str, str] = {
    "authentication": "{entry} ({model}) was refused: the key is missing or not accepted.",
    "permission": "The key of {entry} may not use {model}.",
    "not_found": "The provider of {entry} does not know the model {model}.",
    "bad_request": "The provider refused the request to {model}.",
    "context_window": "The conversation is longer than {model} can take in.",
    "rate_limit": "The provider's rate limit for {model} was reached.",
    "overloaded": "The provider of {model} is overloaded.",
    "server": "The provider of {model} had an internal error.",
    "connection": "No connection to {where}.",
    "timeout": "{where} did not answer in time.",
    "stalled": "{where} stopped sending in the middle of the answer.",
    "truncated": "The connection to {where} broke off in the middle of the answer.",
    "empty": "{where} sent an empty answer.",
    "content_filter": "The provider's content filter stopped the answer of {model}.",
    "configuration": "The model {model} of {entry} names no provider that LiteLLM knows.",
    "internal": "The request to {model} failed inside the model layer.",
}


def _message(kind: ErrorKind, target: Target, said: str, status: int | None) -> str:
    where = target.api_base or f"the endpoint of {target.model}"
    sentence = _SENTENCES[kind].format(entry=target.entry, model=target.model, where=where)
    sentence = sentence[0].upper() + sentence[1:] if sentence.startswith("the ") else sentence
    if not said or kind in ("timeout", "stalled", "configuration") or _is_noise(kind, said.lower()):
        return sentence
    return f"""{sentence} It said{f" ({status})" if status else ""}: "{said.rstrip(".")}"."""


def _is_noise(kind: ErrorKind, said: str) -> bool:
    """Whether the words only repeat that a connection could not be made or broke."""
    return kind in _OF_TRANSPORT and bool(_REFUSED.search(said) or _CUT.search(said))


def _hint(kind: ErrorKind, target: Target, text: str) -> str:
    """What the person can do about it."""
    ollama = target.family in ("ollama", "ollama_chat")
    match kind:
        case "authentication":
            key = "Check the key that api_key refers to." if target.has_key else "Give it an api_key, such as env:NAME."
            return f"{key} ({target.entry}.api_key)"
        case "not_found" if ollama:
            return f"Run `ollama pull {target.local_name}`."
        case "not_found" | "configuration":
            return f"Check {target.entry}.model; LiteLLM's notation is provider/model, such as openai/gpt-5."
        case "connection" if ollama:
            return "Start it with `ollama serve`, or correct api_base."
        case "connection" | "empty":
            return f"Check the network and {target.entry}.api_base."
        case "truncated":
            return f"Ask it to go on, or send the input again. If it stays so, check {target.entry}.api_base."
        case "context_window":
            return "Start a new conversation, or lower chat.service.context.max_tokens."
        case "stalled":
            return "Ask it to go on, send the input again, or raise llm.request.idle_timeout."
        case "timeout":
            return "Try again, or raise llm.request.idle_timeout; local models may need long for the first token."
        case "bad_request" if "tool" in text or "function" in text:
            return "The model or its server may not support tools."
        case "permission":
            return "Choose another model, or ask the owner of the key for access."
        case "rate_limit" if "quota" in text or "billing" in text or "credit" in text:
            return "Check the plan and balance at the provider."
        case "rate_limit" | "overloaded" | "server":
            return "Try again later, or choose another model."
    return ""


_PREFIX = re.compile(r"^\s*(litellm\.\w+:\s*|\w*(Error|Exception)\s*(:|-)\s*|Error code: \d+ - )+")


_ADVICE = re.compile(r"\.? *Handle with `litellm\.\w+`\.?")
_BYTES = re.compile(r"""\bb(['"])(.*?)\1""")


def _best_text(chain: list[BaseException]) -> str:
    """The first text with something in it."""
    for error in chain:
        text = str(getattr(error, "message", None) or error)[:MAX_READ]
        if text.strip():
            return text
    return type(chain[0]).__name__ if chain else ""


def provider_words(text: str) -> str:
    """The provider's own sentence out of LiteLLM's wrapping, on one line, at most `MAX_MESSAGE` characters."""
    text = _PREFIX.sub("", text.partition("Traceback (most recent call last)")[0].strip())
    text = _ADVICE.sub("", text)
    text = _inner_message(text) or text
    text = " ".join(_BYTES.sub(r"\2", text).split())
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"


def _inner_message(text: str) -> str | None:
    """The ``message`` inside an error body such as ``{"error": {"message": ...}}``, as JSON or as Python's repr."""
    for start in (match.start() for match in re.finditer(r"\{", text)):
        body = text[start:].strip()
        try:
            value, _ = json.JSONDecoder().raw_decode(body)
        except ValueError:
            break
        if isinstance(value, dict) and (found := _message_field(value)):
            return found
    quoted = re.search(r"""['"](?:message|error)['"]\s*:\s*(['"])(.+?)(?<!\\)\1""", text)
    return quoted[2] if quoted else None


def _message_field(value: dict[str, Any]) -> str | None:
    error = value.get("error", value)
    if isinstance(error, str):
        return error
    message = error.get("message") if isinstance(error, dict) else None
    return message if isinstance(message, str) and message.strip() else None


def _retry_after(chain: list[BaseException]) -> float | None:
    for error in chain:
        response = getattr(error, "response", None)
        for headers in (getattr(response, "headers", None), getattr(error, "litellm_response_headers", None)):
            if headers is not None and (seconds := _seconds(headers)) is not None:
                return seconds
    return None


def _seconds(headers: Any) -> float | None:
    """``retry-after-ms`` or ``retry-after``, as seconds or as a date."""
    lowered = {str(name).lower(): str(value) for name, value in dict(headers).items()}
    try:
        if "retry-after-ms" in lowered:
            return max(0.0, float(lowered["retry-after-ms"]) / 1000)
        value = lowered.get("retry-after") or lowered.get("llm_provider-retry-after")
        if value is None:
            return None
        return max(0.0, float(value)) if value.strip()[:1].isdigit() else _until(value)
    except ValueError:
        return None


def _until(date: str) -> float:
    return max(0.0, parsedate_to_datetime(date).timestamp() - time())
