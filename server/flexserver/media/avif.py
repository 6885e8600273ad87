"""Encodes framegrabs, in a process of its own: `python -m flexserver.media.avif`, pictures on stdin (`media.shots`).

It takes what the stream leaves over: lowest priority, bounded memory, first to be killed when memory runs out. Whoever
started it gives it one file's pictures at a time and waits for the answer, so that nothing queues.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import os
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from flexserver.grabfiles import Album
from flexserver.media import gops
from flexserver.media.shots import Fault, Job, Made, Shot, line, read

MEMORY = 1 << 30
"""Bytes of data that the process may have: a 4K still takes a half."""
GROUP_MEMORY = 64 << 20
"""Bytes of RGB that one group of a clip's pictures may have, two pictures at least."""
NICE = 19
_PR_SET_PDEATHSIG = 1


def main() -> int:
    """Encode until stdin ends."""
    _step_back()
    return serve(sys.stdin.buffer, sys.stdout.buffer)


def _step_back() -> None:
    """Be the least important process of the box, and end with the worker."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICE)
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def serve(pictures: BinaryIO, answers: BinaryIO) -> int:
    """Answer each file's pictures with what became of them; the exit code."""
    job = Job(**read(pictures.readline()))
    album: Album | None = None
    while taken := list(_taken(pictures)):
        answer: Made | Fault
        try:
            album = album or Album(Path(job.folder), job.max_files)
            answer = _made(job, album, taken)
        except OSError as error:
            answer = Fault(f"the picture could not be written: {error.strerror or error}")
        except MemoryError:
            answer = Fault(f"the picture needs more than {MEMORY >> 20} MiB to encode")
        except ValueError as error:
            answer = Fault(f"the picture could not be encoded: {error}")
        taken.clear()
        answers.write(line(answer))
        answers.flush()
    return 0


def _taken(pictures: BinaryIO) -> Iterator[tuple[Shot, bytes]]:
    """The pictures of the next file; none where the worker is done, also in the middle of one."""
    while header := pictures.readline():
        shot = Shot(**read(header))
        data = pictures.read(shot.size)
        if len(data) < shot.size:
            sys.exit(0)
        yield shot, data
        if shot.last:
            return


def _made(job: Job, album: Album, taken: list[tuple[Shot, bytes]]) -> Made:
    """Write the file. Raises OSError, MemoryError, ValueError."""
    first = taken[0][0]
    clip = job.seconds is not None
    content = _clip(job, taken) if clip else _encoded(job, [rgb(*taken[0])])
    name, files = album.add("avifs" if clip else "avif", content)
    status = (Path(job.folder) / name).stat()
    kind = "clip" if clip else "still"
    return Made(name, status.st_size, status.st_mtime, first.width, first.height, kind, files)


def _clip(job: Job, taken: list[tuple[Shot, bytes]]) -> bytes:
    """A clip, one group of pictures after the other; what is encoded is let go."""
    first = taken[0][0]
    room = max(2, GROUP_MEMORY // (first.width * first.height * 3))
    size = min(job.keys_apart, room)
    groups, lengths = [], []
    while taken:
        group = [
            (shot, data) for shot, data in taken[:size] if (shot.width, shot.height) == (first.width, first.height)
        ]
        del taken[:size]
        if group:
            lengths.append([shot.milliseconds for shot, _ in group])
            images = [rgb(shot, data) for shot, data in group]
            # One picture alone would become a still, whose sequence header is another: it gets company for a while.
            groups.append(_encoded(job, images if len(images) > 1 else images * 2))
    return gops.join(groups, lengths)


def _encoded(job: Job, images: list[Image.Image]) -> bytes:
    """AVIF of a picture, or of several as a sequence."""
    quality = {"quality": 100, "subsampling": "4:4:4"} if job.lossless else {"quality": job.quality}
    more = {"save_all": True, "append_images": images[1:], "duration": 1} if len(images) > 1 else {}
    out = io.BytesIO()
    images[0].save(out, "AVIF", speed=job.speed, max_threads=1, **quality, **more)
    return out.getvalue()


def rgb(shot: Shot, data: bytes) -> Image.Image:
    """The picture as RGB, by the matrix and the range that it says."""
    half = (shot.width + 1) // 2, (shot.height + 1) // 2
    luma, *chroma = (
        Image.frombuffer("L", size, data[offset:], "raw", "L", stride, 1)
        for size, (offset, stride) in zip([(shot.width, shot.height), half, half], shot.planes, strict=True)
    )
    box = (0, 0, shot.width / 2, shot.height / 2)
    u, v = (plane.resize((shot.width, shot.height), Image.Resampling.BILINEAR, box) for plane in chroma)
    return Image.merge("RGB", (luma, u, v)).convert("RGB", matrix(shot))


def matrix(shot: Shot) -> tuple[float, ...]:
    """From Y, U and V to red, green and blue: three rows of three factors and a constant."""
    scale, base, spread = (1.0, 0.0, 1.0) if shot.full else (255 / 219, 16.0, 255 / 224)
    red, blue = 2 * (1 - shot.kr) * spread, 2 * (1 - shot.kb) * spread
    kg = 1 - shot.kr - shot.kb
    rows = ((0.0, red), (-blue * shot.kb / kg, -red * shot.kr / kg), (blue, 0.0))
    return tuple(n for u, v in rows for n in (scale, u, v, -scale * base - 128 * (u + v)))


if __name__ == "__main__":
    sys.exit(main())
