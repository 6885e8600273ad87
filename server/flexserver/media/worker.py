"""One pipeline in a process of its own: `python -m flexserver.media.worker --fd N`.

It is told `Start` once, says `Beat` every second from then on, `Playing` at the first key unit, and ends after `Failed`
(exit 1), `Ended` or `Quit` (exit 0), or when its parent is gone.
"""

from __future__ import annotations

import argparse
import base64
import os
import sys
import threading
import traceback
from collections.abc import Callable
from types import TracebackType

from flexserver import protocol
from flexserver.media.build import BuildError
from flexserver.media.control import Control
from flexserver.media.elements import Graph
from flexserver.media.engine import Engine
from flexserver.media.formats import FORMATS
from flexserver.media.gst import GLib, settle_as_child
from flexserver.media.link import Link
from flexserver.media.shots import Job

_BEAT = 1000
_LEAVE = 2.0
"""Seconds that an orderly end may take: a camera's driver or a dead network share may hang."""


class Worker:
    """Reads what the parent says, answers, and ends."""

    def __init__(self, fd: int) -> None:
        self._loop = GLib.MainLoop()
        self._engine: Engine | None = None
        self._link: Link | None = None
        self._exit = 0
        self._control = Control(fd, self._told, self._loop.quit)
        sys.excepthook = self._bug
        threading.excepthook = lambda args: self._bug(args.exc_type, args.exc_value, args.exc_traceback)

    def run(self) -> int:
        """Work until it is over; the process's exit code."""
        self._loop.run()
        last = threading.Timer(_LEAVE, os._exit, [self._exit])
        last.daemon = True
        last.start()
        if self._engine is not None:
            self._engine.stop()
        if self._link is not None:
            self._link.close()
        return self._exit

    def _told(self, message: protocol.Message) -> None:
        if isinstance(message, protocol.Start):
            self._start(message)
        elif isinstance(message, protocol.Quit):
            self._loop.quit()
        elif isinstance(message, protocol.Change):
            settings = [(name, prop, value) for name, prop, value in message.settings]
            self._answer(message.seq, lambda engine: engine.change(settings))
        elif isinstance(message, protocol.Grab) and self._engine is not None:
            self._engine.grab(None if message.job is None else Job(**message.job))
        elif isinstance(message, protocol.Ask):
            width = message.width
            ask = (lambda e: e.dot()) if message.what == "dot" else (lambda e: _text(e.snapshot(width)))
            threading.Thread(target=self._answer, args=(message.seq, ask), daemon=True).start()

    def _start(self, message: protocol.Start) -> None:
        GLib.timeout_add(_BEAT, self._beat)
        self._beat()
        graph = Graph.from_json(message.graph)
        if message.link is not None and message.mount is not None:
            hello = protocol.Hello(message.mount, graph.codec, [FORMATS[graph.codec].caps])
            self._link = Link(message.link, hello, self._need_key)
        try:
            self._engine = Engine(graph, self._link, self._say)
        except BuildError as error:
            self._say(protocol.Failed("graph", str(error)))
        else:
            self._engine.play()

    def _say(self, message: protocol.Message) -> None:
        if not isinstance(message, (protocol.Failed, protocol.Ended)):
            self._control.send(message)
        else:
            self._beat()
            self._control.send(message)
            self._exit = 1 if isinstance(message, protocol.Failed) else 0
            GLib.idle_add(self._loop.quit)

    def _bug(self, kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
        """An error in a callback would leave a worker that does nothing: it ends, and gets started anew."""
        traceback.print_exception(kind, error, trace)
        self._say(protocol.Failed("internal", f"worker: {kind.__name__}: {error}"))

    def _beat(self) -> bool:
        self._control.send(self._engine.beat() if self._engine else protocol.Beat())
        return True

    def _need_key(self) -> None:
        if self._engine is not None:
            self._engine.need_key()

    def _answer(self, seq: int, work: Callable[[Engine], str | None]) -> None:
        try:
            if self._engine is None:
                raise LookupError("the pipeline has not started yet")
            answer = protocol.Answer(seq, ok=True, data=work(self._engine) or "")
        except (LookupError, BuildError, GLib.Error, TypeError) as error:
            answer = protocol.Answer(seq, ok=False, data=str(error))
        self._control.send(answer)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def main() -> int:
    """Run the worker; see the module."""
    parser = argparse.ArgumentParser(description="encodes one pipeline; started by flexserver")
    parser.add_argument("--fd", type=int, required=True, help="descriptor of the control connection")
    parser.add_argument("--name", help="the pipeline's id: only there for who looks at the list of processes")
    fd = parser.parse_args().fd
    settle_as_child()
    return Worker(fd).run()


if __name__ == "__main__":
    sys.exit(main())
