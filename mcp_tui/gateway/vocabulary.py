"""Vocabularies, offline: tiktoken with the files that LiteLLM ships.

The files are read directly.  tiktoken's own loader would fetch a missing one without a time limit, and finding the
shipped ones through it means changing this process's environment.

Building an encoding takes 0.1 to 0.3 s during which the interpreter runs nothing else, so it happens in the model
layer's worker process, never in the one that owns the screen.
"""

from __future__ import annotations

import base64
import importlib.util
import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_tui.gateway.surrogates import valid_unicode

if TYPE_CHECKING:
    import tiktoken

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


def count_texts(name: str, texts: Sequence[str], folder: Path | None = None) -> list[int] | None:
    """Tokens of each text in the vocabulary ``name``; ``None`` where its file is missing or broken.  Blocks."""
    encoding = _read_encoding(name, folder) if folder else load_encoding(name)
    if encoding is None:
        return None
    return [len(encoding.encode_ordinary(valid_unicode(text))) for text in texts]
