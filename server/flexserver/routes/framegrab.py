"""Framegrabs: list, download, delete."""

from __future__ import annotations

import asyncio
import os
import re
from email.utils import formatdate

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from flexclient.models import ErrorCode, ErrorDocument, FramegrabFile, FramegrabsDeleted
from flexserver import grabfiles
from flexserver.errors import Refusal
from flexserver.framegrabs import MEDIA_TYPES, Opened
from flexserver.rates import Rate
from flexserver.routing import PIPELINE_ID, Answer, Call, Endpoint, Path, Query, is_known, reply

ALL = "/flex/files/framegrabs"
ONE = f"{ALL}/{{file}}"
PIECE = 256 * 1024
"""Bytes that are read and sent at a time."""
_FILE = Path("file", grabfiles.NAME, "a file is <pipeline id>-00001.avif, or .avifs for a clip")
_RANGE = re.compile(r"(?i:bytes)=([0-9]{0,4000})-([0-9]{0,4000})")
"""Numbers as long as Python reads them."""


async def list_all(call: Call) -> Response:
    """GET /flex/files/framegrabs."""
    pipeline = call.query.get("pipeline_id")
    # The answer is made in the thread too: of 100,000 files it takes a second.
    return await asyncio.to_thread(lambda: reply(call.box.framegrabs.list(pipeline)))


async def delete_all(call: Call) -> Response:
    """DELETE /flex/files/framegrabs?pipeline_id=."""
    gone = await asyncio.to_thread(call.box.framegrabs.delete_all, call.query["pipeline_id"])
    return reply(FramegrabsDeleted(deleted=gone))


async def delete(call: Call) -> Response:
    """DELETE /flex/files/framegrabs/{file}."""
    await asyncio.to_thread(call.box.framegrabs.delete, call.path("file"))
    return Response(status_code=204)


async def download(call: Call) -> ASGIApp:
    """GET /flex/files/framegrabs/{file}."""
    file = await asyncio.to_thread(call.box.framegrabs.open, call.path("file"))
    try:
        return _answer(call, file)
    except Refusal:
        os.close(file.descriptor)
        raise


def _answer(call: Call, file: Opened) -> ASGIApp:
    """The whole file, a part of it, or that the client has it (RFC 9110, 13.2.2 and 14). Raises `Refusal`."""
    headers = {
        "ETag": file.etag,
        "Last-Modified": formatdate(file.modified, usegmt=True),
        "Accept-Ranges": "bytes",
        "Cache-Control": "no-cache",
        "Content-Disposition": f'inline; filename="{file.name}"',
        "X-Content-Type-Options": "nosniff",
    }
    _check_version(call, file)
    if is_known(call, file.etag):
        os.close(file.descriptor)
        return Response(status_code=304, headers=headers)
    wanted = part(_range(call, file), file.size)
    if wanted is None:
        return _Sent(file, 0, file.size, headers)
    begin, end = wanted
    if begin >= end:
        raise _outside(file)
    return _Sent(file, begin, end, {**headers, "Content-Range": f"bytes {begin}-{end - 1}/{file.size}"})


def _range(call: Call, file: Opened) -> str:
    """The `Range` header where it counts: for a GET, and with `If-Range` only of this version. A date in `If-Range` is
    none: a second is too long for a name that is taken again.
    """
    headers = call.request.headers
    counts = call.request.method == "GET" and headers.get("if-range", file.etag) == file.etag
    return headers.get("range", "") if counts else ""


def _check_version(call: Call, file: Opened) -> None:
    tags = [tag.strip() for tag in (call.if_match or "*").split(",")]
    if "*" not in tags and file.etag not in tags:
        hint = "Download it anew: another picture has this name now."
        raise Refusal(ErrorCode.PRECONDITION_FAILED, f"'{file.name}' is not the file that you began with", hint)


def _outside(file: Opened) -> Refusal:
    return Refusal(
        ErrorCode.VALIDATION_ERROR,
        f"the range begins behind the file's end, {file.size} bytes",
        headers={"Content-Range": f"bytes */{file.size}"},
        status=416,
    )


def part(header: str, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; empty where the file has none of them. None for all of it: without a
    range, and for one that is not understood, in other units or of several parts, as RFC 9110 allows.
    """
    found = _RANGE.fullmatch(header.strip())
    if found is None or found[1] == found[2] == "":
        return None
    if not found[1]:
        return max(0, size - int(found[2])), size
    begin, last = int(found[1]), int(found[2]) if found[2] else None
    if last is None:
        return begin, size
    return None if last < begin else (begin, min(last + 1, size))


class _Sent(Response):
    """A file's bytes, read in a thread piece by piece; the file is closed whatever happens."""

    def __init__(self, file: Opened, begin: int, end: int, headers: dict[str, str]) -> None:
        status = 206 if "Content-Range" in headers else 200
        super().__init__(status_code=status, headers=headers, media_type=file.media_type)
        self.headers["Content-Length"] = str(end - begin)
        self._file, self._begin, self._end = file, begin, end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  ASGI's
        """Send it; HEAD gets the headers alone."""
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            at = self._end if scope["method"] == "HEAD" else self._begin
            while at < self._end:
                piece = await asyncio.to_thread(os.pread, self._file.descriptor, min(PIECE, self._end - at), at)
                if not piece:
                    return  # cut off from outside: the connection ends short, and the client sees it
                at += len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            os.close(self._file.descriptor)


_E = ErrorCode
_PIPELINE = Query("pipeline_id", "Only files of this pipeline.", form=PIPELINE_ID)
_WHOSE = Query("pipeline_id", "Whose files.", form=PIPELINE_ID, required=True)
_HEADERS = (
    ("ETag", "Names this version, for If-Range, If-Match and If-None-Match."),
    ("Accept-Ranges", "`bytes`: any part can be asked for."),
    ("Content-Disposition", "The file's name."),
)
_PART = ("Content-Range", "Which bytes these are, and of how many.")

ENDPOINTS = (
    Endpoint(
        "GET", ALL, list_all, "framegrabs.list", "List framegrabs",
        Answer(FramegrabFile, many=True, meaning="The files; of each pipeline the newest last."),
        query=(_PIPELINE,),
        note="Files outlive their pipeline. One that is still being written is not listed.",
    ),
    Endpoint(
        "DELETE", ALL, delete_all, "framegrabs.delete_all", "Delete a pipeline's framegrabs",
        Answer(FramegrabsDeleted, meaning="How many went, also 0."),
        query=(_WHOSE,), rate=Rate(10, 60),
        note="Whether there is such a pipeline does not matter. One that plays goes on taking pictures.",
    ),
    Endpoint(
        "GET", ONE, download, "framegrabs.download", "Download a framegrab",
        Answer(media_type=MEDIA_TYPES["avif"], meaning="The file; a clip is image/avif-sequence.", headers=_HEADERS),
        also=(
            Answer(status=206, media_type=MEDIA_TYPES["avif"], meaning="The part that Range names.",
                   headers=(*_HEADERS, _PART)),
            Answer(status=304, meaning="The client has it."),
            Answer(ErrorDocument, status=416, meaning="The range begins behind the file's end.", headers=(_PART,)),
        ),
        path_parameters=(_FILE,), errors=(_E.NOT_FOUND, _E.PRECONDITION_FAILED), conditional=True,
        note="A download that has begun is finished even where the file is rotated away meanwhile. "
        "A Range of several parts is answered with the whole file.",
    ),
    Endpoint(
        "DELETE", ONE, delete, "framegrabs.delete", "Delete a framegrab", Answer(status=204, meaning="It is gone."),
        path_parameters=(_FILE,), errors=(_E.NOT_FOUND,), rate=Rate(60, 60),
    ),
)  # fmt: skip
