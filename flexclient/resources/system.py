"""The box itself: health, version, the API's own description."""

from __future__ import annotations

from typing import Any

from flexclient._bind import M, Resource, endpoint
from flexclient._call import Call
from flexclient._models import models as m


class System(Resource[M]):
    """`client.system`."""

    @endpoint
    def health(self) -> Call[m.Health]:
        """State of the box and of each of its parts. Needs no token."""
        return Call("GET", "/flex/health", lambda: m.Health)

    @endpoint
    def version(self) -> Call[m.Version]:
        """What runs on the box. Needs no token."""
        return Call("GET", "/flex/version", lambda: m.Version)

    @endpoint
    def live(self) -> Call[m.Probe]:
        """Whether the box lives (Kubernetes liveness). Raises `ApiError` with status 503 where it does not."""
        return Call("GET", "/flex/healthz", lambda: m.Probe)

    @endpoint
    def ready(self) -> Call[m.Probe]:
        """Whether the box takes work (Kubernetes readiness). Raises `ApiError` with status 503 where it does not."""
        return Call("GET", "/flex/healthz/ready", lambda: m.Probe)

    @endpoint
    def startup(self) -> Call[m.Probe]:
        """Whether the box has come up (Kubernetes startup). Raises `ApiError` with status 503 where it has not."""
        return Call("GET", "/flex/healthz/startup", lambda: m.Probe)

    @endpoint
    def openapi(self) -> Call[dict[str, Any]]:
        """The API's own description, OpenAPI 3.1."""
        return Call("GET", "/flex/openapi.json", dict[str, Any])

    @endpoint
    def metrics(self) -> Call[str]:
        """What Prometheus reads: counters and gauges of the box, in its text format."""
        return Call("GET", "/flex/metrics", str, headers={"Accept": "text/plain"})
