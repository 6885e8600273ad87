"""One run of flexctl: what was asked for, and the two things every command uses, the client and the output."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any

from flexctl.errors import LOG_IN_AGAIN, Misuse, Problem, Stop, problem_of, refused_token
from flexctl.options import GLOBALS, from_environment
from flexctl.out.out import Out
from flexctl.out.terminal import Terminal

if TYPE_CHECKING:
    import typer

    from flexclient import FlexClient

DEFAULT_URL = "https://127.0.0.1:3539"
_TRUST = {"fingerprint", "ca_file", "insecure"}


class State:
    """The settings of a run, the flags before the environment; `client` and `out` are made when they are used."""

    def __init__(self, given: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> None:
        self.given = dict(given)
        self._remarks: list[str] = []
        self._session = False
        """Whether it relies on a stored login."""
        around = from_environment(GLOBALS, environ)
        if _TRUST & given.keys():  # trust that was named here is not mixed with the environment's
            around = {name: value for name, value in around.items() if name not in _TRUST}
        self.settings = {**around, **given}

    @property
    def url(self) -> str:
        """Address of the box."""
        return str(self.settings.get("url") or DEFAULT_URL)

    @cached_property
    def out(self) -> Out:
        """Where output goes."""
        get = self.settings.get
        terminal = Terminal.of_process(get("color"))
        return Out(
            terminal,
            format=get("output"),
            columns=get("columns") or (),
            sort_by=get("sort_by"),
            query=get("query"),
            template=get("template"),
            pager="" if get("no_pager") else terminal.pager,
            quiet=bool(get("quiet")),
            clock=now,
        )

    @cached_property
    def client(self) -> FlexClient:
        """The box."""
        from flexclient.client import InsecureWarning

        get = self.settings.get
        if get("insecure"):
            self.out.warn(
                f"the certificate of {self.url} is NOT checked: anybody in between can read and change everything",
                "trust it with --fingerprint or --ca-file instead of --insecure",
            )
            warnings.simplefilter("ignore", InsecureWarning)  # said above, in our words
        from flexclient.errors import UsageError

        try:
            return connect(
                url=self.url,
                token=self._token(),
                api_key=get("api_key"),
                fingerprint=get("fingerprint"),
                ca_file=get("ca_file"),
                insecure=bool(get("insecure")),
                **_limits(get("timeout")),
            )
        except UsageError as error:
            raise Misuse(error.message, error.hint or "") from None

    def problem_of(self, error: BaseException) -> Problem | None:
        """What an error means in this run."""
        problem = problem_of(error, self.url, pinned=bool(self.settings.get("fingerprint")))
        if problem and self._session and refused_token(error):
            return replace(problem, sentence=f"the session with {self.url} has ended", hint=LOG_IN_AGAIN)
        return problem

    def once(self, sentence: str) -> None:
        """A remark that is made once and last in a run, however often there is a reason."""
        if sentence not in self._remarks:
            self._remarks.append(sentence)

    def _token(self) -> str | Callable[[], str] | None:
        if not self.settings.get("token_stdin"):
            return self.settings.get("token") or (None if self.settings.get("api_key") else self._stored())
        token = sys.stdin.readline().strip()
        if not token:
            raise Misuse("--token-stdin: standard input holds no token")
        return token

    def without_credentials(self) -> FlexClient:
        """The box, asked from here on by nobody in particular."""
        self.client = self.client.with_options(token=None, api_key=None)
        self._session = False
        return self.client

    def _stored(self) -> Callable[[], str] | None:
        """What fetches the token of the last login, once it is needed; None where there was no login."""
        from flexctl.secrets import NoKeyring, noted, token_of

        note = noted(self.url)
        self._session = note is not None
        if note is None or note.ended(now()):
            return None

        @cache
        def fetch() -> str:
            try:
                return token_of(note) or ""
            except NoKeyring as error:
                self.out.warn(f"the token of your session cannot be read: {error}", "going on without it")
                self._session = False
                return ""

        return fetch

    def __enter__(self) -> State:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Close the connection; say what an error of the SDK means where the address is known."""
        if "client" in self.__dict__:
            self.client.close()
        if self._remarks and not error:
            self.out.flush()
            self.out.say("\n".join(self._remarks))
        if isinstance(error, Exception) and not isinstance(error, Stop) and (problem := self.problem_of(error)):
            stop = Stop(problem.sentence)
            stop.problem = problem
            raise stop from error


def _limits(seconds: float | None) -> dict[str, float]:
    """What --timeout means to the client: the limit of a whole call. Without it the client has its own."""
    return {"timeout": seconds, "deadline": seconds} if seconds else {}


def now() -> datetime:
    """The time of day. Tests put another one here."""
    return datetime.now(UTC)


def connect(**settings: Any) -> FlexClient:
    """A client of the box. Tests put another one here."""
    # httpx brings a command line of its own, with click, rich and pygments: half of its time to import. Told that
    # there is none, it goes on without.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    from flexclient import FlexClient

    logging.getLogger("flexclient").addHandler(logging.NullHandler())  # Out says what there is to say

    return FlexClient(**settings)


def state_of(ctx: typer.Context) -> State:
    """The run that a command belongs to."""
    state: State = ctx.obj
    return state
