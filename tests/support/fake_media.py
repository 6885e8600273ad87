"""The media processes' test double: speaks `flexserver.protocol`, encodes nothing, and fails exactly as it is told.

Run as the server's `--media-python`: `fake_media.py -m flexserver.media.{probe,front,worker} ...`. What a pipeline's
workers do stands in `$FAKE_MEDIA/<id>`, one word for each start, the last for all further ones:

play     first picture at once, then heartbeats
slow     the same after 0.5 s
mute     heartbeats, and never a picture
frozen   plays, then no pictures come any more
hung     plays, then says nothing any more and does not hear
deaf     plays, and does not hear `Quit`
source   says that its source failed, and exits
undead   says that its source failed, then plays on until it is killed
graph    says that its graph can never work, and exits
crash    dies of SIGSEGV before its first picture
exit     exits with 0 before its first picture
garbage  sends lines that are no messages, then plays
late     plays, and its pictures are 71 s late
blank    plays, and has no picture to show
ended    plays, then its source ends

A launch line with `bad` in it is one that can never work.

`$FAKE_MEDIA/readers` holds the mounts that are wanted, one a line; `$FAKE_MEDIA/mounts` is what the front offers now,
`$FAKE_MEDIA/starts` has a line `<id> <word> <pid>` for every worker that was started, and `$FAKE_MEDIA/<id>.graph` is
the graph that the newest one got.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "server"))

from flexserver import protocol

HERE = Path(os.environ["FAKE_MEDIA"])
PICTURE = b"\xff\xd8\xff\xe0 a picture \xff\xd9"
BEAT_SECONDS = 0.1


class Line:
    """The talk with the parent."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._rest = b""

    def say(self, message: protocol.Message) -> None:
        self._socket.sendall(protocol.encode(message))

    def say_raw(self, data: bytes) -> None:
        self._socket.sendall(data)

    def hear(self, seconds: float) -> list[protocol.Message]:
        """What was said within `seconds`; exits when the parent is gone."""
        self._socket.settimeout(seconds)
        try:
            data = self._socket.recv(65536)
        except TimeoutError:
            return []
        if not data:
            sys.exit(0)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [protocol.decode(line) for line in lines]


def script(pipeline: str) -> str:
    """This start's word; the last one stays for all further starts."""
    path = HERE / pipeline
    words = path.read_text().split() if path.exists() else ["play"]
    if len(words) > 1:
        path.write_text(" ".join(words[1:]))
    return words[0]


def worker(line: Line) -> None:
    start = next(message for message in line.hear(5) if isinstance(message, protocol.Start))
    word = script(start.pipeline)
    with (HERE / "starts").open("a") as starts:
        starts.write(f"{start.pipeline} {word} {os.getpid()}\n")
    print(f"fake worker of {start.pipeline}: {word}", file=sys.stderr, flush=True)
    (HERE / f"{start.pipeline}.graph").write_text(json.dumps(start.graph))
    before_first_picture(line, word)
    line.say(protocol.Playing(640, 360, 30.0, "fake"))
    if word == "ended":
        line.say(protocol.Ended())
    while word == "hung":
        time.sleep(1)
    frames = 1
    while True:
        frames += 0 if word == "frozen" else 3
        line.say(protocol.Beat(frames, frames * 1000, latency_ms=71_000.0 if word == "late" else 40.0))
        for message in line.hear(BEAT_SECONDS):
            if word == "blank" and isinstance(message, protocol.Ask):
                line.say(protocol.Answer(message.seq, ok=False, data="there is no picture yet"))
            elif word != "deaf":
                obey(line, message)


def before_first_picture(line: Line, word: str) -> None:
    if word == "slow":
        time.sleep(0.5)
    elif word in ("source", "graph"):
        line.say(protocol.Failed(word, f"the {word} is bad"))
        sys.exit(1)
    elif word == "undead":
        line.say(protocol.Failed("source", "the source is bad"))
    elif word == "crash":
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGSEGV)
    elif word == "exit":
        sys.exit(0)
    elif word == "garbage":
        line.say_raw(b"\xff\xfe no message\n{}\n[]\n\n" + b"x" * 100_000 + b"\n")
    while word == "mute":
        line.say(protocol.Beat())
        for message in line.hear(BEAT_SECONDS):
            obey(line, message)


def obey(line: Line, message: protocol.Message) -> None:
    if isinstance(message, protocol.Quit):
        sys.exit(0)
    if isinstance(message, protocol.Ask):
        data = base64.b64encode(PICTURE).decode() if message.what == "snapshot" else "digraph fake {}"
        line.say(protocol.Answer(message.seq, ok=True, data=data))
    if isinstance(message, protocol.Change):
        line.say(protocol.Answer(message.seq, ok=True))


def front(line: Line, host: str, port: int) -> None:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        print(f"port {port}: {error.strerror}", file=sys.stderr)
        sys.exit(3)
    listener.listen()
    line.say(protocol.Ready(listener.getsockname()[1]))
    mounts: set[str] = set()
    wanted: set[str] = set()
    while True:
        for message in line.hear(0.02):
            if isinstance(message, protocol.Mount):
                mounts.add(message.name)
            elif isinstance(message, protocol.Unmount):
                mounts.discard(message.name)
            elif isinstance(message, protocol.Quit):
                sys.exit(0)
            draft = HERE / f"mounts.{os.getpid()}"
            draft.write_text("\n".join(sorted(mounts)))
            draft.rename(HERE / "mounts")
        now = set((HERE / "readers").read_text().split()) & mounts if (HERE / "readers").exists() else set()
        for name in now ^ wanted:
            line.say(protocol.Readers(name, int(name in now), wanted=name in now))
        wanted = now


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("-m", dest="module")
    parser.add_argument("--fd", type=int)
    parser.add_argument("--name")
    parser.add_argument("--host")
    parser.add_argument("--port", type=int)
    parser.add_argument("--link")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    if given.check:
        graph = json.load(sys.stdin)
        print(json.dumps({"fault": "the launch line is bad" if "bad" in graph["line"] else None}))
    elif given.module == "flexserver.media.probe":
        problem = (HERE / "problem").read_text() if (HERE / "problem").exists() else None
        print(json.dumps({"version": None if problem else "0.0.0", "missing": [], "problem": problem}))
    elif given.module == "flexserver.media.front":
        front(Line(given.fd), given.host, given.port)
    else:
        worker(Line(given.fd))


if __name__ == "__main__":
    main()
