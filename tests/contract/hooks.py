"""What schemathesis is told about a box: things to find there, and what no schema can say. Loaded by its command line.

Every leniency stands in one of the tables here, each with its reason. `FLEX_CONTRACT` has the box's address and key.
"""

from __future__ import annotations

import json
import os
import re
from typing import Any

import requests
import schemathesis
from schemathesis import Case, CheckContext, Response
from schemathesis.hooks import HookContext

WHERE = json.loads(os.environ["FLEX_CONTRACT"])
"""`url`, `ca_file`, `key`, and `things`: an id that is there for each path parameter's operations."""

SEMANTIC = {
    r"(inputs\.\d\.)?source\.uri": "which schemes, files and cameras there are is the box's to say",
    r"(inputs\.\d\.)?source\.(network_interface|user|password|caps|loop)": "depends on the machine and on the scheme",
    r"output\.uri|outputs(\.\d\.uri)?": "ports, hosts and mounts of the box",
    r"mode|source|inputs|raw_pipeline|audio|framegrab|klv_config": "which parts go together depends on `mode`",
    r"encoding\.(width|height|codec|fps)": "pairs of values, and what this version can encode",
    r"(inputs\.\d\.)?crop(\.\w+)?": "the edges together may not take the whole picture",
    r"(inputs\.\d\.)?overlay\.\w+": "a time format that strftime does not know",
    r"metadata(\..*)?": "the `cot_*` keys have forms of their own",
    r"id": "a PUT's id is the address's",
    r"url": "a webhook's target may not be a private address, and must be one",
    r"headers(\..*)?": "some headers are the box's own",
    r"cot_address|webhook_allowed_networks": "addresses and networks are read by their own rules",
    r"path|pipelineId": "a name of which no letter may stand in an id; a device that is no camera",
    r"password": "too long in UTF-8",
    r"file": "a name of dots alone is no file",
    r"": "a licence is signed: random text never is",
}
"""Fields (dotted, as `details` names them) in which valid JSON may be wrong, and why."""


def _url(path: str) -> str:
    return str(WHERE["url"]) + path


def _send(method: str, path: str, **options: Any) -> requests.Response:
    headers = {"X-API-Key": WHERE["key"]}
    return requests.request(method, _url(path), headers=headers, verify=WHERE["ca_file"], timeout=20, **options)


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Valid requests mostly meet something that is there; a random id would only ever be 404."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    for name, value in (case.path_parameters or {}).items():
        there = WHERE["things"].get(case.operation.path)
        if there and len(str(value)) % 3:
            case.path_parameters[name] = there
    if "If-Match" in (case.headers or {}) and len(case.headers["If-Match"]) % 2:
        case.headers["If-Match"] = "*"


@schemathesis.hook
def after_call(context: HookContext, case: Case[Any], response: Response) -> None:
    """Put back what a request took away, and take away what it made: the box stays as small as it was."""
    sent, status = f"{case.method} {case.operation.path}", response.status_code
    if sent == "POST /flex/pipeline" and status == 201 and (made := json.loads(response.content)["id"]) != "gate":
        _send("DELETE", f"/flex/pipeline/{made}")
    elif sent == "POST /flex/webhooks" and status == 201:
        _send("DELETE", f"/flex/webhooks/{json.loads(response.content)['id']}")
    elif sent == "DELETE /flex/pipeline/{id}" and status == 204:
        _send("POST", "/flex/pipeline", json={"id": "gate", "source": {"uri": "test://smpte"}})
    elif sent == "DELETE /flex/webhooks/{id}" and status == 204:
        _hook_again()
    elif case.operation.path == "/flex/auth/password" and status == 204:
        _send("PUT", "/flex/auth/password", json={"password": WHERE["password"]})


def _hook_again() -> None:
    made = _send("POST", "/flex/webhooks", json=WHERE["hook"])
    there = WHERE["things"]
    there |= {path: made.json()["id"] for path in there if path.startswith("/flex/webhooks/") and made.ok}


@schemathesis.check
def valid_data_is_accepted(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """`positive_data_acceptance`, which accepts a 400 only where a field is named whose rules no schema can hold."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code not in (400, 415):
        return
    said = json.loads(response.content)
    excused = [_excused(case, fault["field"], fault["message"]) for fault in said.get("details", ())]
    assert response.status_code == 400, f"valid data was refused: {said}"
    assert excused, f"valid data was refused, and no field is named: {said}"
    assert all(excused), f"valid data was refused: {said}"


def _excused(case: Case[Any], field: str, message: str) -> bool:
    if case.method == "PATCH" and message == "Field required":
        return True  # what a patch leaves out of a part has to be there already
    return any(re.fullmatch(pattern, field) for pattern in SEMANTIC)


@schemathesis.check
def every_error_is_the_document(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """The id of the request is in the header, and in the document the same; the hint and the message say something."""
    request_id = response.headers["x-request-id"][0]
    if response.status_code >= 400 and case.method != "HEAD":
        said = json.loads(response.content)
        if "code" in said:
            assert said["request_id"] == request_id
            assert said["message"].strip()
