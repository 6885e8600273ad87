"""One description an endpoint: the same value routes the request, checks its query and writes the OpenAPI document."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from flexclient.models import ErrorCode, FieldError, Model
from flexserver.auth import Grant
from flexserver.errors import Refusal, invalid, invalid_field, not_found
from flexserver.limits import check_media_type, parse_object, read_body
from flexserver.rates import Rate

if TYPE_CHECKING:
    from flexserver.box import Box

JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"
PLAIN = "text/plain"
TEXT = f"{PLAIN}; charset=utf-8"
EVENTS = "text/event-stream"
JPEG = "image/jpeg"

_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")


@dataclass(frozen=True, slots=True)
class Query:
    """One parameter of a query string."""

    name: str
    meaning: str
    values: tuple[str, ...] = ()
    """What it may be; empty: anything."""
    between: tuple[int, int] | None = None
    """It is a number, from and to."""
    many: bool = False
    """Several, with commas between them."""
    required: bool = False
    """It may not be left out."""
    form: Path | None = None
    """It is such a thing as this path parameter; None: anything."""

    def fault(self, text: str) -> str | None:
        """What is wrong with it."""
        if self.between is not None:
            low, high = self.between
            good = text.isascii() and text.isdecimal() and len(text) <= 18 and low <= int(text) <= high
            return None if good else f"'{text[:40]}' is not a whole number from {low} to {high}"
        for part in text.split(",") if self.many else [text]:
            if self.values and part not in self.values:
                return f"'{part[:40]}' is not one of {', '.join(self.values)}"
            if self.form and not re.fullmatch(self.form.pattern, part):
                return f"'{part[:40]}' is none: {self.form.meaning}"
        return None


@dataclass(frozen=True, slots=True)
class Path:
    """One parameter of a path."""

    name: str
    pattern: str
    """A regular expression for the whole of it."""
    meaning: str


PIPELINE_ID = Path("id", r"[A-Za-z0-9_-]{1,64}", "an id is 1 to 64 letters, digits, '-' and '_'")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a success looks like."""

    model: type[Model] | None = None
    many: bool = False
    media_type: str = JSON
    status: int = 200
    meaning: str = "Done."
    headers: tuple[tuple[str, str], ...] = ()
    """Names and meanings of headers beyond the usual."""


UNCHANGED = Answer(status=304, meaning="The client has this version already (`If-None-Match`).")

Handler: TypeAlias = "Callable[[Call], Awaitable[Response | ASGIApp]]"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One row of the contract."""

    method: str
    path: str
    handler: Handler
    name: str
    """`operationId`: resource and verb, `pipelines.create`."""
    summary: str
    answer: Answer = Answer()
    also: tuple[Answer, ...] = ()
    """What else is no error of the contract: 206 and 304, the 503 of a probe."""
    body: type[Model] | None = None
    partial: bool = False
    """Any part of `body` will do, and null takes a field back."""
    takes: tuple[str, ...] = ()
    """Media types of the body; empty where `body` says all: JSON, and for PATCH a merge patch."""
    path_parameters: tuple[Path, ...] = (PIPELINE_ID,)
    """What the path's parameters may be; those that the path does not have do not count."""
    query: tuple[Query, ...] = ()
    errors: tuple[ErrorCode, ...] = ()
    public: bool = False
    """Never needs a token."""
    key: bool = False
    """Always needs the API key, also while no password is set."""
    rate: Rate | None = None
    """How often one address may ask."""
    conditional: bool = False
    """Takes `If-Match`."""
    note: str = ""


@dataclass(slots=True)
class Call:
    """One request at its endpoint."""

    request: Request
    box: Box
    endpoint: Endpoint
    query: dict[str, str] = field(default_factory=dict)
    grant: Grant = field(default_factory=Grant)
    """What let the request in: an answer that lasts ends with it."""

    @property
    def id(self) -> str:
        """The `{id}` that the address names. Raises `Refusal` where nothing can have that name."""
        return self.path("id")

    def path(self, name: str) -> str:
        """A parameter of the path. Raises `Refusal` where it is not what it may be."""
        text = str(self.request.path_params[name])
        known = next(parameter for parameter in self.endpoint.path_parameters if parameter.name == name)
        if re.fullmatch(known.pattern, text):
            return text
        raise invalid_field(name, known.meaning)

    @property
    def host(self) -> str:
        """The box's name as the client knows it."""
        return host_of(self.request, self.box.name)

    @property
    def if_match(self) -> str | None:
        """The `If-Match` header."""
        return self.request.headers.get("if-match")

    async def document(self) -> dict[str, Any]:
        """The body, a JSON object. Raises `Refusal`."""
        patch = self.endpoint.method == "PATCH"
        check_media_type(self.request, (JSON, MERGE_PATCH) if patch else (JSON,))
        return parse_object(await self._body())

    async def text(self) -> str:
        """The body, plain text. Raises `Refusal`."""
        check_media_type(self.request, self.endpoint.takes or (PLAIN,))
        try:
            return (await self._body()).decode()
        except UnicodeDecodeError as error:
            raise invalid_field("", f"the body is not UTF-8 at byte {error.start}") from None

    async def _body(self) -> bytes:
        """What let the request in must still do so when its body is here. Raises `Refusal` (401)."""
        body = await read_body(self.request)
        if not self.endpoint.public:
            self.grant = self.box.auth.admit(self.request, key=self.endpoint.key)
        return body

    def many(self, name: str) -> frozenset[str] | None:
        """The parts of a query parameter with commas, None where it is absent."""
        text = self.query.get(name)
        return None if text is None else frozenset(text.split(","))


def host_of(request: Request, default: str) -> str:
    """The name that the client knows the box by, from the `Host` header; `default` where that is none."""
    said = request.headers.get("host", "")
    name = said if said.endswith("]") else said.rpartition(":")[0] or said
    return name if _HOST.fullmatch(name) else default


def reply(
    model: Model | Iterable[Model],
    status: int = 200,
    headers: dict[str, str] | None = None,
    *,
    with_secrets: bool = False,
) -> Response:
    """A JSON answer of one model or a list of them: what is unset is left out, and secrets are stars.

    `with_secrets` is for the one answer that a secret is told in.
    """
    secrets = {"secrets": True} if with_secrets else None
    if isinstance(model, Model):
        content = model.model_dump_json(exclude_unset=True, exclude_none=True, context=secrets)
    else:
        texts = (one.model_dump_json(exclude_unset=True, exclude_none=True, context=secrets) for one in model)
        content = "[" + ",".join(texts) + "]"
    return Response(content, status_code=status, media_type=JSON, headers=headers)


def tagged(call: Call, content: bytes, media_type: str) -> Response:
    """An answer whose ETag is a hash of its content; 304 where the client has it already."""
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if is_known(call, etag):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)


def is_known(call: Call, etag: str) -> bool:
    """Whether the client says that it has this version (`If-None-Match`)."""
    known = call.request.headers.get("if-none-match", "")
    return known == "*" or etag in [tag.strip().removeprefix("W/") for tag in known.split(",")]


class Table:
    """All endpoints, found by path and method."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self.endpoints = tuple(endpoints)
        paths = dict.fromkeys(endpoint.path for endpoint in endpoints)
        self._paths = [(_regex(path), {e.method: e for e in endpoints if e.path == path}) for path in paths]

    def find(self, path: str) -> tuple[dict[str, Endpoint], dict[str, str]]:
        """The endpoints of a path by method, and what its parameters are. Raises `Refusal` (404)."""
        for regex, methods in self._paths:
            if match := regex.fullmatch(path):
                return methods, match.groupdict()
        raise not_found("this address", "GET /flex/openapi.json describes every address of this box.")


def decoded(raw: bytes) -> str:
    """A path for `Table.find`: split at its slashes before it is decoded, so that `%2F` begins no other address."""
    return "/".join(unquote(part).replace("/", "%2F") for part in raw.decode("latin-1").split("/"))


def _regex(path: str) -> re.Pattern[str]:
    return re.compile("".join(f"(?P<{p[1:-1]}>[^/]+)" if p[0] == "{" else re.escape(p) for p in _parts(path)))


def _parts(path: str) -> list[str]:
    return [part for part in re.split(r"(\{\w+\})", path) if part]


def choose(methods: dict[str, Endpoint], method: str) -> Endpoint:
    """The endpoint for a method; HEAD is a GET whose body is not sent. Raises `Refusal` (405)."""
    if endpoint := methods.get("GET" if method == "HEAD" else method):
        return endpoint
    message = f"this address does not answer {method[:20]}"
    raise Refusal(ErrorCode.METHOD_NOT_ALLOWED, message, headers={"Allow": allowed(methods)})


def allowed(methods: dict[str, Endpoint]) -> str:
    """The `Allow` header."""
    also = {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
    return ", ".join(sorted(methods.keys() | also))


def read_query(request: Request, known: tuple[Query, ...]) -> dict[str, str]:
    """The query parameters. Raises `Refusal` that names every fault."""
    by_name = {query.name: query for query in known}
    faults: list[FieldError] = []
    found: dict[str, str] = {}
    for name, text in request.query_params.multi_items():
        if name not in by_name:
            faults.append(FieldError(field=name[:64], message="there is no such query parameter here"))
        elif name in found:
            faults.append(FieldError(field=name, message="the query parameter stands twice"))
        elif message := by_name[name].fault(text):
            faults.append(FieldError(field=name, message=message))
        found[name] = text
    needed = (query.name for query in known if query.required and query.name not in found)
    faults += [FieldError(field=name, message="this query parameter is needed") for name in needed]
    if faults:
        raise invalid(*faults)
    return found
