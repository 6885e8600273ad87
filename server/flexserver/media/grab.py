"""Takes framegrabs from a running pipeline and has another process encode them (`media.avif`).

A picture is caught on its way into the encoder: between two of them it costs nothing, and the stream waits for nobody.
While one file is encoded no further picture is taken: the next one is the newest there is when the encoder is free.
"""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from flexserver import protocol
from flexserver.media.gst import GstVideo, bytes_of
from flexserver.media.shots import Job, Shot, line, read
from flexserver.media.snapshot import converted, next_picture

CLIP_FPS = 15.0
"""Pictures a second of a clip, at most."""
CLIP_MEMORY = 128 << 20
"""Bytes of raw pictures that a clip may have; a larger picture makes fewer of them."""
_BACK_OFF = (1.0, 60.0)
"""Seconds to wait after the encoder's first failure, and at most; each wait is twice the last."""
_WEIGHTS = {
    GstVideo.VideoColorMatrix.BT709: (0.2126, 0.0722),
    GstVideo.VideoColorMatrix.BT2020: (0.2627, 0.0593),
    GstVideo.VideoColorMatrix.SMPTE240M: (0.212, 0.087),
    GstVideo.VideoColorMatrix.FCC: (0.30, 0.11),
}
_BT601 = (0.299, 0.114)
_FULL_RANGE = 1
"""GST_VIDEO_COLOR_RANGE_0_255, a name that Python cannot write."""


class EncoderGone(Exception):
    """The encoder ended, and how."""


class Grabber:
    """Takes pictures of one pipeline at the job's pace, in a thread of its own, and tells what became of them."""

    def __init__(
        self, pad: Any, job: Job, say: Callable[[protocol.Message], None], before: Grabber | None = None
    ) -> None:
        """Begins at once, but not before `before` has ended: only one may write the folder."""
        self._pad, self._job, self._say, self._before = pad, job, say, before
        self._stopped = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._live, name="grab", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take no more pictures. A file that is not finished is given up."""
        self._stopped.set()
        if (process := self._process) is not None:
            process.kill()

    def _live(self) -> None:
        if self._before is not None:
            self._before._thread.join()  # noqa: SLF001  one of us
            self._before = None
        pause, most = _BACK_OFF
        while not self._stopped.is_set():
            made = False
            try:
                for told in self._work():
                    made = made or isinstance(told, protocol.Grabbed)
                    self._say(told)
            except EncoderGone as gone:
                self._fail(f"the encoder of framegrabs {gone}")
            except Exception as error:  # whatever it is: the stream is worth more than its stills
                traceback.print_exception(error)
                self._fail(f"{type(error).__name__}: {error}")
            pause = _BACK_OFF[0] if made else min(pause * 2, most)
            self._stopped.wait(pause)

    def _fail(self, message: str) -> None:
        if not self._stopped.is_set():
            self._say(protocol.GrabFailed(message))

    def _work(self) -> Iterator[protocol.Grabbed | protocol.GrabFailed]:
        """Pictures and what became of them, as long as the encoder lives. Raises EncoderGone, OSError, ValueError."""
        process = subprocess.Popen(  # noqa: S603  our own program
            [self._job.python, "-m", "flexserver.media.avif"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._process = process
        try:
            _send(process, line(self._job))
            yield from self._files(process)
        finally:
            self._process = None
            _end(process)

    def _files(self, process: subprocess.Popen[bytes]) -> Iterator[protocol.Grabbed | protocol.GrabFailed]:
        due, before = time.monotonic(), None
        while not self._stopped.wait(max(0.0, due - time.monotonic())):
            begun = time.monotonic()
            if not self._send_pictures(process):
                continue
            answer = _answer(process)
            if "fault" in answer:
                yield protocol.GrabFailed(answer["fault"])
            else:
                yield protocol.Grabbed(**answer, interval=None if before is None else round(begun - before, 3))
                before = begun
            due = max(due + self._job.pace, time.monotonic())

    def _send_pictures(self, process: subprocess.Popen[bytes]) -> bool:
        """Send one file's pictures, the newest ones; False where none come."""
        if self._job.seconds is None:
            taken = take(self._pad)
            if taken:
                _send(process, line(taken[0]), taken[1])
            return taken is not None
        return self._send_clip(process, self._job.seconds)

    def _send_clip(self, process: subprocess.Popen[bytes], seconds: float) -> bool:
        """Pictures are sent one behind: only when the next one is there it is known how long one is shown."""
        waiting, begun = take(self._pad), time.monotonic()
        if waiting is None:
            return False
        end, at = begun + seconds, begun
        step = max(1 / CLIP_FPS, seconds * waiting[0].size / CLIP_MEMORY)
        for number in range(1, max(2, round(seconds / step))):
            if self._stopped.wait(max(0.0, begun + number * step - time.monotonic())):
                return False
            following, now = take(self._pad), time.monotonic()
            if following is None or now > end:
                break
            _send(process, line(_shown(waiting[0], now - at)), waiting[1])
            waiting, at = following, now
        _send(process, line(replace(_shown(waiting[0], end - at), last=True)), waiting[1])
        return True


def _shown(shot: Shot, seconds: float) -> Shot:
    return replace(shot, milliseconds=max(1, round(seconds * 1000)), last=False)


def _send(process: subprocess.Popen[bytes], *parts: bytes) -> None:
    """Raises EncoderGone."""
    assert process.stdin is not None  # noqa: S101  it was asked for
    try:
        for part in parts:
            process.stdin.write(part)
        process.stdin.flush()
    except BrokenPipeError:
        raise _gone(process) from None


def _answer(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Raises EncoderGone."""
    assert process.stdout is not None  # noqa: S101  it was asked for
    answer = process.stdout.readline()
    if not answer.endswith(b"\n"):
        raise _gone(process)
    return read(answer)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for pipe in (process.stdin, process.stdout):
        with contextlib.suppress(BrokenPipeError):
            assert pipe is not None  # noqa: S101  it was asked for
            pipe.close()
    process.wait()


def _gone(process: subprocess.Popen[bytes]) -> EncoderGone:
    code = process.wait()
    return EncoderGone(
        f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}; its log says why"
    )


def take(pad: Any) -> tuple[Shot, bytes] | None:
    """The picture that comes next on this pad; None where none comes for some time."""
    sample = next_picture(pad)
    if sample is None:
        return None
    info = GstVideo.VideoInfo.new_from_caps(sample.get_caps())
    if info.finfo.format != GstVideo.VideoFormat.I420:
        sample = converted(sample, "video/x-raw,format=I420")
        info = GstVideo.VideoInfo.new_from_caps(sample.get_caps())
    buffer = sample.get_buffer()
    # A decoder pads its rows; what the caps alone would say is wrong then.
    layout = GstVideo.buffer_get_video_meta(buffer) or info
    data = bytes_of(buffer)
    planes = list(zip(layout.offset[:3], layout.stride[:3], strict=True))
    weights = _WEIGHTS.get(info.colorimetry.matrix, _BT601)
    full = int(info.colorimetry.range) == _FULL_RANGE
    return Shot(info.width, info.height, planes, *weights, full=full, size=len(data)), data
