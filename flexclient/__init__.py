"""flexclient: the Python SDK of Flex Video encoders.

    from flexclient import FlexClient, models as m

    with FlexClient(url="https://box:3539", fingerprint="AA:BB:...") as client:
        client.pipelines.create(m.PipelineSpec(id="cam1", source=m.Source(uri="test://smpte")))
        client.pipelines.play("cam1")

`AsyncFlexClient` has the same methods, awaited. Errors are in `flexclient.errors`, documents in `flexclient.models`, an
in-memory box for tests in `flexclient.testing`.
"""

from flexclient import errors, models
from flexclient._call import Call, Reply
from flexclient._resume import StreamState
from flexclient._stream import AsyncEventStream, EventStream
from flexclient._version import __version__
from flexclient._watch import Change, Row
from flexclient.client import AsyncFlexClient, FlexClient, InsecureWarning
from flexclient.models import UNSET

__all__ = [
    "UNSET",
    "AsyncEventStream",
    "AsyncFlexClient",
    "Call",
    "Change",
    "EventStream",
    "FlexClient",
    "InsecureWarning",
    "Reply",
    "Row",
    "StreamState",
    "__version__",
    "errors",
    "models",
]
