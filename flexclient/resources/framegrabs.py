"""Pictures taken from streams, as files (API.md, Endpoints: files/framegrabs)."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from types import NoneType

from flexclient._bind import M, Resource, endpoint, flow
from flexclient._call import Call, Flow, params, segment
from flexclient._models import models as m
from flexclient._saving import Progress, saved
from flexclient._values import UNSET, Unset

ALL = "/flex/files/framegrabs"


class Framegrabs(Resource[M]):
    """`client.framegrabs`."""

    @endpoint
    def list(self, *, pipeline_id: str | Unset = UNSET) -> Call[list[m.FramegrabFile]]:
        """Every file, or those of one pipeline."""
        return Call("GET", ALL, lambda: list[m.FramegrabFile], query=params(pipeline_id=pipeline_id))

    @endpoint
    def download(self, file: str, *, range: str | Unset = UNSET, if_match: str | Unset = UNSET) -> Call[bytes]:  # noqa: A002
        """A file's bytes, or those of a `range` (`bytes=0-1023`) of it. Raises `NotFound`.

        `if_match`: the `etag` of an earlier reply; raises `PreconditionFailed` where it is another file now.
        """
        headers = {"Accept": "image/avif, */*"}
        headers |= {} if isinstance(range, Unset) else {"Range": range}
        headers |= {} if isinstance(if_match, Unset) else {"If-Match": if_match}
        return Call("GET", f"{ALL}/{segment(file)}", bytes, headers=headers)

    @endpoint
    def delete(self, file: str) -> Call[None]:
        """Delete one file. Raises `NotFound`, `RateLimited` after 60 in a minute."""
        return Call("DELETE", f"{ALL}/{segment(file)}", NoneType)

    @endpoint
    def delete_all(self, pipeline_id: str) -> Call[m.FramegrabsDeleted]:
        """Delete every file of one pipeline. Raises `RateLimited` after 10 in a minute."""
        return Call("DELETE", ALL, lambda: m.FramegrabsDeleted, query=params(pipeline_id=pipeline_id))

    @flow
    def save(
        self, file: str, path: str | PathLike[str], *, progress: Progress | None = None, overwrite: bool = False
    ) -> Flow[Path]:
        """Download a file to `path`, a name or a folder; where it lies then.

        It comes in pieces of 1 MiB, `progress` is called with the bytes that are there and the bytes of all, and an
        earlier try that was cut off is resumed. Under its name lies only the whole file. Raises `NotFound`;
        `UsageError` where there is a file of that name and not `overwrite`; OSError where it cannot be written.
        """
        target = Path(path)
        call = Framegrabs.download.plan(self, file)
        return saved(call, target / file if target.is_dir() else target, progress, overwrite=overwrite)
