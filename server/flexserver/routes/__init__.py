"""The contract, one module a resource. `TABLE` is all of it."""

from flexserver.routes import (
    audio_device,
    auth,
    camera,
    event,
    health,
    license,
    metrics,
    openapi,
    pipeline,
    settings,
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
        *settings.ENDPOINTS,
        *license.ENDPOINTS,
        *webhook.ENDPOINTS,
        *openapi.ENDPOINTS,
        *metrics.ENDPOINTS,
    ),
)
