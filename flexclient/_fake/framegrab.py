"""The fake box's framegrabs: files that a test put there, with ranges and versions as the contract says. No I/O."""
# ruff: noqa: ARG001 - every route is called alike

from __future__ import annotations

import hashlib
import re

from flexclient._fake.box import FakeAnswer, FakeBox, Refusal, Seen
from flexclient._fake.route import Route, json_answer
from flexclient.models import ErrorCode, FieldError

_NAME = re.compile(r"([A-Za-z0-9_-]{1,64})-([0-9]{5,})\.(avifs?)")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def owner_of(file: str) -> str:
    """The pipeline that a file is of. Raises `Refusal` for a name that no file has."""
    if found := _NAME.fullmatch(file):
        return found[1]
    detail = FieldError(field="file", message="a file is <pipeline id>-00001.avif, or .avifs for a clip")
    raise Refusal(ErrorCode.VALIDATION_ERROR, "this is no file's name", details=(detail,))


def _list(box: FakeBox, seen: Seen) -> FakeAnswer:
    wanted = seen.query.get("pipeline_id")
    owned = [name for name in sorted(box.framegrabs) if wanted in (None, owner_of(name))]
    return json_answer([_document(box, name) for name in owned])


def _document(box: FakeBox, name: str) -> dict[str, object]:
    content, created_at = box.framegrabs[name]
    plain = {"file": name, "pipeline_id": owner_of(name), "size_bytes": len(content), "created_at": created_at}
    return plain if box.plain else {**plain, "kind": "clip" if name.endswith("s") else "still"}


def _find(box: FakeBox, file: str) -> bytes:
    owner_of(file)
    if file not in box.framegrabs:
        raise Refusal(
            ErrorCode.NOT_FOUND, f"the file '{file}' does not exist", hint="GET /flex/files/framegrabs lists them."
        )
    return box.framegrabs[file][0]


def _download(box: FakeBox, seen: Seen, file: str) -> FakeAnswer:
    content = _find(box, file)
    etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    headers = {"content-type": "image/avif-sequence" if file.endswith("s") else "image/avif", "etag": etag}
    if seen.headers.get("if-match") not in {None, "*", etag}:
        raise Refusal(ErrorCode.PRECONDITION_FAILED, f"'{file}' is another file now", hint="Read it again.")
    if seen.headers.get("if-none-match") == etag:
        return FakeAnswer(304, {"etag": etag})
    found = _RANGE.fullmatch(seen.headers.get("range", ""))
    if found is None or seen.headers.get("if-range", etag) != etag:
        return FakeAnswer(200, headers, content)
    begin = int(found[1]) if found[1] else max(0, len(content) - int(found[2]))
    piece = content[begin : int(found[2]) + 1 if found[1] and found[2] else None]
    if not piece:
        raise Refusal(
            ErrorCode.VALIDATION_ERROR,
            "the range begins behind the file's end",
            status=416,
            headers={"content-range": f"bytes */{len(content)}"},
        )
    place = f"bytes {begin}-{begin + len(piece) - 1}/{len(content)}"
    return FakeAnswer(206, {**headers, "content-range": place}, piece)


def _delete(box: FakeBox, seen: Seen, file: str) -> FakeAnswer:
    _find(box, file)
    del box.framegrabs[file]
    return FakeAnswer(204, {})


def _delete_all(box: FakeBox, seen: Seen) -> FakeAnswer:
    wanted = seen.query.get("pipeline_id")
    if wanted is None:
        detail = FieldError(field="pipeline_id", message="this query parameter is needed")
        raise Refusal(ErrorCode.VALIDATION_ERROR, "pipeline_id is missing", details=(detail,))
    gone = [name for name in box.framegrabs if owner_of(name) == wanted]
    for name in gone:
        del box.framegrabs[name]
    return json_answer({"deleted": len(gone)})


ALL = "/flex/files/framegrabs"
ROUTES = (
    Route("GET", ALL, _list, query=("pipeline_id",)),
    Route("DELETE", ALL, _delete_all, query=("pipeline_id",)),
    Route("GET", f"{ALL}/([^/]+)", _download),
    Route("DELETE", f"{ALL}/([^/]+)", _delete),
)
