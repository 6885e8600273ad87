"""Who may play: as many streams as the licence allows, of the codecs that it names (API.md, Licence).

A stream has a seat while it runs or tries to: a source that is lost keeps it. Who asks when none is free waits. A seat
that becomes free, and a licence that changes, go round in one order: what is ordered to play before what is armed, the
oldest pipeline first. Where there are more than the licence allows, those at the end of that order give way.
"""

# ruff: noqa: A001, A002 - what the API calls id is called so here

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flexclient.models import Codec, ErrorCode, FieldError, Order
from flexserver.errors import Refusal
from flexserver.pipelines.lifecycle import Fault, Reviewed

if TYPE_CHECKING:
    from flexserver.pipelines.runner import Runner
    from flexserver.pipelines.service import Record

NAMED = 3
"""So many pipelines are named that have the seats."""
READ_LICENSE = "GET /flex/licensed says what is licensed."


@dataclass(frozen=True, slots=True)
class Grant:
    """What may be encoded now."""

    codecs: frozenset[str] | None = None
    """None: any."""
    most: int | None = None
    """How many streams may play at once; None: any number."""
    says: str = ""
    """The beginning of a sentence that goes on with what is allowed: `the licence F-1 allows`."""

    def allows(self, codec: str) -> bool:
        """Whether the codec may be encoded."""
        return self.codecs is None or codec in self.codecs


UNLOCKED = Grant()
"""A box without a vendor's key."""


class Seats:
    """Asked by every run before each of its steps, and by the service before it stores an order."""

    def __init__(self) -> None:
        self.grant: Callable[[], Grant] = lambda: UNLOCKED
        """What is allowed now; set by who knows."""
        self.records: Mapping[str, Record] = {}
        self._claimed: set[str] = set()
        """Pipelines whose order to play is being stored."""
        self._reviewing = False

    def held(self, runner: Runner) -> Fault | None:
        """Why this run may not be now, None where it may."""
        grant = self.grant()
        if not grant.allows(runner.codec):
            return Fault("codec", _codec_fault(grant, runner.codec))
        if grant.most is None:
            return None
        taken = self._taken(runner.spec.id)
        if runner.life.seated:
            mine = _rank(self.records[runner.spec.id]) if runner.spec.id in self.records else ()
            taken = [id for id in taken if id in self.records and _rank(self.records[id]) < mine]
        return None if len(taken) < grant.most else Fault("license", _limit_fault(grant, grant.most, taken))

    def check_codec(self, codec: Codec | str) -> None:
        """Raises `Refusal` (402 LICENSE_ERROR) for a codec that is not licensed."""
        grant = self.grant()
        if not grant.allows(codec):
            message = _codec_fault(grant, codec)
            details = (FieldError(field="encoding.codec", message="this codec is not licensed"),)
            raise Refusal(ErrorCode.LICENSE_ERROR, message, READ_LICENSE, details)

    @contextmanager
    def claim(self, id: str, *, plays: bool) -> Iterator[None]:
        """Keep a seat while an order to play is stored. Raises `Refusal` (402 LICENSE_LIMIT_EXCEEDED)."""
        record, grant = self.records.get(id), self.grant()
        if not plays or grant.most is None or (record and record.runner.life.seated):
            yield
            return
        taken = self._taken(id)
        if len(taken) >= grant.most:
            hint = f"Nothing was changed. PUT /flex/pipeline/{taken[-1]}/stop makes room. {READ_LICENSE}"
            raise Refusal(ErrorCode.LICENSE_LIMIT_EXCEEDED, _limit_fault(grant, grant.most, taken), hint)
        self._claimed.add(id)
        try:
            yield
        finally:
            self._claimed.discard(id)

    def in_turn(self) -> list[Record]:
        """Every pipeline, in the order in which seats are given."""
        return sorted(self.records.values(), key=_rank)

    def review(self) -> None:
        """Let everybody see what is allowed now, soon: a seat is free, or the licence is another one."""
        if not self._reviewing:
            self._reviewing = True
            asyncio.get_running_loop().call_soon(self._review)

    def freed(self) -> None:
        """A run may have ended: where seats are counted, somebody may wait for it."""
        if self.grant().most is not None:
            self.review()

    def _review(self) -> None:
        self._reviewing = False
        for record in self.in_turn():
            record.runner.happen(Reviewed())

    def _taken(self, me: str) -> list[str]:
        """Who else has a seat, in turn."""
        seated = [record.row.id for record in self.in_turn() if record.runner.life.seated]
        claimed = self._claimed - set(seated)
        return [id for id in (*seated, *sorted(claimed)) if id != me]


def _rank(record: Record) -> tuple[bool, str, str]:
    return record.row.order != Order.PLAY, record.row.created_at, record.row.id


def _codec_fault(grant: Grant, codec: str) -> str:
    allowed = ", ".join(sorted(grant.codecs or ())) or "no codec"
    return f"{grant.says} {allowed}, and not {codec}"


def _limit_fault(grant: Grant, most: int, taken: list[str]) -> str:
    streams = "one playing stream" if most == 1 else f"{most} playing streams"
    more = f" and {len(taken) - NAMED} more" if len(taken) > NAMED else ""
    which = "which is" if len(taken) == 1 else "which are"
    return f"{grant.says} {streams}, {which} {', '.join(taken[:NAMED])}{more}"
