"""Token counts, offline: tiktoken with the vocabulary files that LiteLLM ships.

The files are read directly.  tiktoken's own loader would fetch a missing one without a time limit, and finding the
shipped ones through it means changing this process's environment.  Counts are estimates for models of other makers;
what a provider reports is the truth.
"""

from __future__ import annotations

import asyncio
import base64
import importlib.util
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_tui.conversation.messages import ModelMessage, ToolSpec
from mcp_tui.gateway.surrogates import valid_unicode

if TYPE_CHECKING:
    import tiktoken

IMAGE_TOKENS = 800
"""Flat number for an image: providers charge by its size in pixels, which base64 does not tell."""

MESSAGE_TOKENS = 4
"""What role and framing of a message take."""

CHARACTERS_PER_TOKEN = 4
"""For the estimate while there is no vocabulary."""

SMALL = 50_000
"""Characters that may be counted on the event loop: about two milliseconds."""

_SAMPLE = 10_000
_CACHED_TEXTS = 20_000

_CL100K_PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
    r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)
_O200K_PATTERN = "|".join(
    (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    )
)
_VOCABULARIES = {
    "cl100k_base": ("9b5ad71b2ce5302211f9c61530b329a4922fc6a4", _CL100K_PATTERN),
    "o200k_base": ("fb374d419588a4632f3f557e76b4b70aebbca790", _O200K_PATTERN),
}
"""File name (tiktoken's: the hash of the address it comes from) and splitting pattern, as tiktoken defines them."""

_O200K_MODELS = re.compile(r"gpt-4o|gpt-4\.[1-9]|gpt-[5-9]|gpt-oss|chatgpt-4o|(?:^|/)o[1-9](?:-|$)")

_encodings: dict[str, tiktoken.Encoding | None] = {}
_loading = threading.Lock()


def vocabulary_of(model: str) -> str:
    """The vocabulary that fits a model in LiteLLM's notation best."""
    return "o200k_base" if _O200K_MODELS.search(model) else "cl100k_base"


def vocabulary_folder() -> Path | None:
    """Where LiteLLM keeps the files; found without importing it.  ``None`` where it is not installed."""
    spec = importlib.util.find_spec("litellm")
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "litellm_core_utils" / "tokenizers"


def load_encoding(name: str, folder: Path | None = None) -> tiktoken.Encoding | None:
    """The encoding, kept for the life of the process; ``None`` when its file is missing or broken.  Takes 0.3 s."""
    with _loading:
        if name not in _encodings:
            _encodings[name] = _read_encoding(name, folder or vocabulary_folder())
        return _encodings[name]


def _read_encoding(name: str, folder: Path | None) -> tiktoken.Encoding | None:
    if folder is None:
        return None
    file, pattern = _VOCABULARIES[name]
    try:
        lines = (folder / file).read_bytes().splitlines()
        ranks = {base64.b64decode(token): int(rank) for token, rank in (line.split() for line in lines if line)}
        import tiktoken

        return tiktoken.Encoding(name, pat_str=pattern, mergeable_ranks=ranks, special_tokens={})
    except (OSError, ValueError, ImportError):
        return None


class TokenCounter:
    """Counts for one model.  Until `ready` has returned, and where no vocabulary is found, counts are ``estimated``.

    Counts of texts are remembered, so that a growing conversation is counted once.
    """

    def __init__(self, model: str = "", *, folder: Path | None = None) -> None:
        self._name = vocabulary_of(model)
        self._folder = folder
        self._encoding: tiktoken.Encoding | None = None
        self._tried = False
        self._counts: OrderedDict[tuple[int, int], int] = OrderedDict()

    @property
    def estimated(self) -> bool:
        """Whether counts are characters divided by four."""
        return self._encoding is None

    def select(self, model: str) -> None:
        """Count for another model from now on; exact again once `ready` has returned."""
        name = vocabulary_of(model)
        if name != self._name:
            self._name, self._encoding, self._tried = name, None, False
            self._counts.clear()

    async def ready(self) -> None:
        """Load the vocabulary in a thread, once; never raises for a missing one and never downloads."""
        name = self._name
        if not self._tried:
            encoding = await asyncio.to_thread(self._load, name)
            if name == self._name and not self._tried:
                self._tried, self._encoding = True, encoding
                self._counts.clear()

    def _load(self, name: str) -> tiktoken.Encoding | None:
        return _read_encoding(name, self._folder) if self._folder else load_encoding(name)

    def count(self, text: str) -> int:
        """Tokens of ``text``, at once.

        A text above `SMALL` characters that `count_async` has not counted before is judged by samples.
        """
        key = (hash(text), len(text))
        if (known := self._counts.get(key)) is not None:
            return known
        if len(text) > SMALL:
            return self._sampled(text)
        return self._remember(key, _count(self._encoding, text))

    async def count_async(self, text: str) -> int:
        """Tokens of ``text`` of any length: loads the vocabulary first, counts long texts in a thread."""
        await self.ready()
        key = (hash(text), len(text))
        if len(text) <= SMALL or key in self._counts:
            return self.count(text)
        encoding = self._encoding
        tokens = await asyncio.to_thread(_count, encoding, text)
        return self._remember(key, tokens) if encoding is self._encoding else tokens

    def count_message(self, message: ModelMessage) -> int:
        """Tokens of one message: text, calls, reasoning that goes back, images at a flat number each."""
        return sum(self.count(text) for text in _texts(message)) + _fixed(message)

    async def count_messages(self, messages: Iterable[ModelMessage]) -> list[int]:
        """Tokens of each message, long texts off the event loop; `count_message` then finds them remembered."""
        counts = []
        for message in messages:
            counts.append(sum([await self.count_async(text) for text in _texts(message)]) + _fixed(message))
        return counts

    def count_tools(self, tools: Sequence[ToolSpec]) -> int:
        """Tokens that tool definitions take in a request."""
        return sum(MESSAGE_TOKENS + self.count(_tool_text(tool)) for tool in tools)

    async def count_tools_async(self, tools: Sequence[ToolSpec]) -> int:
        """As `count_tools`, off the event loop where it takes long."""
        return sum([MESSAGE_TOKENS + await self.count_async(_tool_text(tool)) for tool in tools])

    def _sampled(self, text: str) -> int:
        """An estimate from three places of a long text."""
        middle = len(text) // 2
        sample = text[:_SAMPLE] + text[middle : middle + _SAMPLE] + text[-_SAMPLE:]
        return -(-_count(self._encoding, sample) * len(text) // len(sample))

    def _remember(self, key: tuple[int, int], tokens: int) -> int:
        self._counts[key] = tokens
        if len(self._counts) > _CACHED_TEXTS:
            self._counts.popitem(last=False)
        return tokens


def _count(encoding: tiktoken.Encoding | None, text: str) -> int:
    if encoding is None:
        return -(-len(text) // CHARACTERS_PER_TOKEN)
    return len(encoding.encode_ordinary(valid_unicode(text)))


def _texts(message: ModelMessage) -> Iterable[str]:
    yield message.text
    for call in message.tool_calls:
        yield call.wire_name + json.dumps(call.arguments, ensure_ascii=False)
    for block in message.thinking_blocks:
        yield str(block.get("thinking") or block.get("data") or "")


def _fixed(message: ModelMessage) -> int:
    return MESSAGE_TOKENS * (1 + len(message.tool_calls)) + IMAGE_TOKENS * len(message.images)


def _tool_text(tool: ToolSpec) -> str:
    return f"{tool.wire_name}\n{tool.description}\n{json.dumps(tool.parameters, ensure_ascii=False)}"
