"""The contract, one module a resource. `TABLE` is all of it."""

from flexserver.routes import event, health, openapi, pipeline, settings, version
from flexserver.routing import Table

TABLE = Table(
    (
        *health.ENDPOINTS,
        *version.ENDPOINTS,
        *pipeline.ENDPOINTS,
        *event.ENDPOINTS,
        *settings.ENDPOINTS,
        *openapi.ENDPOINTS,
    ),
)
