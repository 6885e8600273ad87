"""A download into a file: in pieces, so that it can be resumed, and under its own name only once it is whole.

What is there already lies beside the file as `<name>.<tag>.part`; the tag stands for the version (ETag) that it is
part of, so that the pieces of two versions never meet. Writing is the only I/O here: a piece at a time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from flexclient._call import Call, Flow, Reply
from flexclient.errors import ApiError, ProtocolError, UsageError

PIECE = 1024 * 1024
"""Bytes that are asked for at a time."""
NOT_SATISFIABLE = 416

Progress: TypeAlias = Callable[[int, int], object]
"""Called after every piece: bytes that are there, and bytes of the whole file."""

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


def saved(call: Call[bytes], path: Path, progress: Progress | None, *, overwrite: bool) -> Flow[Path]:
    """Download what `call` gets to `path`. Raises `UsageError` where there is something already; OSError."""
    _check_free(path, overwrite=overwrite)
    part = _Part(path)
    while True:
        try:
            reply: Reply[bytes] = yield part.following(call)
        except ApiError as error:
            if error.status != NOT_SATISFIABLE or not part.done:
                raise
            part.forget()  # the file became shorter: it is another one
            continue
        part.take(reply)
        if progress is not None and part.done:
            progress(part.done, part.total)
        if part.done == part.total:
            _check_free(path, overwrite=overwrite)
            part.finish()
            return path


def _check_free(path: Path, *, overwrite: bool) -> None:
    if not overwrite and path.exists():
        raise UsageError(f"{path} exists already", hint="Choose another name, or say overwrite=True.")


class _Part:
    """What is there of one file."""

    def __init__(self, path: Path) -> None:
        """Takes up what an earlier try left."""
        self._path = path
        self._tag: str | None = None
        self._etag: str | None = None
        self.done, self.total = 0, -1
        found = re.compile(re.escape(path.name) + r"\.([0-9a-f]{12})\.part")
        for left in sorted(path.parent.glob(f"{_plain(path.name)}.*.part")):
            if match := found.fullmatch(left.name):
                self._tag, self.done = match[1], left.stat().st_size

    def following(self, call: Call[bytes]) -> Call[bytes]:
        """The request for the next piece. Of another version the box sends all instead."""
        headers = {"Range": f"bytes={self.done}-{self.done + PIECE - 1}"}
        headers |= {"If-Range": self._etag} if self._etag else {}
        return replace(call, headers={**call.headers, **headers})

    def forget(self) -> None:
        """Begin anew."""
        self._name(self._tag).unlink(missing_ok=True)
        self.done, self.total, self._tag, self._etag = 0, -1, None, None

    def take(self, reply: Reply[bytes]) -> None:
        """Write a piece to where it belongs; one of another version than what is there begins anew."""
        begin, total = _place(reply)
        tag = hashlib.sha256(reply.etag.encode()).hexdigest()[:12] if reply.etag else None
        if begin and (begin != self.done or tag != self._tag or self.total not in (-1, total)):
            if not self.done:
                raise ProtocolError("the box sent another part of the file than was asked for")
            self.forget()
            return
        if not begin:
            self.forget()
        self._tag, self._etag, self.total = tag, reply.etag, total
        with self._name(tag).open("r+b" if begin else "wb") as file:
            file.seek(begin)  # not appended: two that save the same write the same
            file.write(reply.data)
        self.done = begin + len(reply.data)
        if not reply.data and self.done < total:
            raise ProtocolError("the box sent an empty part of the file")

    def finish(self) -> None:
        """Give the file its name."""
        self._name(self._tag).replace(self._path)

    def _name(self, tag: str | None) -> Path:
        return self._path.with_name(".".join(filter(None, (self._path.name, tag, "part"))))


def _place(reply: Reply[bytes]) -> tuple[int, int]:
    """Where the bytes of an answer begin, and how long the whole file is. Raises `ProtocolError`."""
    if reply.status != 206:  # a box that sends no parts, or another version
        return 0, len(reply.data)
    found = _CONTENT_RANGE.fullmatch(reply.headers.get("content-range", ""))
    if found is None or int(found[2]) - int(found[1]) + 1 != len(reply.data):
        raise ProtocolError("the box does not say which part of the file it sent")
    return int(found[1]), int(found[3])


def _plain(name: str) -> str:
    """A name for `glob`, every letter itself."""
    return re.sub(r"([*?[])", r"[\1]", name)
