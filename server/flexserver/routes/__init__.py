"""The contract, one module a resource. `TABLE` is all of it."""

from flexserver.routes import auth, event, health, openapi, pipeline, settings, version, webhook
from flexserver.routing import Table

TABLE = Table(
    (
        *health.ENDPOINTS,
        *version.ENDPOINTS,
        *auth.ENDPOINTS,
        *pipeline.ENDPOINTS,
        *event.ENDPOINTS,
        *settings.ENDPOINTS,
        *webhook.ENDPOINTS,
        *openapi.ENDPOINTS,
    ),
)
