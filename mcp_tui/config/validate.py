"""A document against a model: every difference as a problem at its line (requirement B1)."""

from __future__ import annotations

import difflib
import math
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mcp_tui.config.problems import FieldPath, Problem, dotted
from mcp_tui.config.source import Document
from mcp_tui.config.words import children, expected, field_at, leaves
from mcp_tui.safety.secrets import Redactor

Model = TypeVar("Model", bound=BaseModel)

_scrub = Redactor()

SECRET_FIELDS = frozenset({"api_key", "env", "headers", "args", "url", "api_base"})
"""Fields whose values are never quoted in a message."""


def nearest(name: str, known: tuple[str, ...] | list[str]) -> str | None:
    """The known name that was most likely meant."""
    folded = {candidate.casefold().replace("-", "_"): candidate for candidate in known}
    close = difflib.get_close_matches(name.casefold().replace("-", "_"), list(folded), n=1, cutoff=0.6)
    return folded[close[0]] if close else None


def validate(
    document: Document, data: Any, model: type[Model], at: FieldPath = ()
) -> tuple[Model | None, list[Problem]]:
    """Build the model from ``data``, which stands at path ``at`` of the document."""
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        return None, _problems(document, model, at, error.errors(include_url=False, include_context=False))


def _problems(document: Document, model: type[BaseModel], at: FieldPath, errors: list[ErrorDetails]) -> list[Problem]:
    problems: list[Problem] = []
    typos: set[FieldPath] = set()
    for error in errors:
        if error["type"] == "extra_forbidden":
            problem, meant = _unknown(document, model, at, error["loc"])
            problems.append(problem)
            typos |= {meant} if meant is not None and meant in {other["loc"] for other in errors} else set()
    for error in errors:
        if error["type"] == "missing" and error["loc"] not in typos:
            problems.append(_missing(document, model, at, error["loc"]))
        elif error["type"] not in ("missing", "extra_forbidden"):
            problems.append(_invalid(document, model, at, error))
    return [problem for problem in dict.fromkeys(problems) if problem.path not in document.refused]


def _unknown(
    document: Document, model: type[BaseModel], at: FieldPath, loc: FieldPath
) -> tuple[Problem, FieldPath | None]:
    """An unknown field, and the field that was probably meant."""
    parent, name = loc[:-1], str(loc[-1])
    siblings = children(model, parent)
    elsewhere = [dotted((*at, *path)) for path, _ in leaves(model) if path[-1] == name]
    meant = nearest(name, siblings) if not elsewhere else None
    if elsewhere:
        hint = f"It belongs at {' or '.join(elsewhere)}."
    else:
        hint = f"Did you mean `{meant}`?" if meant is not None else f"Known here: {', '.join(siblings)}."
    path = (*at, *loc)
    problem = document.problem(path, "is not a known field", hint=hint, at=document.keys.get(path))
    return problem, (*parent, meant) if meant is not None else None


def _missing(document: Document, model: type[BaseModel], at: FieldPath, loc: FieldPath) -> Problem:
    path = (*at, *loc)
    field = field_at(model, loc)
    hint = " ".join((getattr(field, "description", "") or "").split())
    return document.problem(path, "is missing", expected=expected(field), hint=hint.replace("``", "`"),
                            at=document.mark(path[:-1]))  # fmt: skip


def _invalid(document: Document, model: type[BaseModel], at: FieldPath, error: ErrorDetails) -> Problem:
    loc = tuple(part for part in error["loc"] if part != "[key]")
    while loc and field_at(model, loc) is None:  # a union's tag stands at the end of the location
        loc = loc[:-1]
    path = (*at, *loc)
    wanted = expected(field_at(model, loc) or model)
    secret = any(part in SECRET_FIELDS for part in path)
    return document.problem(
        path,
        "has the wrong kind of value" if not _is_range(error["type"]) else "has a value out of range",
        expected=wanted,
        found=describe(error["input"], document.source(path), secret=secret),
        hint=_hint(error["input"], document.source(path), wanted, secret=secret),
    )


def _is_range(kind: str) -> bool:
    return kind.startswith(("greater_than", "less_than", "too_short", "string_too_short", "finite"))


def describe(value: Any, source: str, *, secret: bool = False) -> str:
    """A value as found, in words: ``text "ten"``, ``the boolean false (`no`)``, ``a mapping``."""
    if value is None:
        return "nothing" if not source else "null"
    if isinstance(value, (dict, list)):
        return ("an empty " if not value else "a ") + ("mapping" if isinstance(value, dict) else "list")
    if isinstance(value, str):
        return "text" if secret else f'text "{_short(value)}"'
    kind = {bool: "boolean", int: "number", float: "number"}.get(type(value), type(value).__name__)
    return f"a {kind}" if secret else f"the {kind} {_short(source or str(value))}"


def _short(text: str) -> str:
    text = _scrub(text)
    return text if len(text) <= 60 else text[:57] + "..."


def _hint(value: Any, source: str, wanted: str, *, secret: bool) -> str:
    """How to write what was probably meant, where a value was read as something else."""
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return ""
        if not math.isfinite(number) or not wanted.startswith(("a number", "a whole")):
            return ""
        how = "without quotes" if source[:1] in ("'", '"') else "in full"
        return f"Write it {how}: {number:.15g}"
    if "text" in wanted and not isinstance(value, (dict, list)) and value is not None:
        return "Put it in quotes." if secret or not source else f'Put it in quotes: "{_short(source)}"'
    return ""
