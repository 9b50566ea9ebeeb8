"""What a field accepts, in words: one source for error messages and for the reference in the README."""

from __future__ import annotations

import types
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mcp_tui.config.problems import FieldPath

_NAMES = {str: "text", bool: "true or false", int: "a whole number", float: "a number", type(None): "null"}


@dataclass(frozen=True, slots=True)
class InWords:
    """Metadata of a type whose limits no general words fit."""

    text: str


def expected(annotation: Any, metadata: tuple[Any, ...] = ()) -> str:
    """A type annotation in words, such as ``a whole number of 1 or more, or null``."""
    origin = get_origin(annotation)
    if isinstance(annotation, FieldInfo):
        return expected(annotation.annotation, tuple(annotation.metadata))
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return expected(inner, (*_flat(more), *metadata))
    if own := [item.text for item in metadata if isinstance(item, InWords)]:
        return own[0]
    if origin in (Union, types.UnionType):
        return ", or ".join(expected(part) for part in get_args(annotation))
    if origin is Literal:
        return "one of " + ", ".join(f"`{value}`" for value in get_args(annotation))
    if origin is list:
        return f"a list of {_plural(get_args(annotation)[0])}"
    if origin is dict:
        return f"a mapping of names to {_plural(get_args(annotation)[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"a mapping with {', '.join(annotation.model_fields)}"
    return _NAMES.get(annotation, str(annotation)) + _limits(annotation, metadata)


def _flat(metadata: list[Any]) -> list[Any]:
    return [part for item in metadata for part in (item.metadata if isinstance(item, FieldInfo) else [item])]


def _plural(annotation: Any) -> str:
    return {str: "texts"}.get(annotation, "mappings")


def _limits(annotation: Any, metadata: tuple[Any, ...]) -> str:
    words = []
    for item in metadata:
        if isinstance(item, Gt):
            words.append("1 or more" if annotation is int and item.gt == 0 else f"above {item.gt:g}")
        elif isinstance(item, Ge):
            words.append(f"{item.ge:g} or more")
        elif isinstance(item, Le):
            words.append(f"{item.le:g} at most")
        elif isinstance(item, MinLen):
            return " that is not empty"
    return f" ({', '.join(words)})" if words else ""


def field_at(model: type[BaseModel], path: FieldPath) -> Any:
    """The field or annotation at a path below a model; ``None`` where the models know none."""
    current: Any = model
    for part in path:
        current = _step(_bare(current), part)
        if current is None:
            return None
    return current


def children(model: type[BaseModel], path: FieldPath) -> tuple[str, ...]:
    """Names of the fields allowed at a path; empty where any name, or none, is allowed."""
    bare = _bare(field_at(model, path))
    return tuple(bare.model_fields) if isinstance(bare, type) and issubclass(bare, BaseModel) else ()


def _bare(annotation: Any) -> Any:
    """The annotation without ``Annotated``, field information and ``None``."""
    if isinstance(annotation, FieldInfo):
        return _bare(annotation.annotation)
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return _bare(next(part for part in get_args(annotation) if part is not type(None)))
    return annotation


def _step(annotation: Any, part: str | int) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation.model_fields.get(str(part))
    arguments = get_args(annotation)
    if get_origin(annotation) is list and isinstance(part, int):
        return arguments[0]
    if get_origin(annotation) is dict and isinstance(part, str):
        return arguments[1]
    return None


def leaves(model: type[BaseModel], prefix: FieldPath = ()) -> list[tuple[FieldPath, FieldInfo]]:
    """Every field that is no mapping of further fields, in order; ``<name>`` stands for a name of one's own."""
    found: list[tuple[FieldPath, FieldInfo]] = []
    for name, info in model.model_fields.items():
        path, bare = (*prefix, name), _bare(info)
        if (
            get_origin(bare) is dict
            and isinstance(inner := _bare(get_args(bare)[1]), type)
            and issubclass(inner, BaseModel)
        ):
            found += leaves(inner, (*path, "<name>"))
        elif isinstance(bare, type) and issubclass(bare, BaseModel):
            found += leaves(bare, path)
        else:
            found.append((path, info))
    return found
