"""The two engines. How a call becomes requests and an answer is written once, as a generator of steps (`attempts`);
an engine only does what the steps say: send, wait.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from flexclient._auth import LOGIN, Auth, PasswordLogin
from flexclient._call import Call, Flow, Open, Pause, Reply, Step, decode
from flexclient._config import Settings
from flexclient._errors import error_from
from flexclient._log import logger, mask_text
from flexclient._retry import next_delay
from flexclient._version import __version__
from flexclient._wire import Answer, Wire
from flexclient.errors import FlexError, ProtocolError, Unauthorized

if TYPE_CHECKING:
    from flexclient._http import AsyncChannel, AsyncHttp, SyncChannel, SyncHttp
    from flexclient._values import Secret

T = TypeVar("T")

SILENCE = 40.0
"""Seconds without a byte after which an open stream is given up; the box sends a heartbeat every 15."""


@dataclass(frozen=True, slots=True)
class Renew:
    """A step: fetch another token than the one that was shown. Answered with whether there is another one now."""

    shown: Secret | None


Attempts: TypeAlias = Generator["Wire | Pause | Renew", Any, T]


class told:  # noqa: N801 - used as a function
    """While a call is on its way: who asked for it (`on_call`) is told of its begin and of its end."""

    __slots__ = ("_done", "reply")

    def __init__(self, settings: Settings, call: Call[Any]) -> None:
        self.reply: Reply[Any] | None = None
        self._done = settings.on_call(call, settings.url) if settings.on_call is not None else None

    def __enter__(self) -> told:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if self._done is not None:
            self._done(self.reply if error is None else error)


class SyncEngine:
    """Sends calls and runs flows, blocking."""

    def __init__(self, http: SyncHttp, settings: Settings) -> None:
        self.http, self.settings = http, settings

    def send(self, call: Call[T]) -> Reply[T]:
        """Send a call, with all its retries. Raises `FlexError`."""
        with told(self.settings, call) as done:
            reply = drive(answered(self.settings, call), self._do)
            done.reply = reply
        return reply

    def open(self, opening: Open) -> SyncChannel:
        """Open a stream. Raises `FlexError`."""
        with told(self.settings, opening.call):
            channel: SyncChannel = drive(opened(self.settings, opening), self._do)
        return channel

    def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end. Raises `FlexError`."""
        return drive(flow, self._do)

    def _do(self, step: Step | Wire | Renew) -> Any:
        if isinstance(step, Call):
            return self.send(step)
        if isinstance(step, Pause):
            return time.sleep(step.seconds)
        if isinstance(step, Wire):
            return self.http.open(step) if step.stream else self.http.exchange(step)
        if isinstance(step, Renew):
            with self.http.renewing:
                return drive(renewal(self.settings, step), self._do)
        raise TypeError(step)


class AsyncEngine:
    """Sends calls and runs flows, for asyncio."""

    def __init__(self, http: AsyncHttp, settings: Settings) -> None:
        self.http, self.settings = http, settings

    async def send(self, call: Call[T]) -> Reply[T]:
        """Send a call, with all its retries. Raises `FlexError`."""
        with told(self.settings, call) as done:
            reply = await adrive(answered(self.settings, call), self._do)
            done.reply = reply
        return reply

    async def open(self, opening: Open) -> AsyncChannel:
        """Open a stream. Raises `FlexError`."""
        with told(self.settings, opening.call):
            channel: AsyncChannel = await adrive(opened(self.settings, opening), self._do)
        return channel

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow to its end. Raises `FlexError`."""
        return await adrive(flow, self._do)

    async def _do(self, step: Step | Wire | Renew) -> Any:
        if isinstance(step, Call):
            return await self.send(step)
        if isinstance(step, Pause):
            import asyncio

            return await asyncio.sleep(step.seconds)
        if isinstance(step, Wire):
            return await (self.http.open(step) if step.stream else self.http.exchange(step))
        if isinstance(step, Renew):
            return await self._renew(step)
        raise TypeError(step)

    async def _renew(self, step: Renew) -> bool:
        import asyncio

        self.http.renewing = self.http.renewing or asyncio.Lock()
        async with self.http.renewing:
            return await adrive(renewal(self.settings, step), self._do)


def drive(work: Generator[Any, Any, T], do: Callable[[Any], Any]) -> T:
    """Do the steps of a generator one by one; what fails is raised where the step was asked for."""
    answer: Any = None
    error: FlexError | None = None
    while True:
        try:
            step = work.send(answer) if error is None else work.throw(error)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        answer = error = None
        try:
            answer = do(step)
        except FlexError as failed:
            error = failed


async def adrive(work: Generator[Any, Any, T], do: Callable[[Any], Awaitable[Any]]) -> T:
    """Do the steps of a generator one by one; what fails is raised where the step was asked for."""
    answer: Any = None
    error: FlexError | None = None
    while True:
        try:
            step = work.send(answer) if error is None else work.throw(error)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]
        answer = error = None
        try:
            answer = await do(step)
        except FlexError as failed:
            error = failed


def answered(settings: Settings, call: Call[T]) -> Attempts[Reply[T]]:
    """Send a call until it is answered, or nothing more can be done."""
    reply: Reply[T] = yield from attempts(settings, call, stream=False, read=reply_of)
    return reply


def opened(settings: Settings, opening: Open) -> Attempts[Any]:
    """Open a stream: with retries the first time; later the stream itself counts its tries and tells of them."""
    settings = settings if opening.first else replace(settings, retries=0)
    return (yield from attempts(settings, opening.call, stream=True, read=channel_of))


def attempts(
    settings: Settings, call: Call[Any], *, stream: bool, read: Callable[[Call[Any], Any], Any]
) -> Attempts[Any]:
    """Try, and where that is wise try again, within the call's deadline."""
    if settings.guard:
        settings.guard(call)
    started = time.monotonic()
    deadline = settings.deadline if call.deadline is None else call.deadline
    tries = itertools.count(1)
    attempt, renewed = next(tries), call.path == LOGIN
    if settings.auth.unasked:
        yield Renew(None)
    while True:
        remaining = deadline - (time.monotonic() - started)
        shown = settings.auth.token
        try:
            return read(call, (yield wire_of(settings, call, max(remaining, 0.001), stream=stream)))
        except FlexError as error:
            error.call = error.call or call
            if isinstance(error, Unauthorized) and not renewed and settings.auth.source is not None:
                renewed = True
                if (yield Renew(shown)):
                    continue
            delay = next_delay(
                error,
                attempt=attempt,
                retries=settings.retries,
                idempotent=call.idempotent,
                remaining=deadline - (time.monotonic() - started),
                chance=random.random(),  # noqa: S311 - jitter, no secret
            )
            if delay is None:
                raise
            logger.info("%s: %s; trying again in %.1f s", call, error, delay)
        yield Pause(delay)
        attempt = next(tries)


def renewal(settings: Settings, step: Renew) -> Attempts[bool]:
    """Fetch another token; whether there is one. Many may have noticed the end of the last one: the first fetches."""
    auth = settings.auth
    if auth.token != step.shown:
        return True
    if isinstance(auth.source, PasswordLogin):
        from flexclient.models import Session

        call = Call("POST", LOGIN, Session, json=auth.source.body())
        auth.take((yield from answered(replace(settings, auth=Auth(None, None)), call)).data.token)
    elif auth.source is not None:
        auth.take(auth.source())
    return auth.token is not None and auth.token != step.shown


def wire_of(settings: Settings, call: Call[Any], remaining: float, *, stream: bool) -> Wire:
    """One request, complete: address, headers with credentials, time limits."""
    headers = {"user-agent": f"flexclient/{__version__}", "accept": "application/json"}
    if call.content_type:
        headers["content-type"] = call.content_type
    for given in (settings.headers, settings.auth.headers(), call.headers):
        headers |= {name.lower(): value for name, value in given.items()}
    return Wire(
        call=call,
        url=settings.url + call.target,
        headers=headers,
        timeout=min(settings.timeout, remaining),
        read_timeout=SILENCE if stream else min(settings.timeout + call.patience, remaining),
        total=remaining,
        stream=stream,
    )


def reply_of(call: Call[T], answer: Answer) -> Reply[T]:
    """Read an answer as what its call returns. Raises the `FlexError` that it means."""
    logger.debug("%s: %s, request %s", call, answer.status, answer.headers.get("x-request-id", "-"))
    asked = answer.status == 304 and any(name.lower() == "if-none-match" for name in call.headers)
    if not (200 <= answer.status < 300 or asked):
        raise error_from(call, answer.status, answer.headers, answer.body)
    try:
        data = decode(call.returns, answer.body, answer.headers.get("content-type", ""))
    except ValueError as error:
        reason = mask_text(_faults(error).replace("\n", " "))
        raise ProtocolError(
            f"the answer to {call} is not what the API promises: {reason}",
            hint="Is this address a Flex box, and of a version that this client knows?",
            call=call,
        ) from None
    return Reply(data, answer.status, answer.headers)


def _faults(error: ValueError) -> str:
    """What is wrong with a document, without what stands in it: pydantic shows that, passwords too."""
    errors: Any = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    listed = errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in listed[:5])


def channel_of(call: Call[Any], answer: Any) -> Any:
    """The channel of an opened stream. Raises what an answer means that is none."""
    if not isinstance(answer, Answer):
        return answer
    if 200 <= answer.status < 300:
        kind = answer.headers.get("content-type", "no type")
        raise ProtocolError(f"{call} was answered with {kind}, not with an event stream", call=call)
    raise error_from(call, answer.status, answer.headers, answer.body)
