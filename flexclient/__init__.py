"""flexclient: the Python SDK of Flex Video encoders.

    from flexclient import FlexClient, models as m

    with FlexClient(url="https://box:3539", fingerprint="AA:BB:...") as client:
        client.pipelines.create(m.PipelineSpec(id="cam1", source=m.Source(uri="test://smpte")))
        client.pipelines.play("cam1")

`AsyncFlexClient` has the same methods, awaited; `FlexFleet` is many boxes at once. Errors are in `flexclient.errors`
(`FlexError` is any, `ApiError` one that the box answered), documents in `flexclient.models`, an in-memory box for
tests in `flexclient.testing`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from flexclient._version import __version__

if TYPE_CHECKING:
    from flexclient import errors, models
    from flexclient._auth import PasswordLogin
    from flexclient._call import Call, Reply
    from flexclient._ensure import Ensured
    from flexclient._resume import StreamState
    from flexclient._stream import AsyncEventStream, EventStream
    from flexclient._watch import Change, Row
    from flexclient.client import AsyncFlexClient, FlexClient, InsecureWarning
    from flexclient.errors import ApiError, FlexError
    from flexclient.fleet import AsyncFlexFleet, FlexFleet
    from flexclient.models import UNSET

__all__ = [
    "UNSET",
    "ApiError",
    "AsyncEventStream",
    "AsyncFlexClient",
    "AsyncFlexFleet",
    "Call",
    "Change",
    "Ensured",
    "EventStream",
    "FlexClient",
    "FlexError",
    "FlexFleet",
    "InsecureWarning",
    "PasswordLogin",
    "Reply",
    "Row",
    "StreamState",
    "__version__",
    "errors",
    "models",
]

# Who only wants the models (a server, a worker) does not wait for a client.
_HOME = {
    "UNSET": "models",
    "ApiError": "errors",
    "AsyncEventStream": "_stream",
    "AsyncFlexClient": "client",
    "AsyncFlexFleet": "fleet",
    "Call": "_call",
    "Change": "_watch",
    "Ensured": "_ensure",
    "EventStream": "_stream",
    "FlexClient": "client",
    "FlexError": "errors",
    "FlexFleet": "fleet",
    "InsecureWarning": "client",
    "PasswordLogin": "_auth",
    "Reply": "_call",
    "Row": "_watch",
    "StreamState": "_resume",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for."""
    if name in _HOME:
        globals()[name] = value = getattr(import_module(f"flexclient.{_HOME[name]}"), name)
        return value
    if name in __all__:
        return import_module(f"flexclient.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
