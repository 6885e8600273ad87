"""The box itself: health, version, the API's own description."""

from __future__ import annotations

from typing import Any

from flexclient._bind import M, Resource, endpoint
from flexclient._call import Call
from flexclient.models import Health, Probe, Version


class System(Resource[M]):
    """`client.system`."""

    @endpoint
    def health(self) -> Call[Health]:
        """State of the box and of each of its parts. Needs no token."""
        return Call("GET", "/flex/health", Health)

    @endpoint
    def version(self) -> Call[Version]:
        """What runs on the box. Needs no token."""
        return Call("GET", "/flex/version", Version)

    @endpoint
    def live(self) -> Call[Probe]:
        """Whether the box lives (Kubernetes liveness). Raises `ApiError` with status 503 where it does not."""
        return Call("GET", "/flex/healthz", Probe)

    @endpoint
    def ready(self) -> Call[Probe]:
        """Whether the box takes work (Kubernetes readiness). Raises `ApiError` with status 503 where it does not."""
        return Call("GET", "/flex/healthz/ready", Probe)

    @endpoint
    def startup(self) -> Call[Probe]:
        """Whether the box has come up (Kubernetes startup). Raises `ApiError` with status 503 where it has not."""
        return Call("GET", "/flex/healthz/startup", Probe)

    @endpoint
    def openapi(self) -> Call[dict[str, Any]]:
        """The API's own description, OpenAPI 3.1."""
        return Call("GET", "/flex/openapi.json", dict[str, Any])
