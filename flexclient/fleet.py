"""Many boxes at once: `FlexFleet` blocks, `AsyncFlexFleet` is awaited.

    with FlexFleet({"gate": "https://10.0.0.5:3539", "roof": {"url": "https://10.0.0.6:3539"}}) as fleet:
        found = fleet.map(lambda box: box.pipelines.list(), deadline=5)
        for name, pipelines in found.good.items(): ...
        for name, error in found.failed.items(): ...

An error is a value here: one box that is off costs its own deadline and nobody else's answer.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar
from weakref import WeakSet

from flexclient._boxes import Box, BoxOptions, boxes_of, contexts, settings_of
from flexclient._fleet_stream import AsyncFleetStream, FleetItem, FleetStream
from flexclient._values import UNSET, Unset
from flexclient.client import AsyncFlexClient, FlexClient, warn_if_blind
from flexclient.errors import FlexError

if TYPE_CHECKING:
    from flexclient import models as m
    from flexclient._stream import AsyncEventStream, EventStream

__all__ = [
    "AsyncFleetStream",
    "AsyncFlexFleet",
    "Box",
    "BoxOptions",
    "FleetItem",
    "FleetStream",
    "FlexFleet",
    "Results",
]

T = TypeVar("T")
C = TypeVar("C", FlexClient, AsyncFlexClient)

AT_ONCE = 16
"""How many boxes are asked at the same time."""


class Results(dict[str, "T | FlexError"], Generic[T]):
    """What became of each box, by name, in the fleet's order: a result, or the error in its place."""

    @property
    def good(self) -> dict[str, T]:
        """The results alone."""
        return {name: found for name, found in self.items() if not isinstance(found, FlexError)}

    @property
    def failed(self) -> dict[str, FlexError]:
        """The errors alone."""
        return {name: found for name, found in self.items() if isinstance(found, FlexError)}


class _Fleet(Mapping[str, C]):
    """What both fleets do alike: they are mappings of names to clients."""

    _clients: dict[str, C]

    def __init__(self, boxes: Mapping[str, Box] | Iterable[str], *, at_once: int = AT_ONCE) -> None:
        if at_once < 1:
            raise ValueError("at_once counts boxes: 1 or more")
        self._at_once = at_once
        self._streams: WeakSet[Any] = WeakSet()
        self._clients = {name: self._client(name, box) for name, box in boxes_of(boxes).items()}

    @classmethod
    def from_contexts(cls, *names: str, file: str | os.PathLike[str] | None = None, at_once: int = AT_ONCE) -> Self:
        """The boxes that `flexctl context add` saved, all or those named, with their `token_command`.

        A `read_only` one refuses what would change something. Raises `UsageError` where nothing is saved.
        """
        return cls(contexts(names, file), at_once=at_once)

    @staticmethod
    def _client(name: str, box: BoxOptions) -> C:
        raise NotImplementedError

    def __getitem__(self, name: str) -> C:
        return self._clients[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._clients)

    def __len__(self) -> int:
        return len(self._clients)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {', '.join(self._clients)}>"

    def _limited(self, deadline: float | None) -> dict[str, C]:
        if deadline is None:
            return self._clients
        return {name: client.with_options(deadline=deadline) for name, client in self._clients.items()}


class FlexFleet(_Fleet[FlexClient]):
    """Many boxes, for programs that block: a mapping of their names to their clients.

    - `boxes`: names and addresses, or names and the settings of a `FlexClient` (`url`, `token`, `fingerprint`, ...);
      addresses alone are named by host and port. The environment has no say: a token in it is that of one box.
    - `at_once`: how many boxes are asked at the same time.

    Raises `UsageError` for a setting that cannot be used. Making a fleet sends nothing.
    """

    @staticmethod
    def _client(name: str, box: BoxOptions) -> FlexClient:
        from flexclient._http import SyncHttp

        settings = settings_of(name, box)
        warn_if_blind(settings)
        client = FlexClient.__new__(FlexClient)
        client._setup(SyncHttp(settings.url, settings.trust, box.get("transport")), settings)  # noqa: SLF001
        return client

    def map(self, work: Callable[[FlexClient], T], *, deadline: float | None = None) -> Results[T]:
        """Do this at every box; what came of it, by name.

        `deadline`: seconds for each call with its retries, in place of the clients' own. A `FlexError` becomes the
        value of its box; any other error is raised, once all are done.
        """
        clients = self._limited(deadline)
        if not clients:
            return Results()

        def one(client: FlexClient) -> T | FlexError:
            try:
                return work(client)
            except FlexError as error:
                return error

        with ThreadPoolExecutor(min(self._at_once, len(clients)), thread_name_prefix="flex-fleet") as pool:
            asked = {name: pool.submit(one, client) for name, client in clients.items()}
        return Results({name: future.result() for name, future in asked.items()})

    def stream(self, opened: Callable[[FlexClient], EventStream[T]]) -> FleetStream[T]:
        """The streams of all boxes as one: `fleet.stream(lambda box: box.watch())`.

        A box that cannot be reached is told once, as an error, and tried again until it is there; one that refuses for
        good is told and left out. Items of one box keep their order.
        """
        stream = FleetStream(self._clients, opened)
        self._streams.add(stream)
        return stream

    def events(self, *, types: Collection[str] | Unset = UNSET) -> FleetStream[m.Event[Any]]:
        """Every event of every box, or those of some `types`, as they happen."""
        return self.stream(lambda box: box.events.stream(types=types))

    def close(self) -> None:
        """Close the streams, and the connections of every box."""
        for stream in list(self._streams):
            stream.close()
        for client in self._clients.values():
            client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncFlexFleet(_Fleet[AsyncFlexClient]):
    """Many boxes, for asyncio. Its settings are those of `FlexFleet`."""

    @staticmethod
    def _client(name: str, box: BoxOptions) -> AsyncFlexClient:
        from flexclient._http import AsyncHttp

        settings = settings_of(name, box)
        warn_if_blind(settings)
        client = AsyncFlexClient.__new__(AsyncFlexClient)
        client._setup(AsyncHttp(settings.url, settings.trust, box.get("transport")), settings)  # noqa: SLF001
        return client

    async def map(
        self, work: Callable[[AsyncFlexClient], Awaitable[T]], *, deadline: float | None = None
    ) -> Results[T]:
        """Do this at every box; what came of it, by name. See `FlexFleet.map`."""
        import asyncio

        room = asyncio.Semaphore(self._at_once)

        async def one(client: AsyncFlexClient) -> T | FlexError:
            async with room:
                try:
                    return await work(client)
                except FlexError as error:
                    return error

        clients = self._limited(deadline)
        async with asyncio.TaskGroup() as group:
            asked = {name: group.create_task(one(client)) for name, client in clients.items()}
        return Results({name: task.result() for name, task in asked.items()})

    def stream(self, opened: Callable[[AsyncFlexClient], AsyncEventStream[T]]) -> AsyncFleetStream[T]:
        """The streams of all boxes as one. See `FlexFleet.stream`."""
        stream = AsyncFleetStream(self._clients, opened)
        self._streams.add(stream)
        return stream

    def events(self, *, types: Collection[str] | Unset = UNSET) -> AsyncFleetStream[m.Event[Any]]:
        """Every event of every box, or those of some `types`, as they happen."""
        return self.stream(lambda box: box.events.stream(types=types))

    async def close(self) -> None:
        """Close the streams, and the connections of every box."""
        for stream in list(self._streams):
            await stream.aclose()
        for client in self._clients.values():
            await client.close()

    aclose = close

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
