"""The sentence under each field, read from the source when somebody asks: importing the models stays cheap."""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from itertools import pairwise

from flexclient.models._base import Model


@cache
def field_docs(model: type[Model]) -> dict[str, str]:
    """What each field means, by name, inherited ones included. Fields without a sentence are absent."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, Model) and base is not Model:
            found |= _written_in(base)
    return found


def _written_in(model: type[Model]) -> dict[str, str]:
    body = _class_body(model)
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
        and isinstance(text.value.value, str)
    }


def _class_body(model: type[Model]) -> list[ast.stmt]:
    parsed = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(parsed, ast.ClassDef)  # noqa: S101 - the source of a class is a class
    return parsed.body
