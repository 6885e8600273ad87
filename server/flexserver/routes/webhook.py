"""Webhooks: addresses that are told what happens."""

from __future__ import annotations

from starlette.responses import Response

from flexclient.models import Delivery, ErrorCode, Webhook, WebhookSpec
from flexserver.rates import Rate
from flexserver.routing import Answer, Call, Endpoint, reply

ALL = "/flex/webhooks"
ONE = f"{ALL}/{{id}}"


async def list_all(call: Call) -> Response:
    """GET /flex/webhooks."""
    return reply(call.box.webhooks.all())


async def create(call: Call) -> Response:
    """POST /flex/webhooks."""
    made = await call.box.webhooks.create(await call.document())
    return reply(made, 201, {"Location": f"{ALL}/{made.id}", "Cache-Control": "no-store"}, with_secrets=True)


async def delete(call: Call) -> Response:
    """DELETE /flex/webhooks/{id}."""
    await call.box.webhooks.delete(call.id)
    return Response(status_code=204)


async def test(call: Call) -> Response:
    """POST /flex/webhooks/{id}/test."""
    return reply(await call.box.webhooks.test(call.id))


async def deliveries(call: Call) -> Response:
    """GET /flex/webhooks/{id}/deliveries."""
    return reply(call.box.webhooks.deliveries(call.id))


_E = ErrorCode

ENDPOINTS = (
    Endpoint(
        "GET", ALL, list_all, "webhooks.list", "List webhooks",
        Answer(Webhook, many=True, meaning="The webhooks, the oldest first; without their headers and secrets."),
    ),
    Endpoint(
        "POST", ALL, create, "webhooks.create", "Tell an address what happens",
        Answer(Webhook, status=201, meaning="It is told what happens from now on. Its secret is shown only here."),
        body=WebhookSpec,
        errors=(
            _E.VALIDATION_ERROR, _E.PAYLOAD_TOO_LARGE, _E.UNSUPPORTED_MEDIA_TYPE, _E.CONFLICT,
            _E.INSUFFICIENT_STORAGE,
        ),
        note="Messages are POSTed as JSON `{type, timestamp, data}` and signed as Standard Webhooks says.",
    ),
    Endpoint(
        "DELETE", ONE, delete, "webhooks.delete", "Tell an address nothing more",
        Answer(status=204, meaning="It is gone, and so is what waited for it."),
        errors=(_E.NOT_FOUND, _E.INSUFFICIENT_STORAGE),
    ),
    Endpoint(
        "POST", f"{ONE}/test", test, "webhooks.test", "Send a test message now",
        Answer(Delivery, meaning="What came of it: `status`, `duration_ms`, and `error` where it was not delivered."),
        errors=(_E.NOT_FOUND, _E.RATE_LIMITED), rate=Rate(60, 60),
        note="The message is of type `test`. It is sent once, and is not among the deliveries.",
    ),
    Endpoint(
        "GET", f"{ONE}/deliveries", deliveries, "webhooks.deliveries", "The newest messages to a webhook",
        Answer(Delivery, many=True, meaning="At most 100 messages and how they fared, the newest first."),
        errors=(_E.NOT_FOUND,),
    ),
)  # fmt: skip
