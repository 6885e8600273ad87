"""`flexctl webhook listen`."""

import socket
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

import typer

from flexctl.cmds.webhook import Events, events_of
from flexctl.errors import Misuse
from flexctl.options import SECRETS, Count, For
from flexctl.state import State, state_of

if TYPE_CHECKING:
    from flexclient.webhooks import Message

REMEMBERED = 1000
"""Messages whose second coming is not printed."""
REGISTER = "`flexctl webhook listen --register` makes a webhook for itself"


def listen(
    ctx: typer.Context,
    port: Annotated[
        int, typer.Option(metavar="N", show_default=False, help="Port to listen on (default: any free one).")
    ] = 0,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on; 0.0.0.0 is every one.")
    ] = "127.0.0.1",
    register: Annotated[
        bool, typer.Option("--register", help="Make a webhook on the box that leads here, and delete it at the end.")
    ] = False,
    public_url: Annotated[
        str | None,
        typer.Option(metavar="URL", help="With --register: where the box reaches this listener."),
    ] = None,
    events: Events = None,
    secret_stdin: Annotated[
        bool, typer.Option("--secret-stdin", help="Read the webhook's secret from standard input.")
    ] = False,
    for_: For = None,
    count: Count = None,
) -> None:
    """Receive webhooks here, check their signatures and print them, until Ctrl-C, --for or --count.

    A terminal shows a line a message, a pipe gets one JSON object a line. What is not signed by the box is answered 401
    and told. The secret comes from --secret-stdin or FLEX_WEBHOOK_SECRET, or with --register from the box itself.

    A box sends to this machine only where its settings allow that: `flexctl settings set
    webhook_allowed_networks=127.0.0.0/8` for a box on the same machine.

    flexctl webhook listen --register
    flexctl webhook listen --register --host 0.0.0.0 --port 9000 --public-url http://192.0.2.20:9000
    flexctl webhook listen --port 9000 --secret-stdin < secret.txt
    """
    from flexctl.live.follow import check_form

    run = state_of(ctx)
    check_form(run, *(("table", "wide") if run.out.terminal.stdout else ()))
    if not register and (public_url or events):
        raise Misuse(f"{'--public-url' if public_url else '--events'} is for --register", REGISTER)
    wanted = events_of(events or "all")
    secret = None if register else _secret(run, stdin=secret_stdin)
    if register and secret_stdin:
        raise Misuse("--register and --secret-stdin: the box makes a secret of its own")
    with _listening(host, port) as listener:
        here = _address(listener, host)
        if secret is not None:
            run.out.say(f"Listening on {here}.")
            _receive(run, listener, secret, for_, count)
            return
        with _registered(run, public_url or here, wanted) as secret:
            _receive(run, listener, secret, for_, count)


def _secret(run: State, *, stdin: bool) -> str:
    """The secret that checks the signatures. Raises Misuse."""
    from flexclient.errors import UsageError
    from flexclient.webhooks import sign

    secret = sys.stdin.readline().strip() if stdin else run.settings.get("webhook_secret")
    if not secret:
        where = "standard input holds no secret" if stdin else "there is no secret to check signatures with"
        hint = f"--secret-stdin or {SECRETS['webhook_secret']} gives one; {REGISTER}"
        raise Misuse(where, hint)
    try:
        sign("", 0, b"", secret)
    except UsageError as error:
        raise Misuse(error.message) from None
    return str(secret)


@contextmanager
def _listening(host: str, port: int) -> "Iterator[socket.socket]":
    """A socket that takes connections."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family, backlog=128)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise Misuse(f"cannot listen on {host} port {port}: {reason}", "choose others with --host and --port") from None
    with listener:
        yield listener


def _address(listener: socket.socket, host: str) -> str:
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


@contextmanager
def _registered(run: State, url: str, events: list[str]) -> "Iterator[str]":
    """A webhook that leads here, and is gone afterwards; its secret."""
    from flexclient.errors import FlexError, NotFound

    if any(f"//{name}:" in url for name in ("0.0.0.0", "[::]")):  # noqa: S104
        raise Misuse(
            "the box cannot send to every address at once", "say where it reaches this machine: --public-url URL"
        )
    made = run.client.webhooks.create({"url": url, "events": events})
    try:
        if made.secret is None:
            raise Misuse("this box does not sign what it sends", "there is nothing to check it by")
        run.out.say(f"Listening: the box sends to {url} ({made.id}).")
        yield made.secret.get_secret_value()
    finally:
        try:
            run.client.webhooks.delete(made.id)
        except NotFound:
            pass
        except FlexError as error:
            run.out.warn(f"{made.id} is still there: {error.message}", f"later: flexctl webhook delete {made.id}")


@dataclass
class _Take:
    """What becomes of each request."""

    run: State
    secret: str
    write: "Callable[[Message], None]"
    count: int | None
    stop: Callable[[], None] = field(default=lambda: None)
    seen: "deque[str]" = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def __call__(self, headers: Mapping[str, str], body: bytes, peer: str) -> int:
        """The status to answer; a message is answered when it is written."""
        from flexclient.webhooks import NoMessage, VerificationError, verify

        if self.count is not None and self.count <= 0:
            return HTTPStatus.SERVICE_UNAVAILABLE  # the box tries again, with whoever listens then
        try:
            message = verify(body, headers, self.secret)
        except NoMessage as error:
            self.run.out.warn(f"refused what came from {peer}: {error.message}")
            return HTTPStatus.BAD_REQUEST
        except VerificationError as error:
            self.run.out.warn(f"refused what came from {peer}: {error.message}", error.hint or "")
            return HTTPStatus.UNAUTHORIZED
        if message.id not in self.seen:
            self.write(message)
            self.seen.append(message.id)
            self._counted()
        return HTTPStatus.NO_CONTENT

    def _counted(self) -> None:
        if self.count is not None:
            self.count -= 1
            if self.count <= 0:
                self.stop()


def _receive(run: State, listener: socket.socket, secret: str, seconds: float | None, count: int | None) -> None:
    import asyncio
    import signal

    from flexctl.live.receiver import Receiver

    take = _Take(run, secret, _writer(run), count)
    receiver = Receiver(take)
    take.stop = receiver.stop

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, receiver.stop)  # what was registered is deleted then, too
        await receiver.serve(listener, seconds, run.out.still_read)

    if count is None or count > 0:
        asyncio.run(serve())


def _writer(run: State) -> "Callable[[Message], None]":
    """Lines for people on a terminal, JSON lines for everybody else."""
    from flexctl.live.follow import rows
    from flexctl.views.webhook import RECEIVED, Received, data_of

    if run.out.form in {"table", "wide"} and run.out.terminal.stdout:
        row = rows(run, RECEIVED.columns)
        return lambda message: row(Received(message))
    return lambda message: run.out.line(data_of(message))
