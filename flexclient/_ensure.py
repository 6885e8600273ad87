"""Create or replace, only where that changes something: a flow of read, compare, write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from flexclient._call import Call, Flow, Reply
from flexclient._models import models as m
from flexclient._same import same
from flexclient._values import UNSET, Unset
from flexclient.errors import Conflict, FlexError, NotFound, PreconditionFailed

TRIES = 5
"""How often somebody else may be faster."""


@dataclass(frozen=True, slots=True)
class Ensured:
    """What `pipelines.ensure` did."""

    action: Literal["created", "replaced", "unchanged"]
    pipeline: m.Pipeline
    """As it is now."""
    applied: str | None = None
    """Of a replacement: how it took effect, `live`, `restart` or `stored`; None where the box does not say."""

    @property
    def changed(self) -> bool:
        """Whether anything was written."""
        return self.action != "unchanged"


def ensured(
    get: Call[m.Pipeline],
    create: Call[m.Pipeline],
    replace: Callable[[str | Unset], Call[m.Pipeline]],
    wanted: m.PipelineSpec | None,
) -> Flow[Ensured]:
    """Make it so. `wanted` None is one that no pipeline equals. Raises what the last try raised."""
    lost: FlexError | None = None
    for _ in range(TRIES):
        try:
            found: Reply[Any] = yield get
        except NotFound:
            if isinstance(lost, Conflict):
                raise lost from None  # not the id is taken, but its mount or camera
            try:
                made: Reply[Any] = yield create
            except Conflict as error:
                lost = error
                continue
            return Ensured("created", made.data)
        if wanted is not None and same(found.data, wanted):
            return Ensured("unchanged", found.data)
        try:
            put: Reply[Any] = yield replace(found.etag or UNSET)
        except (PreconditionFailed, NotFound) as error:
            lost = error
            continue
        return Ensured("replaced", put.data, put.applied)
    assert lost is not None  # noqa: S101 - every turn but the last returns, raises or sets it
    raise lost
