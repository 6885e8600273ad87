"""`--query`: what a JMESPath expression picks from JSON values. Pure."""

from __future__ import annotations

import re
from typing import Any

from flexctl.errors import Misuse
from flexctl.out.style import cells, safe

LANGUAGE = "the language is described at https://jmespath.org, and in `flexctl help output`"
_AROUND = 28
"""Characters of a long expression that are shown on each side of the fault."""


def checked(expression: str) -> str:
    """The expression, once it is one: so that nothing is sent, let alone changed, before a fault in it is told."""
    import jmespath
    from jmespath.exceptions import JMESPathError

    if not expression.strip():
        raise Misuse("--query is empty", LANGUAGE)
    try:
        jmespath.compile(expression)
    except JMESPathError as error:
        raise _misuse(expression, error) from None
    except RecursionError:
        raise Misuse("--query is nested too deep", LANGUAGE) from None
    return expression


def query(expression: str, data: Any) -> Any:
    """What the expression picks."""
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.search(expression, data)
    except JMESPathError as error:
        raise _misuse(expression, error) from None


def _misuse(expression: str, error: Any) -> Misuse:
    at = _place(expression, error)
    if at is None:
        return Misuse(f"--query: {_said(error)}", LANGUAGE)
    start = max(0, at - _AROUND)
    head, tail = safe(expression[start:at]), safe(expression[at : at + _AROUND])
    pointed = f"{'…' if start else ''}{head}"
    sentence = f"--query: {_fault(expression, error, at)} (column {at + 1})"
    return Misuse(sentence, f"> {pointed}{tail}\n  {' ' * cells(pointed)}^\n{LANGUAGE}")


def _place(expression: str, error: Any) -> int | None:
    """Where the fault is. A function that is none, or gets what it cannot take, is looked up by its name."""
    at = getattr(error, "lex_position", getattr(error, "lexer_position", None))
    if isinstance(at, int):
        return min(at, len(expression))
    named = re.search(r"function:? (\w+)\(\)", str(error))
    found = re.search(rf"\b{named[1]}\s*\(", expression) if named else None
    return found.start() if found else None


def _fault(expression: str, error: Any, at: int) -> str:
    kind = type(error).__name__
    if kind == "IncompleteExpressionError" or at >= len(expression):
        return "something is missing at the end"
    if kind == "LexerError":
        return f"'{safe(expression[at])}' means nothing here"
    if kind == "ParseError":
        return f"'{safe(str(error.token_value))}' is not expected here"
    return _said(error)


def _said(error: Any) -> str:
    text = safe(str(error).splitlines()[0]).rstrip(":")
    return text[:1].lower() + text[1:]
