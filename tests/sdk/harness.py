"""One face for both clients, so that a test is written once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, Self

import httpx
import respx

from flexclient import AsyncFlexClient, FlexClient


class Side(Protocol):
    """The blocking client or the asynchronous one."""

    def client(self, **settings: Any) -> Any:
        """A client, closed at the end of the test."""
        ...

    def do(self, work: Any) -> Any:
        """The result of a client's method, awaited where it has to be."""
        ...

    def next(self, stream: Any) -> Any:
        """The next item of a stream."""
        ...

    def all(self, stream: Any) -> list[Any]:
        """Every item of a stream, until it ends."""
        ...

    def router(self, router: respx.MockRouter) -> httpx.MockTransport:
        """A transport that answers what the router says."""
        ...

    def soon(self, do: Callable[[], Any], when: Callable[[], bool]) -> None:
        """Call `do` once `when` holds, while the test waits for something: from another thread, or another task."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


class SyncSide:
    """`FlexClient`."""

    def __init__(self) -> None:
        self._clients: list[FlexClient] = []
        self._threads: list[threading.Thread] = []

    def client(self, **settings: Any) -> FlexClient:
        client = FlexClient(**settings)
        self._clients.append(client)
        return client

    def do(self, work: Any) -> Any:
        return work

    def next(self, stream: Any) -> Any:
        return next(stream)

    def all(self, stream: Any) -> list[Any]:
        return list(stream)

    def router(self, router: respx.MockRouter) -> httpx.MockTransport:
        return httpx.MockTransport(router.handler)

    def soon(self, do: Callable[[], Any], when: Callable[[], bool]) -> None:
        def run() -> None:
            wait_until(when)
            do()

        thread = threading.Thread(target=run)
        thread.start()
        self._threads.append(thread)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()
        for client in self._clients:
            client.close()


class AsyncSide:
    """`AsyncFlexClient`, in an event loop of its own."""

    def __init__(self) -> None:
        self._clients: list[AsyncFlexClient] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.runner = asyncio.Runner()

    def client(self, **settings: Any) -> AsyncFlexClient:
        client = AsyncFlexClient(**settings)
        self._clients.append(client)
        return client

    def do(self, work: Any) -> Any:
        return self.runner.run(_finished(work))

    def next(self, stream: Any) -> Any:
        return self.do(anext(stream))

    def all(self, stream: Any) -> list[Any]:
        async def collect() -> list[Any]:
            return [item async for item in stream]

        return self.runner.run(collect())

    def router(self, router: respx.MockRouter) -> httpx.MockTransport:
        return httpx.MockTransport(router.async_handler)

    def soon(self, do: Callable[[], Any], when: Callable[[], bool]) -> None:
        async def run() -> None:
            async with asyncio.timeout(10):
                while not when():  # noqa: ASYNC110 - what it looks at is not asyncio's
                    await asyncio.sleep(0.005)
            await _finished(do())

        self._tasks.append(self.runner.get_loop().create_task(run()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        async def end() -> None:
            await asyncio.gather(*self._tasks)
            for client in self._clients:
                await client.close()

        self.runner.run(end())
        self.runner.close()


async def _finished(work: Any) -> Any:
    return await work if isinstance(work, Coroutine) or hasattr(work, "__await__") else work


def wait_until(condition: Callable[[], object], limit: float = 10.0) -> None:
    """Return once the condition holds; fail after the limit."""
    until = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < until, "the condition never held"
        time.sleep(0.005)
