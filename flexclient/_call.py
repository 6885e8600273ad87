"""What the client wants, as values: a request, a pause, a stream to open. Nothing here does I/O."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import FunctionType
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar, cast
from urllib.parse import quote, urlencode

from flexclient._log import mask_headers, mask_json
from flexclient._values import UNSET, Unset
from flexclient.errors import UsageError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")

NO_HEADERS: Mapping[str, str] = {}
JSON_TYPE = "application/json"
TEXT_TYPE = "text/plain; charset=utf-8"
MERGE_PATCH_TYPE = "application/merge-patch+json"

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
"""Methods that may be sent twice without doing twice (RFC 9110, 9.2.2)."""


class Headers(Mapping[str, str]):
    """Headers of an answer: a mapping that does not mind upper and lower case."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str] = NO_HEADERS) -> None:
        self._values = {name.lower(): value for name, value in values.items()}

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({mask_headers(self._values)})"


@dataclass(frozen=True, repr=False)
class Call(Generic[T]):
    """One request, described and not sent: what `--dry-run` shows and `--curl` prints."""

    method: str
    path: str
    """Beginning with `/`, percent-encoded, without the query."""
    returns: type[T] | Callable[[], type[T]]
    """What the answer is read as: `str`, `bytes`, `NoneType`, `Any`; or a function that names a model or a list of
    them, so that a call can be described, and its answer passed on unread, without waiting for the models' import."""
    json: Any = UNSET
    """The body; `UNSET` sends none."""
    text: str | Unset = UNSET
    """A body that is not JSON but plain text."""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    patience: float = 0.0
    """Seconds that the box may take on top of the client's timeout before it answers: a pipeline has to start first."""
    deadline: float | None = None
    """Seconds for the call with all its retries; None takes the client's."""
    operation: str = field(default="request", compare=False)
    """The method that described it, such as `pipelines.get`: a name for traces and statistics."""

    @property
    def target(self) -> str:
        """Path and query."""
        query = urlencode(self.query, safe=",")
        return f"{self.path}?{query}" if query else self.path

    @property
    def idempotent(self) -> bool:
        """Whether it may be sent again when nobody knows whether it arrived."""
        return self.method in IDEMPOTENT

    @property
    def content_type(self) -> str | None:
        """What the body is, None where there is none."""
        if not isinstance(self.text, Unset):
            return TEXT_TYPE
        return None if isinstance(self.json, Unset) else JSON_TYPE

    def body(self) -> bytes | None:
        """The body's bytes, or None. Raises `UsageError` for what JSON cannot hold."""
        if not isinstance(self.text, Unset):
            return self.text.encode()
        if isinstance(self.json, Unset):
            return None
        try:
            return json.dumps(self.json, allow_nan=False, separators=(",", ":")).encode()
        except (TypeError, ValueError) as error:
            raise UsageError(f"the body of {self} cannot be written as JSON: {error}", call=self) from None

    def curl(self, url: str, *, options: Sequence[str] = ()) -> str:
        """The same request as a line for a shell, secrets masked. `options` are more arguments, ready for the shell."""
        words = ["curl"]
        if self.method != "GET":
            words += ["-X", self.method]
        words += options
        for name, value in mask_headers(self.headers).items():
            words += ["-H", shlex.quote(f"{name}: {value}")]
        if self.content_type and not any(name.lower() == "content-type" for name in self.headers):
            words += ["-H", shlex.quote(f"Content-Type: {self.content_type}")]
        if (shown := self.shown_body()) is not None:
            words += ["--data-raw", shlex.quote(shown)]
        words.append(shlex.quote(url.rstrip("/") + self.target))
        return " ".join(words)

    def shown(self) -> Call[None]:
        """The same for people: its secrets are stars, so it is not to be sent."""
        body = self.json if isinstance(self.json, Unset) else mask_json(self.json)
        shown: Any = replace(self, json=body, headers=mask_headers(self.headers), returns=cast("Any", type(None)))
        return cast("Call[None]", shown)

    def shown_body(self) -> str | None:
        """The body for people, secrets masked."""
        if not isinstance(self.text, Unset):
            return self.text
        return None if isinstance(self.json, Unset) else json.dumps(mask_json(self.json), ensure_ascii=False)

    def __repr__(self) -> str:
        body = self.shown_body()
        return f"<Call {self.method} {self.target}{'' if body is None else ' ' + body}>"

    def __str__(self) -> str:
        return f"{self.method} {self.target}"


@dataclass(frozen=True, slots=True, repr=False)
class Reply(Generic[T]):
    """An answer: its data, and what came with it."""

    data: T
    status: int
    headers: Headers

    @property
    def etag(self) -> str | None:
        """The document's version, for `if_match=`."""
        return self.headers.get("etag")

    @property
    def request_id(self) -> str | None:
        """The id under which the box logged the request."""
        return self.headers.get("x-request-id")

    @property
    def applied(self) -> str | None:
        """How a change took effect: `live`, `restart` or `stored`; None where the box does not say."""
        return self.headers.get("flex-applied")

    def __repr__(self) -> str:
        data = f"<{len(self.data)} bytes>" if isinstance(self.data, bytes) else repr(mask_json(self.data))
        return f"Reply(status={self.status}, data={data}, headers={self.headers!r})"


@dataclass(frozen=True, slots=True)
class Pause:
    """A step of a flow: wait that many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Open:
    """A step of a stream: open it. Answered with nothing; an error answer is raised."""

    call: Call[Any]
    first: bool
    """Whether it was never open before."""


@dataclass(frozen=True, slots=True)
class Read:
    """A step of a stream: the next server-sent events. Answered with a list of `RawEvent`, or None at its end."""


Step: TypeAlias = Call[Any] | Pause | Open | Read
Flow: TypeAlias = Generator[Step, Any, T]
"""Work of several steps that returns a `T`. A `Call` is answered with its `Reply`; what fails is raised there."""


Outcome: TypeAlias = "Reply[Any] | BaseException | None"
OnCall: TypeAlias = Callable[[Call[Any], str], Callable[[Outcome], object]]
"""Told of each call before it is sent, with the box's address; what it returns is told how it ended, once: the reply,
the error, or None for a stream that was opened. Neither sees a credential, unless it unpacks the body."""


def segment(value: str) -> str:
    """A value as one segment of a path. Raises `UsageError` for an empty one, and for one with a slash in it.

    The slash could be encoded, but a box or a proxy that decodes it early would take the rest for another address.
    """
    if not value:
        raise UsageError("an id is needed, and this one is empty")
    if "/" in value:
        raise UsageError(f"'{value}' is no id: an id has no '/'")
    # Dots are letters to quote(), but a segment of dots is navigation to every URL library.
    return quote(value, safe="").replace(".", "%2E") if re.fullmatch(r"\.+", value) else quote(value, safe="")


def operation_of(describe: Any) -> str:
    """The name of an endpoint by the method that describes it: `pipelines.get`."""
    return f"{describe.__module__.rpartition('.')[2]}.{describe.__name__}"


def named(call: Call[T], operation: str) -> Call[T]:
    """The same call, named. It is new and nobody else's: it is changed in place, which costs a tenth of a copy."""
    object.__setattr__(call, "operation", operation)
    return call


def params(**values: object) -> dict[str, str]:
    """Query parameters without those that are `UNSET`; lists joined by commas, booleans in JSON's words."""
    return {name: _param(value) for name, value in values.items() if not isinstance(value, Unset)}


def _param(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple, set, frozenset)):
        return ",".join(sorted(map(str, value)))
    return str(value)


@lru_cache(maxsize=64)
def _adapter(returns: Any) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter  # only when there is a document to read

    return TypeAdapter(returns)


def decode(returns: type[T] | Callable[[], type[T]], body: bytes, content_type: str) -> T:
    """Read a body as what its call returns. Raises `ValueError` (pydantic's is one) where it is something else."""
    value: Any
    if returns is type(None):
        value = None
    elif returns is bytes:
        value = body
    elif returns is str:
        value = body.decode(errors="replace")
    elif returns is Any:
        value = _anything(body, content_type)
    else:
        named = returns() if isinstance(returns, FunctionType) else returns
        value = _adapter(cast("Any", named)).validate_json(body)
    return cast("T", value)


def _anything(body: bytes, content_type: str) -> Any:
    kind = content_type.partition(";")[0].strip().lower()
    if not body:
        return None
    if kind == JSON_TYPE or kind.endswith("+json"):
        return json.loads(body)
    return body.decode(errors="replace") if kind.startswith("text/") else body
