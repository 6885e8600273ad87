"""How soon there is a picture: from the POST of a pipeline, and for a reader that joins one that plays."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

import av

from bench.box import running
from bench.figure import Figure
from flexclient import FlexClient
from flexclient import models as m

ROUNDS = 9


def first_picture(url: str) -> None:
    """Connect and decode one frame, as a player without its own analysis delay does."""
    options = {"rtsp_transport": "tcp", "probesize": "32", "analyzeduration": "0", "fflags": "nobuffer"}
    with av.open(url, options=options) as stream:
        next(stream.decode(video=0))


def measure() -> Iterator[Figure]:
    """Medians over some rounds on one box."""
    posted, joined = [], []
    with running() as box, FlexClient(url=box.url, fingerprint=box.fingerprint) as client:
        for number in range(ROUNDS):
            encoding = m.Encoding(bitrate=2000, width=1280, height=720, fps=30, quality=1)
            spec = m.PipelineSpec(
                id=f"p{number}", on_demand=False, source=m.Source(uri="test://ball"), encoding=encoding
            )
            begin = time.monotonic()
            client.pipelines.create(spec)
            first_picture(f"{box.rtsp_url}/{spec.id}")
            posted.append(time.monotonic() - begin)
            begin = time.monotonic()
            first_picture(f"{box.rtsp_url}/{spec.id}")
            joined.append(time.monotonic() - begin)
            client.pipelines.delete(spec.id)
    yield Figure("POST to first decoded frame", median(posted), "s", "limit", None, 1.0)
    yield Figure("reader joins, first decoded frame", median(joined), "s", "limit", None, 0.3)
