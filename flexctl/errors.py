"""From an exception to what a person needs: a sentence, what to do next, and an exit code."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flexctl.exits import Exit

if TYPE_CHECKING:
    from flexclient import Call
    from flexclient.errors import ApiError, FlexError


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, apart: what happened, which fields, what to do next, whom to quote."""

    sentence: str
    hint: str = ""
    code: Exit = Exit.FAILED
    details: tuple[tuple[str, str], ...] = ()
    request_id: str = ""


class ClosedPipe(Exception):
    """Nobody reads our output any more. Not a BrokenPipeError: Typer makes a failure of that."""


class Stop(Exception):
    """Ends the command with a problem that flexctl itself found."""

    def __init__(
        self,
        sentence: str,
        hint: str = "",
        code: Exit = Exit.FAILED,
        details: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(sentence)
        self.problem = Problem(sentence, hint, code, details)


class Misuse(Stop):
    """The command line, or a file it names, is wrong (exit 2)."""

    def __init__(self, sentence: str, hint: str = "", details: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(sentence, hint, Exit.USAGE, details)


CODES: dict[str, Exit] = {
    "VALIDATION_ERROR": Exit.USAGE,
    "NOT_FOUND": Exit.NOT_FOUND,
    "UNAUTHORIZED": Exit.FORBIDDEN,
    "LICENSE_ERROR": Exit.REFUSED,
    "LICENSE_LIMIT_EXCEEDED": Exit.REFUSED,
    "CONFLICT": Exit.REFUSED,
    "PIPELINE_CONFLICT": Exit.REFUSED,
    "PRECONDITION_FAILED": Exit.REFUSED,
    "PIPELINE_START_TIMEOUT": Exit.PENDING,
}
"""Code of the contract -> exit code; every other one is a failure (1)."""

STATUSES: dict[int, Exit] = {
    400: Exit.USAGE,
    401: Exit.FORBIDDEN,
    402: Exit.REFUSED,
    403: Exit.FORBIDDEN,
    404: Exit.NOT_FOUND,
    408: Exit.TIMED_OUT,
    409: Exit.REFUSED,
    412: Exit.REFUSED,
}
"""HTTP status -> exit code, for an answer whose code says nothing (a proxy's, say)."""

HINTS: dict[str, str] = {
    "UNAUTHORIZED": "log in: flexctl auth login\nor give a token in FLEX_TOKEN, a key in FLEX_API_KEY",
    "PRECONDITION_FAILED": "somebody else changed it meanwhile: look at it again, then repeat the change",
    "GSTREAMER_UNAVAILABLE": "install GStreamer on the box; `flexctl health` says what is missing",
}
"""What to do next, where the box itself does not say."""


_SECRET = re.compile(
    r"""(?ix) ( \bbearer\s+ (?=[^\s"',;}]{16}) | \bx-api-key["']?\s*[:=]\s*["']?
    | ["'](?:password|secret|token|api_key)["']\s*[:=]\s*["']? ) [^\s"',;}]+"""
)
"""A secret as boxes and proxies in trouble send it back: in a header, in JSON, or in Python's own writing."""


def masked(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without these secrets, and without others that it says are some."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, "***")
    return _SECRET.sub(r"\1***", text)


_COMMAND = re.compile(
    r"\bflexctl (?=(?:api|apply|auth|audio-device|camera|delete|diff|doctor|events|export|framegrab|health|license"
    r"|metrics|open|openapi|pipeline|play|settings|top|trigger|version|wait|webhook)\b)(?![^`\n]*--help)"
)
"""A command about a box, in a hint."""


def addressed(text: str, flags: str) -> str:
    """The text with each command in it for the box that these flags name: a hint is pasted as it stands."""
    return _COMMAND.sub(lambda found: f"{found[0]}{flags} ", text) if flags else text


LOG_IN_AGAIN = "log in again: flexctl auth login"
_LOGIN = "/flex/auth/login"


def refused_token(error: BaseException) -> bool:
    """Whether the box wants a token, or another one than it was shown."""
    if "flexclient" not in sys.modules:
        return False
    from flexclient.errors import Unauthorized

    return isinstance(error, Unauthorized) and bool(error.call and error.call.path != _LOGIN)


def problem_of(error: BaseException, url: str = "", *, pinned: bool = False) -> Problem | None:
    """What to tell about an error, or None where it is a fault of flexctl itself (and a traceback is right)."""
    if isinstance(error, Stop):
        return error.problem
    if "flexclient" in sys.modules:  # else the SDK is not even loaded, and none of its errors can be here
        from flexclient import errors

        if isinstance(error, errors.ApiError):
            return _answered(error)
        if isinstance(error, errors.FlexError):
            return _unanswered(error, url, pinned)
    if isinstance(error, OSError):
        return Problem(f"{error.filename or 'the output cannot be written'}: {error.strerror or error}")
    return None


def _answered(error: ApiError) -> Problem:
    code = str(error.code or "")
    exit_code = CODES.get(code) or STATUSES.get(error.status, Exit.FAILED)
    if code == "GSTREAMER_ERROR" and _orders(error.call) and _GIVEN_UP not in (error.hint or ""):
        exit_code = Exit.PENDING  # the pipeline is stored, and the box tries again
    if _WAITS in (error.hint or ""):
        exit_code = Exit.PENDING  # the change is stored, and has its turn when a seat is free
    hint = "" if _LOGIN in (error.hint or "") else error.hint  # ours names the command
    return Problem(
        error.message or f"the box answered {error.status}",
        in_our_words(hint or HINTS.get(code, ""), _named(error.call)),
        exit_code,
        tuple((fault.field, fault.message) for fault in error.details),
        error.request_id or "",
    )


def _orders(call: Call[Any] | None) -> bool:
    """Whether a call makes, changes or plays a pipeline."""
    return bool(call and call.method in {"POST", "PUT", "PATCH"} and not call.path.endswith("/stop"))


def _named(call: Call[Any] | None) -> str:
    """The id of the pipeline that a call is about: in its path, or in the document that it sends."""
    if call and (found := re.match(r"/flex/pipeline/([^/]+)", call.path)):
        return found[1]
    body = call and call.json
    return str(body.get("id") or "ID") if isinstance(body, dict) else "ID"


_GIVEN_UP = "does not try again"
"""What the box says of a pipeline that can never work as it is: its code is that of one that it tries again."""
_WAITS = "plays when the licence allows it"
"""What the box says of a pipeline that is stored and waits for its licence: its code is that of one it refused."""
_MAKE_ROOM = "PUT replaces it, PATCH changes it, DELETE makes room."
_REQUEST = re.compile(r"\b(?:GET|PUT) /flex/pipeline(?:/([A-Za-z0-9_-]+)/(status|logs|play|stop))?(?![/\w])")
_COMMANDS = {
    "GET /flex/cameras": "camera list",
    "GET /flex/files/framegrabs": "framegrab list",
    "GET /flex/webhooks": "webhook list",
    "PUT /flex/settings": "settings set",
}


def in_our_words(hint: str, name: str = "ID") -> str:
    """A hint of the box, with the requests that it names as the commands that send them."""
    if hint == _MAKE_ROOM:
        return f"`flexctl pipeline update {name}` changes it, `flexctl pipeline delete {name}` makes room."
    hint = hint.replace("(PUT or PATCH)", f"(`flexctl pipeline update {name}`)")
    hint = hint.replace("GET /flex/openapi.json", "`flexctl openapi`")
    hint = hint.replace("GET /flex/licensed", "`flexctl license show`")
    for request, command in _COMMANDS.items():
        hint = hint.replace(request, f"`flexctl {command}`")
    return _REQUEST.sub(
        lambda found: f"`flexctl pipeline {' '.join((found[2], found[1])) if found[1] else 'list'}`", hint
    )


def _unanswered(error: FlexError, url: str, pinned: bool) -> Problem:
    from flexclient import errors

    hint = error.hint or ""
    if url.startswith("http://") and isinstance(error, (errors.Disconnected, errors.ProtocolError)):
        hint = f"The box speaks https: --url https://{url.removeprefix('http://')}"
    if isinstance(error, errors.UsageError):
        return Problem(error.message, hint, Exit.USAGE)
    if isinstance(error, errors.TlsError):
        return Problem(error.message, _trust(error.fingerprint, hint, pinned), Exit.UNREACHABLE)
    if isinstance(error, errors.ConnectError):
        ask = f"Is the box on, and is {url or 'this'} its address? Another one: --url or FLEX_URL"
        return Problem(error.message, hint or ask, Exit.UNREACHABLE)
    if isinstance(error, errors.UnexpectedState) and error.status:
        return Problem(error.message, f"why: flexctl pipeline logs {error.status.id}")
    if isinstance(error, errors.CallTimeout):
        return Problem(error.message, "Is it busy? Allow more time with --timeout", Exit.TIMED_OUT)
    return Problem(error.message, hint)


def _trust(seen: str | None, hint: str, pinned: bool) -> str:
    """How to trust the certificate that was seen. One that took a pinned one's place is no routine: the SDK warns."""
    if not seen:
        return hint
    ask = hint if pinned else "Is that the fingerprint that the box prints when it starts? Then trust it:"
    return f"{ask}\n--fingerprint {seen}\nor for the whole session: export FLEX_FINGERPRINT={seen}"
