"""One run of flexctl: what was asked for, and the two things every command uses, the client and the output."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

from flexctl import contexts
from flexctl.contexts import Box, Contexts
from flexctl.errors import LOG_IN_AGAIN, Misuse, Problem, Stop, addressed, problem_of, refused_token
from flexctl.exits import Exit
from flexctl.options import GLOBALS, SECRETS, from_environment
from flexctl.out.out import Out
from flexctl.out.terminal import Terminal

if TYPE_CHECKING:
    import typer

    from flexclient import Call, FlexClient
    from flexclient.models import Session
    from flexctl.session import StoredToken

READING = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SESSION = frozenset({("POST", "/flex/auth/login"), ("POST", "/flex/auth/logout")})
"""Calls that change nothing but who one is to the box: without them nobody could read a box with a password."""


class State:
    """The settings of a run, the flags before the environment; `client` and `out` are made when they are used."""

    def __init__(
        self,
        given: Mapping[str, Any],
        environ: Mapping[str, str] = os.environ,
        *,
        above: State | None = None,
        context: str | None = None,
    ) -> None:
        self.given = dict(given)
        self.above = above
        """The run that this one is a part of: one box of several."""
        self.agree: Callable[[], None] | None = None
        """Called before a call that changes something is sent: raises where nobody agrees to it."""
        self._context = context
        self._environ = environ
        self.remarks: list[str] = above.remarks if above else []
        """What is to be said last, once."""
        self._stored: StoredToken | None = None
        self._session = False
        """Whether it relies on a stored login."""
        self._around = from_environment(GLOBALS, environ)
        self.settings = {**self._around, **given}

    # Which box

    @cached_property
    def saved(self) -> Contexts:
        """The contexts there are."""
        return self.above.saved if self.above else contexts.load()

    @cached_property
    def contexts(self) -> tuple[str, ...]:
        """The names of the contexts that this run is about; none where an address names the box."""
        return (self._context,) if self._context else contexts.named(self.given, self._around, lambda: self.saved)

    @property
    def many(self) -> bool:
        """Whether several boxes were named. `--all-contexts` always is several, so that its output has one form."""
        said = not self.above and (self.settings.get("context") or self.settings.get("all_contexts"))
        return bool(said) and bool(self.given.get("all_contexts") or len(self.contexts) > 1)

    @cached_property
    def boxes(self) -> list[tuple[str, State]]:
        """Each box by its name, with a state and so a client of its own: of one box this very state.

        For commands that show several at once by themselves. Raises Misuse where a secret would go to several boxes.
        """
        if not self.many:
            return [(self.box.title, self)]
        parts = [(name, State(self.given, self._environ, above=self, context=name)) for name in self.contexts]
        _keep_apart(self, [state.box for _, state in parts])
        return parts

    @cached_property
    def box(self) -> Box:
        """The one box that this run is about. Raises Stop for an unknown context, Misuse where there are several."""
        if self.many:
            self.refuse_many("this")
        name = self.contexts[0] if self.contexts else None
        return contexts.box_of(name, self.given, self._around, self.saved if name else Contexts())

    def refuse_many(self, what: str) -> NoReturn:
        """Raises Misuse: this is for one box, and several were named."""
        listed = ", ".join(self.contexts)
        hint = f"name one of them: --context {self.contexts[0]}"
        raise Misuse(f"{what} is for one box at a time, and {len(self.contexts)} are named: {listed}", hint)

    @property
    def flags(self) -> str:
        """How the command line named the box; empty where the environment or the current context did, which a command
        that is pasted finds too. One of several is always named.
        """
        if self.above:
            return f"--context {self._context}"
        if url := self.given.get("url"):
            from shlex import quote

            return f"--url {quote(str(url))}"
        if named := self.given.get("context"):
            return f"--context {','.join(named)}"
        return "--all-contexts" if self.given.get("all_contexts") else ""

    @property
    def url(self) -> str:
        """Address of the box."""
        return self.box.url

    @cached_property
    def out(self) -> Out:
        """Where output goes."""
        if self.above:
            return self.above.out
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
            flags=self.flags,
        )

    @cached_property
    def client(self) -> FlexClient:
        """The box."""
        from flexclient.client import InsecureWarning

        get, box = self.settings.get, self.box
        if box.insecure:
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
                fingerprint=box.fingerprint,
                ca_file=box.ca_file,
                insecure=box.insecure,
                guard=self._guard,
                **_limits(get("timeout")),
            )
        except UsageError as error:
            raise Misuse(error.message, error.hint or "") from None

    def problem_of(self, error: BaseException) -> Problem | None:
        """What an error means in this run."""
        problem = self._meaning(error)
        return problem and replace(problem, hint=addressed(problem.hint, self.flags))

    def _meaning(self, error: BaseException) -> Problem | None:
        if isinstance(error, Stop):
            return error.problem
        problem = problem_of(error, self.url, pinned=bool(self.box.fingerprint))
        if problem and self._session and refused_token(error) and not (self._stored and self._stored.lost):
            return replace(problem, sentence=f"the session with {self.url} has ended", hint=LOG_IN_AGAIN)
        if problem and getattr(error, "fingerprint", None):  # a certificate that is not trusted
            return replace(problem, hint=self._how_to_trust(getattr(error, "hint", None) or "", problem.hint))
        return problem

    def _how_to_trust(self, warning: str, otherwise: str) -> str:
        """What to do about a certificate: a context pins it by a command, which shows it first."""
        if self.box.context:
            return f"{warning if self.box.fingerprint else _COMPARE}\nflexctl context trust {self.box.context}"
        return otherwise if self.box.fingerprint else f"{otherwise}\nor for good: flexctl context add NAME {self.url}"

    def once(self, sentence: str) -> None:
        """A remark that is made once and last in a run, however often there is a reason."""
        sentence = addressed(sentence, self.flags)
        if sentence not in self.remarks:
            self.remarks.append(sentence)

    def _token(self) -> str | Callable[[], str] | None:
        """Who asks: what this run was given, then what the context names, then the stored session."""
        if self.settings.get("token_stdin"):
            return self._token_of_stdin()
        if given := self.settings.get("token"):
            return str(given)
        if self.settings.get("api_key"):
            return None
        if command := self.box.token_command:
            from flexctl.secrets import token_by

            return lambda: token_by(command)
        return self._stored_token()

    def _token_of_stdin(self) -> str:
        token = sys.stdin.readline().strip()
        if not token:
            raise Misuse("--token-stdin: standard input holds no token")
        return token

    def without_credentials(self) -> FlexClient:
        """The box, asked from here on by nobody in particular."""
        self.client = self.client.with_options(token=None, api_key=None)
        self._session = False
        return self.client

    def _stored_token(self) -> StoredToken | None:
        """What fetches the token of the last login, once it is needed; None where there was no login."""
        from flexctl.secrets import noted

        note = noted(self.box.account)
        self._session = note is not None
        if note is None or (note.ended(now()) and not note.password):
            return None
        from flexctl.session import StoredToken

        self._stored = StoredToken(self.box.account, self._log_in, self.out.warn, now)
        return self._stored

    def _log_in(self, password: str) -> Session:
        return self.client.with_options(token=None, api_key=None).auth.login(password)

    def _guard(self, call: Call[Any]) -> None:
        """The one place that every call passes before it is sent."""
        if call.method in READING or (call.method, call.path) in OWN_SESSION:
            return
        if self.box.read_only:
            what = f"{call.method} {call.path.partition('?')[0]}"
            sentence = f"this is read-only: {what} was not sent to {self.box.title}"
            raise Stop(sentence, f"allow it: {_read_only_by(self)}", Exit.REFUSED)
        if self.agree:
            self.agree()

    def __enter__(self) -> State:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Close the connection; say what an error of the SDK means where the address is known."""
        if "client" in self.__dict__:
            self.client.close()
        for _, part in self.__dict__.get("boxes", []):
            if part is not self:
                part.__exit__(None, None, None)
        if self.remarks and not self.above and not error:
            self.out.flush()
            self.out.say("\n".join(self.remarks))
        if isinstance(error, Stop):
            if not self.above:  # of several it is said by who puts them together
                error.problem = self.problem_of(error) or error.problem
        elif isinstance(error, Exception) and (problem := self.problem_of(error)):
            stop = Stop(problem.sentence)
            stop.problem = problem
            raise stop from error


_COMPARE = "Is that the fingerprint that the box prints when it starts? Then trust it:"


def _keep_apart(run: State, boxes: list[Box]) -> None:
    """Raises Misuse where something secret, or the trust of one box, would go to several."""
    if len({contexts.same(box.url) for box in boxes}) < 2:
        return
    for name, title in {**SECRETS, "token_stdin": "--token-stdin"}.items():
        if name in {"token", "api_key", "token_stdin"} and run.settings.get(name):
            raise Misuse(
                f"{title} is of one box, and {len(boxes)} are named",
                "log in to each: flexctl --context NAME auth login",
            )
    if run.given.get("fingerprint"):
        raise Misuse("--fingerprint is of one box", "pin each by itself: flexctl context trust NAME")


def _read_only_by(run: State) -> str:
    """What made a run read-only, as what to do about it."""
    if run.given.get("read_only"):
        return "leave out --read-only"
    if run.settings.get("read_only"):
        return "unset FLEX_READ_ONLY"
    return f"take read_only out of context {run.box.context} in {contexts.file_of()}"


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
    import logging

    from flexclient import FlexClient

    logging.getLogger("flexclient").addHandler(logging.NullHandler())  # Out says what there is to say

    return FlexClient(**settings)


def state_of(ctx: typer.Context) -> State:
    """The run that a command belongs to."""
    state: State = ctx.obj
    return state
