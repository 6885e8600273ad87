"""The contract, one module a resource. `TABLE` is all of it."""

from flexserver.routes import (
    audio_device,
    auth,
    camera,
    event,
    framegrab,
    health,
    license,  # noqa: A004  the resource is called so
    metrics,
    openapi,
    pipeline,
    settings,
    trigger,
    version,
    webhook,
)
from flexserver.routing import Table

TABLE = Table(
    (
        *health.ENDPOINTS,
        *version.ENDPOINTS,
        *auth.ENDPOINTS,
        *pipeline.ENDPOINTS,
        *event.ENDPOINTS,
        *camera.ENDPOINTS,
        *audio_device.ENDPOINTS,
        *framegrab.ENDPOINTS,
        *settings.ENDPOINTS,
        *license.ENDPOINTS,
        *trigger.ENDPOINTS,
        *webhook.ENDPOINTS,
        *openapi.ENDPOINTS,
        *metrics.ENDPOINTS,
    ),
)
