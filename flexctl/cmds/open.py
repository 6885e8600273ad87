"""`flexctl open`."""

import os
import socket
import sys
from collections.abc import Mapping
from contextlib import closing
from typing import Annotated
from urllib.parse import urlsplit

import typer

from flexctl.errors import Stop
from flexctl.exits import Exit
from flexctl.state import State, state_of

PORT = 8443
_INSTEAD = "see what it does with `flexctl top`; another port: --port"
SECONDS = 3.0
"""Longest wait for the web interface, where --timeout says nothing else."""


def open_(
    ctx: typer.Context,
    port: Annotated[
        int, typer.Option(metavar="PORT", show_default=False, help="Port of the web interface (default: 8443).")
    ] = PORT,
    print_: Annotated[bool, typer.Option("--print", help="Only print the address.")] = False,
) -> None:
    """Open the box's web interface in a browser. Where there is no browser, as over SSH, print its address.

    Version 0.1 of the box has no web interface yet. Where nothing answers, that is an error (exit 7).

    The browser asks once whether to trust the box's own certificate: compare its fingerprint with the one that the box
    prints when it starts.

    flexctl open
    flexctl open --print
    """
    run = state_of(ctx)
    host = urlsplit(run.url if "://" in run.url else f"https://{run.url}").hostname or ""
    url = f"https://{f'[{host}]' if ':' in host else host}:{port}/"
    if not print_:
        _reach(run, host, port, url)
    if print_ or not has_browser(os.environ, sys.platform):
        run.out.data({"url": url}) if run.out.form in {"json", "yaml", "ndjson"} else run.out.write(url)
        if not print_:
            run.out.say("There is no browser here: open that address where one is.")
        return
    if not _opened(url):
        raise Stop("no browser can be started", f"open {url} yourself, or name one in BROWSER")
    run.out.done(f"Opened {url} in your browser.")


def has_browser(environ: Mapping[str, str], platform: str) -> bool:
    """Whether a browser that is started here is seen by who started it."""
    if environ.get("BROWSER"):
        return True
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        return False
    return platform in {"darwin", "win32"} or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def has_none_yet(version: str) -> bool:
    """Whether a box of this version is from before there was a web interface."""
    return version.split(".")[:2] == ["0", "1"]


def _reach(run: State, host: str, port: int, url: str) -> None:
    """Raises Stop where nobody answers: an empty page would say less."""
    from flexctl.doctor.net import reason

    seconds = run.settings.get("timeout") or SECONDS
    try:
        with closing(socket.create_connection((host, port), seconds)):
            return
    except OSError as error:
        told = f"there is no web interface at {url}: {reason(error, seconds)}"
        version = _version(run, seconds)
        if version and has_none_yet(version):
            raise Stop(f"version {version} of the box has no web interface yet", _INSTEAD, Exit.UNREACHABLE) from None
        raise Stop(told, "another port: --port. What is wrong: flexctl doctor", Exit.UNREACHABLE) from None


def _version(run: State, seconds: float) -> str | None:
    """The box's version, where it tells."""
    from flexclient.errors import FlexError

    try:
        return run.client.with_options(timeout=seconds, deadline=seconds, retries=0).system.version().version
    except (FlexError, Stop):
        return None


def _opened(url: str) -> bool:
    import webbrowser

    return webbrowser.open(url)
