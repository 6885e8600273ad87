"""The two clients: `FlexClient` blocks, `AsyncFlexClient` is awaited. Both have the same resources."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from flexclient._auth import TokenSource
from flexclient._bind import Async, Sync
from flexclient._call import Call, Reply
from flexclient._config import Settings, settings_from
from flexclient._engine import AsyncEngine, SyncEngine
from flexclient._log import logger
from flexclient._stream import AsyncEventStream, EventStream
from flexclient._values import UNSET, Unset
from flexclient._watch import Change
from flexclient.resources.audio_devices import AudioDeviceList
from flexclient.resources.auth import Auth
from flexclient.resources.cameras import CameraList
from flexclient.resources.events import Events
from flexclient.resources.framegrabs import Framegrabs
from flexclient.resources.license import Licensing
from flexclient.resources.pipelines import Pipelines
from flexclient.resources.settings import BoxSettings
from flexclient.resources.system import System
from flexclient.resources.triggers import Triggers
from flexclient.resources.webhooks import Webhooks

if TYPE_CHECKING:
    from pydantic import SecretStr

    from flexclient._call import OnCall
    from flexclient._http import AsyncBaseTransport, AsyncHttp, BaseTransport, SyncHttp

T = TypeVar("T")


class InsecureWarning(UserWarning):
    """The client takes anybody's certificate: who sits in between reads and changes everything, tokens too."""


class _Client:
    """What both clients do alike."""

    _settings: Settings

    @property
    def url(self) -> str:
        """The address of the box."""
        return self._settings.url

    def curl(self, call: Call[Any], *, options: Sequence[str] = ()) -> str:
        """A planned call as a line for a shell, with this client's address; secrets are variables of the shell.

        `options` are more arguments for curl, ready for the shell.
        """
        settings = self._settings
        return call.curl(settings.url, options=[*options, *settings.trust.curl(), *settings.auth.curl()])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._settings.url}>"


class FlexClient(_Client):
    """A client of one box, for programs that block. Threads may share it.

    What is not given comes from `FLEX_URL`, `FLEX_TOKEN`, `FLEX_API_KEY`, `FLEX_FINGERPRINT`, `FLEX_CA_FILE` and
    `FLEX_INSECURE`.

    - `url`: address of the box, `https://127.0.0.1:3539` unless given.
    - `token`: a session's token; a `PasswordLogin`, which logs in when the box asks for a token and again when the
      session has ended; or a function that fetches a token (asked again when it has ended).
    - `api_key`: an API key.
    - `fingerprint`: SHA-256 of the box's certificate, colons or not; nothing is sent where another one is shown.
    - `ca_file`: PEM file with the box's certificate or the authority that signed it.
    - `insecure`: take any certificate. Warns.
    - `timeout`: seconds without a byte; calls that start a pipeline may take 30 more.
    - `deadline`: seconds for one call with all its retries.
    - `retries`: tries after the first, where another try does no harm.
    - `headers`: sent with each request.
    - `guard`: asked before each call is sent, logins by itself too; what it raises keeps the call from being sent.
    - `on_call`: told of each call and of its end, such as `otel.traced()` (`from flexclient import otel`).
    - `transport`: another way out than the network, such as `flexclient.testing.FakeFlex`.

    Raises `UsageError` for a setting that cannot be used. Making a client sends nothing.
    """

    audio_devices: AudioDeviceList[Sync]
    auth: Auth[Sync]
    cameras: CameraList[Sync]
    events: Events[Sync]
    framegrabs: Framegrabs[Sync]
    license: Licensing[Sync]
    pipelines: Pipelines[Sync]
    settings: BoxSettings[Sync]
    system: System[Sync]
    triggers: Triggers[Sync]
    webhooks: Webhooks[Sync]

    def __init__(
        self,
        *,
        url: str | None = None,
        token: str | SecretStr | TokenSource | None = None,
        api_key: str | SecretStr | None = None,
        fingerprint: str | None = None,
        ca_file: str | None = None,
        insecure: bool | None = None,
        timeout: float = 10.0,
        deadline: float = 60.0,
        retries: int = 3,
        headers: Mapping[str, str] | None = None,
        guard: Callable[[Call[Any]], None] | None = None,
        on_call: OnCall | None = None,
        transport: BaseTransport | None = None,
    ) -> None:
        from flexclient._http import SyncHttp

        settings = settings_from(
            os.environ,
            url=url,
            token=token,
            api_key=api_key,
            fingerprint=fingerprint,
            ca_file=ca_file,
            insecure=insecure,
            timeout=timeout,
            deadline=deadline,
            retries=retries,
            headers=headers,
            guard=guard,
            on_call=on_call,
        )
        warn_if_blind(settings)
        self._setup(SyncHttp(settings.url, settings.trust, transport), settings)

    def _setup(self, http: SyncHttp, settings: Settings) -> None:
        self._http, self._settings = http, settings
        self._engine = SyncEngine(http, settings)
        self.audio_devices = AudioDeviceList(self._engine)
        self.auth = Auth(self._engine)
        self.cameras = CameraList(self._engine)
        self.events = Events(self._engine)
        self.framegrabs = Framegrabs(self._engine)
        self.license = Licensing(self._engine)
        self.pipelines = Pipelines(self._engine)
        self.settings = BoxSettings(self._engine)
        self.system = System(self._engine)
        self.triggers = Triggers(self._engine)
        self.webhooks = Webhooks(self._engine)

    def with_options(
        self,
        *,
        timeout: float | Unset = UNSET,
        deadline: float | Unset = UNSET,
        retries: int | Unset = UNSET,
        headers: Mapping[str, str] | Unset = UNSET,
        token: str | SecretStr | TokenSource | Unset | None = UNSET,
        api_key: str | SecretStr | Unset | None = UNSET,
    ) -> Self:
        """A copy with some settings changed. It shares the connections: closing one closes them for all."""
        copy = type(self).__new__(type(self))
        copy._setup(  # noqa: SLF001 - its own
            self._http,
            self._settings.changed(
                timeout=timeout, deadline=deadline, retries=retries, headers=headers, token=token, api_key=api_key
            ),
        )
        return copy

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = UNSET,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply[Any]:
        """Send any request; the answer's JSON, text or bytes, after its type. Raises as every other method."""
        return self._engine.send(free_call(method, path, json=json, query=query, headers=headers))

    def send(self, call: Call[T]) -> Reply[T]:
        """Send a planned call."""
        return self._engine.send(call)

    def watch(self, *, pipeline_id: str | Collection[str] | Unset = UNSET) -> EventStream[Change]:
        """The table of all pipelines, or of some, and every change of it: the list joined with the events.

        It survives restarts of the box. The same as `events.watch_pipelines`.
        """
        return self.events.watch_pipelines(pipeline_id=pipeline_id)

    def watch_pipelines(self) -> EventStream[Change]:
        """`watch`, by the name that it had first."""
        return self.watch()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncFlexClient(_Client):
    """A client of one box, for asyncio. Its settings are those of `FlexClient`; every request is awaited."""

    audio_devices: AudioDeviceList[Async]
    auth: Auth[Async]
    cameras: CameraList[Async]
    events: Events[Async]
    framegrabs: Framegrabs[Async]
    license: Licensing[Async]
    pipelines: Pipelines[Async]
    settings: BoxSettings[Async]
    system: System[Async]
    triggers: Triggers[Async]
    webhooks: Webhooks[Async]

    def __init__(
        self,
        *,
        url: str | None = None,
        token: str | SecretStr | TokenSource | None = None,
        api_key: str | SecretStr | None = None,
        fingerprint: str | None = None,
        ca_file: str | None = None,
        insecure: bool | None = None,
        timeout: float = 10.0,
        deadline: float = 60.0,
        retries: int = 3,
        headers: Mapping[str, str] | None = None,
        guard: Callable[[Call[Any]], None] | None = None,
        on_call: OnCall | None = None,
        transport: AsyncBaseTransport | None = None,
    ) -> None:
        from flexclient._http import AsyncHttp

        settings = settings_from(
            os.environ,
            url=url,
            token=token,
            api_key=api_key,
            fingerprint=fingerprint,
            ca_file=ca_file,
            insecure=insecure,
            timeout=timeout,
            deadline=deadline,
            retries=retries,
            headers=headers,
            guard=guard,
            on_call=on_call,
        )
        warn_if_blind(settings)
        self._setup(AsyncHttp(settings.url, settings.trust, transport), settings)

    def _setup(self, http: AsyncHttp, settings: Settings) -> None:
        self._http, self._settings = http, settings
        self._engine = AsyncEngine(http, settings)
        self.audio_devices = AudioDeviceList(self._engine)
        self.auth = Auth(self._engine)
        self.cameras = CameraList(self._engine)
        self.events = Events(self._engine)
        self.framegrabs = Framegrabs(self._engine)
        self.license = Licensing(self._engine)
        self.pipelines = Pipelines(self._engine)
        self.settings = BoxSettings(self._engine)
        self.system = System(self._engine)
        self.triggers = Triggers(self._engine)
        self.webhooks = Webhooks(self._engine)

    def with_options(
        self,
        *,
        timeout: float | Unset = UNSET,
        deadline: float | Unset = UNSET,
        retries: int | Unset = UNSET,
        headers: Mapping[str, str] | Unset = UNSET,
        token: str | SecretStr | TokenSource | Unset | None = UNSET,
        api_key: str | SecretStr | Unset | None = UNSET,
    ) -> Self:
        """A copy with some settings changed. It shares the connections: closing one closes them for all."""
        copy = type(self).__new__(type(self))
        copy._setup(  # noqa: SLF001 - its own
            self._http,
            self._settings.changed(
                timeout=timeout, deadline=deadline, retries=retries, headers=headers, token=token, api_key=api_key
            ),
        )
        return copy

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = UNSET,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply[Any]:
        """Send any request; the answer's JSON, text or bytes, after its type. Raises as every other method."""
        return await self._engine.send(free_call(method, path, json=json, query=query, headers=headers))

    async def send(self, call: Call[Any]) -> Reply[Any]:
        """Send a planned call."""
        return await self._engine.send(call)

    def watch(self, *, pipeline_id: str | Collection[str] | Unset = UNSET) -> AsyncEventStream[Change]:
        """The table of all pipelines, or of some, and every change of it: the list joined with the events.

        It survives restarts of the box. The same as `events.watch_pipelines`.
        """
        return self.events.watch_pipelines(pipeline_id=pipeline_id)

    def watch_pipelines(self) -> AsyncEventStream[Change]:
        """`watch`, by the name that it had first."""
        return self.watch()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    aclose = close

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def free_call(
    method: str,
    path: str,
    *,
    json: Any = UNSET,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Call[Any]:
    """A call to any path, as it is written: the caller encodes what has to be. Raises `UsageError`."""
    if not path.startswith("/"):
        path = "/" + path
    return Call(method.upper(), path, cast("Any", Any), json=json, query=query or {}, headers=headers or {})


def warn_if_blind(settings: Settings) -> None:
    """Warn of a client that takes any certificate."""
    if not settings.trust.blind:
        return
    message = (
        f"the certificate of {settings.url} is not checked: whoever sits in between reads and changes everything. "
        "Pin it instead: fingerprint=... or FLEX_FINGERPRINT."
    )
    logger.warning("%s", message)
    warnings.warn(message, InsecureWarning, stacklevel=3)
