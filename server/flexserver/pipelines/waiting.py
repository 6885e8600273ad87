"""Waiting until an order is carried out, and the sentence where it is not."""

# ruff: noqa: A002 - what the API calls id is called so here

from __future__ import annotations

import asyncio

from flexclient.models import ErrorCode, Order, State
from flexserver.errors import Refusal, conflict
from flexserver.pipelines.lifecycle import Fault, Life, Worker
from flexserver.pipelines.runner import Runner

CERTAIN = frozenset({"source", "output", "graph", "media", "license", "codec"})
"""Faults whose cause is known: waiting on would only delay the answer."""

_CODES = {
    "media": ErrorCode.GSTREAMER_UNAVAILABLE,
    "license": ErrorCode.LICENSE_LIMIT_EXCEEDED,
    "codec": ErrorCode.LICENSE_ERROR,
}
_FINAL = (
    "The pipeline is stored, but it cannot work as it is, so the box does not try again. Change it (PUT or PATCH): "
    "then it starts at once."
)


def code_of(fault: Fault) -> ErrorCode:
    """The contract's code for a fault."""
    return _CODES.get(fault.part, ErrorCode.GSTREAMER_ERROR)


async def started(runner: Runner, seconds: float) -> bool:
    """Return when it plays: True; or when another order came: False.

    Raises `Refusal`: the cause when that is certain, 504 when time is up, 409 where it was deleted.
    """
    try:
        async with asyncio.timeout(seconds):
            life = await runner.until(_decided)
    except TimeoutError:
        raise _too_late(runner, seconds) from None
    if runner.deleted:
        hint = "Nothing of it is left. POST /flex/pipeline makes it anew."
        raise conflict(f"the pipeline '{runner.spec.id}' was deleted while it started", hint)
    if life.closed:
        raise Refusal(
            ErrorCode.OVERLOADED, "the box shuts down", "The pipeline is stored and plays when the box is back."
        )
    if life.state == State.ERROR:
        raise _failed(runner, life)
    return life.order == Order.PLAY


def overtaken(id: str, order: Order) -> Refusal:
    """The answer to a `play` that another order ended before it came true."""
    hint = f"The later order holds. PUT /flex/pipeline/{id}/play plays it after all."
    return conflict(f"the pipeline '{id}' was given the order '{order.value}' while it started", hint)


async def stopped(runner: Runner) -> None:
    """Return when no worker is left, or another order came."""
    await runner.until(lambda life: life.order != Order.STOP or life.worker is Worker.NONE)


def _decided(life: Life) -> bool:
    if life.state == State.PLAYING or life.closed or life.over or life.order != Order.PLAY:
        return True
    return life.state == State.ERROR and life.fault is not None and life.fault.part in CERTAIN


def _failed(runner: Runner, life: Life) -> Refusal:
    cause = life.fault.message if life.fault else "the pipeline failed"
    if life.fault and life.fault.part == "media":
        hint = "Install GStreamer and its Python bindings. The pipeline is stored and plays once they are there."
        return Refusal(ErrorCode.GSTREAMER_UNAVAILABLE, f"this box has no GStreamer: {cause}", hint)
    if life.fault and life.fault.licensing:
        return Refusal(code_of(life.fault), cause, "The pipeline is stored, and plays when the licence allows it.")
    hint = _FINAL if life.hopeless else _hint(runner)
    return Refusal(ErrorCode.GSTREAMER_ERROR, cause, hint)


def _too_late(runner: Runner, seconds: float) -> Refusal:
    message = f"the pipeline '{runner.spec.id}' did not play within {seconds:g} seconds"
    if fault := runner.life.fault:
        message += f": {fault.message}"
    return Refusal(ErrorCode.PIPELINE_START_TIMEOUT, message, _hint(runner))


def _hint(runner: Runner) -> str:
    address = f"/flex/pipeline/{runner.spec.id}"
    return (
        "The pipeline is stored, and the box keeps trying to start it. "
        f"GET {address}/status says how it fares, GET {address}/logs what its worker said; "
        f"PUT {address}/stop ends the tries."
    )
