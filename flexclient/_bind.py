"""Descriptors that turn a description (a method that returns a `Call`, a flow or a stream) into a typed method: it
blocks on `FlexClient`, and is awaited on `AsyncFlexClient`. No I/O here; the engines do it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from flexclient._call import named, operation_of
from flexclient._engine import AsyncEngine, SyncEngine
from flexclient._stream import AsyncEventStream, EventStream, OnState, Source

if TYPE_CHECKING:
    from inspect import Signature

    from flexclient._call import Call, Flow, Reply

P = ParamSpec("P")
T = TypeVar("T")


class Sync:
    """Marks a resource whose methods block."""


class Async:
    """Marks a resource whose methods are awaited."""


M = TypeVar("M", Sync, Async)


class Resource(Generic[M]):
    """A group of methods on one client."""

    def __init__(self, engine: SyncEngine | AsyncEngine) -> None:
        self._engine = engine

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._engine.settings.url}>"


class _Described:
    """What `help` and `inspect` see: the describing method's arguments, and the data that its call gives."""

    __wrapped__: Any

    @property
    def __name__(self) -> str:
        return str(self.__wrapped__.func.__name__)

    @property
    def __signature__(self) -> Signature:
        from inspect import signature  # only who asks pays for it

        described = signature(self.__wrapped__)
        told = described.return_annotation
        if isinstance(told, str) and told.startswith("Call["):
            told = told.removeprefix("Call[").removesuffix("]")
        return described.replace(return_annotation=told)

    def __repr__(self) -> str:
        # `help` shows an object's repr, and a signature only of what is a function.
        return f"<{self.__name__}{self.__signature__}>".replace("'", "")


class Bound(_Described, Generic[P, T]):
    """An endpoint of a blocking client: call it, or ask it for the whole reply, or for its plan."""

    def __init__(self, engine: SyncEngine, describe: Callable[P, Call[T]]) -> None:
        self._engine = engine
        self._describe = describe
        self.__doc__ = describe.__doc__
        self.__wrapped__ = describe

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Send the request; the answer's data."""
        return self._engine.send(self._describe(*args, **kwargs)).data

    def raw(self, *args: P.args, **kwargs: P.kwargs) -> Reply[T]:
        """Send the request; the answer's data, status and headers."""
        return self._engine.send(self._describe(*args, **kwargs))

    def plan(self, *args: P.args, **kwargs: P.kwargs) -> Call[T]:
        """The request as a value, not sent."""
        return self._describe(*args, **kwargs)


class AsyncBound(_Described, Generic[P, T]):
    """An endpoint of an asynchronous client: await it, or the whole reply; or ask for its plan."""

    def __init__(self, engine: AsyncEngine, describe: Callable[P, Call[T]]) -> None:
        self._engine = engine
        self._describe = describe
        self.__doc__ = describe.__doc__
        self.__wrapped__ = describe

    async def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Send the request; the answer's data."""
        return (await self._engine.send(self._describe(*args, **kwargs))).data

    async def raw(self, *args: P.args, **kwargs: P.kwargs) -> Reply[T]:
        """Send the request; the answer's data, status and headers."""
        return await self._engine.send(self._describe(*args, **kwargs))

    def plan(self, *args: P.args, **kwargs: P.kwargs) -> Call[T]:
        """The request as a value, not sent."""
        return self._describe(*args, **kwargs)


class endpoint(Generic[P, T]):  # noqa: N801 - used as a decorator
    """Makes an endpoint's method of the method that describes its request."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Call[T]]) -> None:
        operation = operation_of(describe)

        @wraps(describe)
        def described(resource: Any, *args: P.args, **kwargs: P.kwargs) -> Call[T]:
            return named(describe(resource, *args, **kwargs), operation)

        self._describe = described
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, resource: None, owner: type) -> endpoint[P, T]: ...
    @overload
    def __get__(self, resource: Resource[Sync], owner: type) -> Bound[P, T]: ...
    @overload
    def __get__(self, resource: Resource[Async], owner: type) -> AsyncBound[P, T]: ...
    def __get__(self, resource: Resource[Any] | None, owner: type) -> Any:
        if resource is None:
            return self
        describe = partial(self._describe, resource)
        describe.__doc__ = self.__doc__
        engine = resource._engine  # noqa: SLF001 - the two are one
        return Bound(engine, describe) if isinstance(engine, SyncEngine) else AsyncBound(engine, describe)

    def plan(self, resource: Resource[Any], *args: P.args, **kwargs: P.kwargs) -> Call[T]:
        """The request as a value, for flows: they serve both kinds of client."""
        return self._describe(resource, *args, **kwargs)


class flow(Generic[P, T]):  # noqa: N801 - used as a decorator
    """Makes a method of the generator that describes its steps."""

    def __init__(self, steps: Callable[Concatenate[Any, P], Flow[T]]) -> None:
        self._steps = steps
        self.__doc__ = steps.__doc__

    @overload
    def __get__(self, resource: None, owner: type) -> flow[P, T]: ...
    @overload
    def __get__(self, resource: Resource[Sync], owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, resource: Resource[Async], owner: type) -> Callable[P, Awaitable[T]]: ...
    def __get__(self, resource: Resource[Any] | None, owner: type) -> Any:
        if resource is None:
            return self
        engine, steps = resource._engine, partial(self._steps, resource)  # noqa: SLF001 - the two are one

        def run(*args: P.args, **kwargs: P.kwargs) -> Any:
            return engine.run(steps(*args, **kwargs))

        run.__doc__ = self.__doc__
        run.__wrapped__ = steps  # type: ignore[attr-defined]
        return run


@dataclass(frozen=True, slots=True)
class Streaming(Generic[T]):
    """A stream, described and not opened."""

    call: Call[Any]
    """The request that opens it."""
    source: Source[T]
    on_state: OnState | None = None


class BoundStream(Generic[P, T]):
    """A stream of a blocking client: call it to make the stream, which opens when it is first read."""

    def __init__(self, engine: SyncEngine, describe: Callable[P, Streaming[T]]) -> None:
        self._engine = engine
        self._describe = describe
        self.__doc__ = describe.__doc__
        self.__wrapped__ = describe

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> EventStream[T]:
        """The stream, not open yet."""
        described = self._describe(*args, **kwargs)
        return EventStream(self._engine, described.source, described.on_state)

    def plan(self, *args: P.args, **kwargs: P.kwargs) -> Call[Any]:
        """The request that opens the stream, as a value, not sent."""
        return self._describe(*args, **kwargs).call


class AsyncBoundStream(Generic[P, T]):
    """A stream of an asynchronous client: call it, without `await`, to make the stream."""

    def __init__(self, engine: AsyncEngine, describe: Callable[P, Streaming[T]]) -> None:
        self._engine = engine
        self._describe = describe
        self.__doc__ = describe.__doc__
        self.__wrapped__ = describe

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> AsyncEventStream[T]:
        """The stream, not open yet."""
        described = self._describe(*args, **kwargs)
        return AsyncEventStream(self._engine, described.source, described.on_state)

    def plan(self, *args: P.args, **kwargs: P.kwargs) -> Call[Any]:
        """The request that opens the stream, as a value, not sent."""
        return self._describe(*args, **kwargs).call


class streaming(Generic[P, T]):  # noqa: N801 - used as a decorator
    """Makes a method that gives a stream of the method that describes it."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Streaming[T]]) -> None:
        operation = operation_of(describe)

        @wraps(describe)
        def described(resource: Any, *args: P.args, **kwargs: P.kwargs) -> Streaming[T]:
            found = describe(resource, *args, **kwargs)
            named(found.call, operation)
            return found

        self._describe = described
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, resource: None, owner: type) -> streaming[P, T]: ...
    @overload
    def __get__(self, resource: Resource[Sync], owner: type) -> BoundStream[P, T]: ...
    @overload
    def __get__(self, resource: Resource[Async], owner: type) -> AsyncBoundStream[P, T]: ...
    def __get__(self, resource: Resource[Any] | None, owner: type) -> Any:
        if resource is None:
            return self
        describe = partial(self._describe, resource)
        describe.__doc__ = self.__doc__
        engine = resource._engine  # noqa: SLF001 - the two are one
        return BoundStream(engine, describe) if isinstance(engine, SyncEngine) else AsyncBoundStream(engine, describe)
