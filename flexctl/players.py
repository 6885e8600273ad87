"""Programs on this machine that play a stream, and how each is started. Pure but for the look at PATH."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from pathlib import PurePath
from urllib.parse import urlsplit

from flexctl.errors import Misuse, Stop

PLAYERS: dict[str, tuple[str, ...]] = {
    "ffplay": ("-loglevel", "warning", "-rtsp_transport", "tcp", "-window_title", "{title}", "{uri}"),
    "mpv": ("--rtsp-transport=tcp", "--profile=low-latency", "--title={title}", "{uri}"),
    "vlc": ("--rtsp-tcp", "--play-and-exit", "--meta-title={title}", "{uri}"),
    "gst-launch-1.0": ("playbin", "uri={uri}"),
}
"""Player -> its arguments, in the order in which they are looked for."""
_RTSP_ONLY = {"-rtsp_transport", "tcp", "--rtsp-transport=tcp", "--rtsp-tcp"}
INSTALL = "sudo apt install ffmpeg"
SCHEMES = ("rtsp", "rtsps", "udp", "srt")


def installed() -> list[str]:
    """The players that are there."""
    return [name for name in PLAYERS if shutil.which(name)]


def command_of(wish: str | None, uri: str, title: str) -> list[str]:
    """The command that plays it: with the player that was wished for, else with the first that is there.

    Raises Misuse for a wish that is none or is not there, and Stop where no player is there.
    """
    if wish is None:
        there = installed()
        if not there:
            raise Stop(
                f"no player is installed; looked for {', '.join(PLAYERS)}",
                f"install one: {INSTALL}\nor open {uri} elsewhere",
            )
        return [there[0], *_arguments(there[0], uri, title)]
    words = _words(wish)
    if not shutil.which(words[0]):
        others = installed()
        raise Misuse(
            f"there is no player '{words[0]}' on this machine",
            f"there is {', '.join(others)}" if others else f"none is installed: {INSTALL}",
        )
    return [*words, *_arguments(PurePath(words[0]).name, uri, title)]


def _words(wish: str) -> list[str]:
    try:
        words = shlex.split(wish)
    except ValueError:
        words = []
    if not words:
        raise Misuse(f"--player: '{wish}' is no command", f"such as {', '.join(PLAYERS)}, or 'mpv --fs'")
    return words


def _arguments(player: str, uri: str, title: str) -> list[str]:
    """A player that nobody knows gets the address alone."""
    given: Sequence[str] = PLAYERS.get(player, ("{uri}",))
    if not uri.startswith("rtsp"):
        given = [word for word in given if word not in _RTSP_ONLY]
    return [word.format(uri=uri, title=title) for word in given]


def playable(uri: str, host: str) -> str:
    """The address for a player here: one that names every address of the box gets the one by which it was reached.

    Raises Stop for what is no address of a stream: it comes from the box, and goes on a command line.
    """
    parts = urlsplit(uri)
    if parts.scheme not in SCHEMES or not uri.isprintable() or " " in uri:
        raise Stop(f"the box says that it is at '{uri}', which no player takes")
    if parts.hostname in {"0.0.0.0", "::"}:  # noqa: S104  told by the box, not bound
        name = f"[{host}]" if ":" in host else host
        return parts._replace(netloc=f"{name}:{parts.port}" if parts.port else name).geturl()
    return uri
