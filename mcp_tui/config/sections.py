"""Parts of ``config.yaml`` that are valid on their own, so that rules speak even while other parts are wrong."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mcp_tui.config.models import ProviderConfig
from mcp_tui.config.problems import FieldPath
from mcp_tui.config.source import Document

Part = TypeVar("Part", bound=BaseModel)


def raw(document: Document, path: FieldPath) -> Any:
    """The plain data at a path; ``None`` where there is none."""
    current = document.data
    for part in path:
        if isinstance(current, list) and isinstance(part, int):
            current = current[part] if part < len(current) else None
        elif isinstance(current, dict):
            current = current.get(part)
        else:
            return None
    return current


def section(document: Document, path: FieldPath, model: type[Part]) -> Part | None:
    """The section at a path, or ``None`` when it is missing or wrong (which validation reports)."""
    try:
        return model.model_validate(raw(document, path))
    except ValidationError:
        return None


def providers(document: Document) -> dict[str, ProviderConfig | None]:
    """Every entry of ``llm.providers``, ``None`` for those that are wrong."""
    path: FieldPath = ("llm", "providers")
    names = raw(document, path)
    return {name: section(document, (*path, name), ProviderConfig) for name in names} if isinstance(names, dict) else {}
