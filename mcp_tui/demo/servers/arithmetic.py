"""Arithmetic on text, without ``eval``: numbers, operators and a few functions, all bounded."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable

Number = int | float

_BINARY: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_UNARY: dict[type[ast.unaryop], Callable[[Number], Number]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
_FUNCTIONS: dict[str, Callable[..., Number]] = {
    "sqrt": math.sqrt, "sin": math.sin, "cos": math.cos, "tan": math.tan, "log": math.log, "log10": math.log10,
    "exp": math.exp, "abs": abs, "round": round, "floor": math.floor, "ceil": math.ceil, "min": min, "max": max,
}  # fmt: skip
_CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}
_MAX_BITS = 2_000
"""Largest whole number, in bits: about 600 digits."""
_MAX_DEPTH = 60


class ArithmeticProblem(ValueError):
    """The expression cannot be evaluated; the message says why."""


def evaluate(expression: str) -> Number:
    """Value of an arithmetic expression.

    Raises `ArithmeticProblem` for anything that is no arithmetic, has no value or would be too large.
    """
    try:
        tree = ast.parse(expression.strip(), mode="eval")
        value = _value(tree.body, 0)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        if isinstance(error, ArithmeticProblem):
            raise
        raise ArithmeticProblem(f"{expression!r} is not an arithmetic expression that has a value.") from None
    except ZeroDivisionError:
        raise ArithmeticProblem("Division by zero.") from None
    except (OverflowError, TypeError):
        raise ArithmeticProblem("The result is too large, or a function was given something it cannot take.") from None
    return value


def _value(node: ast.expr, depth: int) -> Number:
    if depth > _MAX_DEPTH:
        raise ArithmeticProblem("The expression is nested too deeply.")
    match node:
        case ast.Constant(value=bool() | str() | bytes() | complex() | None):
            raise ArithmeticProblem("Only numbers can be calculated with.")
        case ast.Constant(value=int() | float() as number):
            return _checked(number)
        case ast.Name(id=name) if name in _CONSTANTS:
            return _CONSTANTS[name]
        case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
            return _UNARY[type(op)](_value(operand, depth + 1))
        case ast.BinOp(left=left, op=op, right=right):
            return _checked(_binary(op, _value(left, depth + 1), _value(right, depth + 1)))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS:
            return _checked(_FUNCTIONS[name](*(_value(argument, depth + 1) for argument in arguments)))
        case _:
            raise ArithmeticProblem(f"{ast.unparse(node)!r} is not part of arithmetic.")


def _binary(op: ast.operator, left: Number, right: Number) -> Number:
    if isinstance(op, ast.Pow):
        return _power(left, right)
    if type(op) not in _BINARY:
        raise ArithmeticProblem("Only + - * / // % and ** are known.")
    return _BINARY[type(op)](left, right)


def _power(base: Number, exponent: Number) -> Number:
    bits = base.bit_length() * abs(exponent) if isinstance(base, int) else 0
    if bits > _MAX_BITS:
        raise ArithmeticProblem("The result is too large.")
    result = base**exponent
    if isinstance(result, complex):
        raise ArithmeticProblem("The result is not a real number.")
    return float(result) if isinstance(result, float) else int(result)


def _checked(value: Number) -> Number:
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        raise ArithmeticProblem("The result is too large.")
    if isinstance(value, float) and not math.isfinite(value):
        raise ArithmeticProblem("The result is too large, or is no number.")
    return value
