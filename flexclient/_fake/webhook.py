"""The fake box's webhooks: kept and checked as on a box, and nothing is sent. In memory, no I/O."""
# ruff: noqa: ARG001 - every route is called alike
# ruff: noqa: A002 - what the API calls id is called id here

from __future__ import annotations

import base64
import ipaddress
import itertools
import secrets
from typing import Any
from urllib.parse import urlsplit

from flexclient._fake.box import FakeAnswer, FakeBox, Hook, Refusal, Seen, dumps, now, parsed
from flexclient._fake.route import Route, json_answer
from flexclient.models import ErrorCode, FieldError, InvalidDocument, WebhookSpec, check

_numbers = itertools.count(1)


def _list(box: FakeBox, seen: Seen) -> FakeAnswer:
    return json_answer([hook.document for hook in box.webhooks.values()])


def _create(box: FakeBox, seen: Seen) -> FakeAnswer:
    body = parsed(seen)
    try:
        spec = check(WebhookSpec, dumps(body))
    except InvalidDocument as error:
        raise Refusal(ErrorCode.VALIDATION_ERROR, "the webhook is not valid", details=error.details) from None
    if fault := _private(box, spec.url):
        hint = "PUT /flex/settings adds a network to webhook_allowed_networks."
        detail = FieldError(field="url", message=fault)
        raise Refusal(ErrorCode.VALIDATION_ERROR, f"url: {fault}", hint=hint, details=(detail,))
    id = f"wh_{next(_numbers):08d}"  # noqa: A001 - the API's word
    document = {"id": id, "url": spec.url, "events": [event.value for event in spec.events], "created_at": now()}
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    box.webhooks[id] = Hook(document)
    if box.plain:
        return json_answer(document, 201)
    return json_answer({**document, "secret": secret}, 201, location=f"/flex/webhooks/{id}")


def _private(box: FakeBox, url: str) -> str | None:
    """Why an address is not allowed; of names the fake box believes that they lead to the public."""
    try:
        address = ipaddress.ip_address(urlsplit(url).hostname or "")
    except ValueError:
        return None
    networks = [ipaddress.ip_network(text, strict=False) for text in box.settings.get("webhook_allowed_networks") or ()]
    if address.is_global or any(address in network for network in networks if network.version == address.version):
        return None
    return f"{address} is not public, and the settings do not allow that"


def _find(box: FakeBox, id: str) -> Hook:
    if id not in box.webhooks:
        raise Refusal(ErrorCode.NOT_FOUND, f"there is no webhook {id}", hint="GET /flex/webhooks lists them.")
    return box.webhooks[id]


def _delete(box: FakeBox, seen: Seen, id: str) -> FakeAnswer:
    _find(box, id)
    del box.webhooks[id]
    return FakeAnswer(204, {})


def _test(box: FakeBox, seen: Seen, id: str) -> FakeAnswer:
    hook = _find(box, id)
    return json_answer(delivery(hook, "test", hook.status))


def _deliveries(box: FakeBox, seen: Seen, id: str) -> FakeAnswer:
    return json_answer(_find(box, id).deliveries[::-1])


def delivery(hook: Hook, event: str, status: int) -> dict[str, Any]:
    """A message that was sent once and answered so."""
    good = 200 <= status < 300
    return {
        "id": f"msg_{next(_numbers)}",
        "webhook_id": hook.document["id"],
        "event": event,
        "state": "delivered" if good else "failed",
        "attempts": 1,
        "created_at": now(),
        "last_attempt_at": now(),
        "status": status,
        "duration_ms": 1.0,
        **({} if good else {"error": f"the receiver answered {status}"}),
    }


ALL, ONE = "/flex/webhooks", "/flex/webhooks/([^/]+)"
ROUTES = (
    Route("GET", ALL, _list),
    Route("POST", ALL, _create),
    Route("DELETE", ONE, _delete),
    Route("POST", ONE + "/test", _test, ours=True),
    Route("GET", ONE + "/deliveries", _deliveries, ours=True),
)
