"""What is asked, in which order, and which words of a command line the answers are. Pure but for what the box knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, urlsplit

from flexctl.errors import Misuse
from flexctl.manifest import flags
from flexctl.views.camera import mode_of

if TYPE_CHECKING:
    from flexclient.models import Camera, CameraCapability

MOST_MODES = 9
PATTERNS = ("smpte", "ball", "snow", "black", "checkers-1", "circular", "zone-plate")
SOURCE = "source"
"""The word that keeps the source's own size or rate."""


class Known(Protocol):
    """What the box knows; looked up when it is asked for, so that a camera may be plugged in meanwhile."""

    @property
    def ids(self) -> Sequence[str]:
        """The ids that are taken."""
        ...

    def cameras(self) -> Sequence[Camera]:
        """The cameras that are plugged in."""
        ...

    def modes(self, path: str) -> Sequence[CameraCapability]:
        """What one of them can do, the best first."""
        ...


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a menu."""

    word: str
    """The answer that it stands for."""
    help: str = ""


Answers = Mapping[str, str]
Words = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """One question."""

    key: str
    text: str
    default: str = ""
    choices: tuple[Choice, ...] = ()
    free: bool = False
    """Whether a menu takes other answers than its own."""
    words: Callable[[str], Words] = lambda _: ()
    """The words of the command line that an answer stands for. Raises ValueError or Misuse for one that cannot be."""

    @property
    def short(self) -> bool:
        """Whether it is a question of yes or no, which needs no menu."""
        return [choice.word for choice in self.choices] == ["yes", "no"]

    def read(self, text: str) -> str:
        """The answer that was meant by a number, a word or nothing. Raises ValueError, Misuse."""
        answer = text or self.default
        if self.choices:
            answer = self._chosen(answer)
        self.words(answer)
        return answer

    def _chosen(self, text: str) -> str:
        if text.isdecimal() and 1 <= int(text) <= len(self.choices):
            return self.choices[int(text) - 1].word
        found = [choice.word for choice in self.choices if choice.word.startswith(text) and text]
        if text in found or len(found) == 1:
            return text if text in found else found[0]
        if self.free and text:
            return text
        if self.short:
            raise ValueError("yes or no?")
        raise ValueError(f"'{text}' is none of them: type a number from 1 to {len(self.choices)}")


def next_question(answers: Answers, known: Known) -> Question | None:
    """What to ask after these answers; None when all is known."""
    for key, make in (("kind", _kind), *_OF_KIND.get(answers.get("kind", ""), ()), *_REST):
        if key not in answers and (question := make(answers, known)):
            return question
    return None


def command_words(answers: Answers, known: Known) -> list[str]:
    """The words behind `flexctl pipeline create`."""
    words = [answers["id"]]
    for key, make in (*_OF_KIND[answers["kind"]], *_REST):
        if key in answers and (question := make(answers, known)):
            words += question.words(answers[key])
    return words


# Where the picture comes from


def _kind(answers: Answers, known: Known) -> Question:  # noqa: ARG001  all are called alike
    count = len(known.cameras())
    there = {0: "none is plugged in", 1: "one is plugged in"}.get(count, f"{count} are plugged in")
    choices = (
        Choice("camera", f"plugged into the box: {there}"),
        Choice("rtsp", "a camera on the network"),
        Choice("test", "a test picture"),
        Choice("file", "a file on the box"),
        Choice("udp", "MPEG-TS or RTP that is sent to the box"),
    )
    return Question("kind", "Where does the picture come from?", "camera" if count else "test", choices)


def _camera(answers: Answers, known: Known) -> Question:  # noqa: ARG001
    cameras = known.cameras()
    if not cameras:
        return Question("camera", "Path of the camera (none is plugged in now)", "/dev/video0", words=_device)
    choices = tuple(Choice(one.path, one.name + (f" ({one.problem})" if one.problem else "")) for one in cameras)
    return Question("camera", "Which camera?", choices[0].word, choices, words=_device)


def _device(path: str) -> Words:
    if not re.fullmatch(r"/dev/video\d+", path):
        raise ValueError(f"'{path}' is not a camera's path such as /dev/video0")
    return ("--source", f"v4l2://{path}")


def _mode(answers: Answers, known: Known) -> Question | None:
    caps = {str(mode_of(mode)): mode.gstreamer_caps for mode in known.modes(answers.get("camera", ""))}
    if not caps:
        return None
    choices = [Choice("best", next(iter(caps))), *(Choice(name) for name in list(caps)[1:MOST_MODES])]
    return Question(
        "mode",
        "How shall it run?",
        "best",
        tuple(choices),
        words=lambda answer: ("--caps", caps[answer]) if answer in caps else (),
    )


def _rtsp(answers: Answers, known: Known) -> Question:  # noqa: ARG001
    return Question("address", "Its address, such as rtsp://192.0.2.20/stream", words=_network("rtsp", "rtsps"))


def _user(answers: Answers, known: Known) -> Question:  # noqa: ARG001
    return Question(
        "user",
        "Its user (empty: none; a password is asked for later, unseen)",
        words=lambda user: ("--source-user", user) if user else (),
    )


def _pattern(answers: Answers, known: Known) -> Question:  # noqa: ARG001
    choices = tuple(map(Choice, PATTERNS))
    return Question(
        "pattern", "Which picture?", "smpte", choices, free=True, words=lambda name: ("--source", f"test://{name}")
    )


def _path(answers: Answers, known: Known) -> Question:  # noqa: ARG001
    return Question("path", "Its path on the box, such as /srv/media/film.mp4", words=_file)


def _file(path: str) -> Words:
    path = path.removeprefix("file://")
    if not path.startswith("/") or path.endswith("/"):
        raise ValueError(f"'{path}' is not a file's whole path, which begins with /")
    return ("--source", f"file://{quote(path, safe='/:@+,=~')}")


def _loop(answers: Answers, known: Known) -> Question:  # noqa: ARG001
    return _yes_no("loop", "Begin again at its end?", "yes", "--loop")


def _udp(answers: Answers, known: Known) -> Question:  # noqa: ARG001
    return Question(
        "address", "Where it is sent to, such as udp://239.1.2.3:5000 or udp://0.0.0.0:5000", words=_network("udp")
    )


def _network(*schemes: str) -> Callable[[str], Words]:
    def words(text: str) -> Words:
        parts = urlsplit(text)
        if parts.username or parts.password:
            raise ValueError("leave user and password out of the address: they are asked for")
        if parts.scheme not in schemes or not parts.hostname:
            raise ValueError(f"'{text}' is not an address such as {schemes[0]}://192.0.2.20")
        return ("--source", text)

    return words


# What becomes of it


def _id(answers: Answers, known: Known) -> Question:
    def words(name: str) -> Words:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
            raise ValueError("an id is letters, digits, - and _, at most 64")
        if name in known.ids:
            raise ValueError(f"there is a pipeline '{name}' already")
        return ()

    return Question("id", "Its id, which names it for ever", suggested_id(answers, known.ids), words=words)


def suggested_id(answers: Answers, taken: Sequence[str]) -> str:
    """A name that fits the source and is free."""
    last = answers.get("path", "").rpartition("/")[2].rpartition(".")[0]
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", last).strip("-")[:56] if last else ""
    if stem and stem not in taken:
        return stem
    stem = stem or {"test": "test", "udp": "feed"}.get(answers.get("kind", ""), "cam")
    return next(name for number in range(1, len(taken) + 2) if (name := f"{stem}{number}") not in taken)


def _size(answers: Answers, known: Known) -> Question:
    mode = _running(answers, known)
    default = f"{mode.width}x{mode.height}" if mode else "1920x1080"
    return Question("size", f"Size of the picture, or {SOURCE}", default, words=_sized)


def _sized(text: str) -> Words:
    if text != SOURCE:
        flags.size(text)
    return ("--size", "0x0" if text == SOURCE else text)


def _fps(answers: Answers, known: Known) -> Question:
    mode = _running(answers, known)
    return Question(
        "fps", f"Pictures a second, or {SOURCE}", f"{mode.fps:g}" if mode and mode.fps else "30", words=_rated
    )


def _rated(text: str) -> Words:
    if text != SOURCE and not 0 < flags.number(text) <= 240:
        raise ValueError("pictures a second are more than 0 and at most 240")
    return ("--fps", "0" if text == SOURCE else text)


def _bitrate(answers: Answers, known: Known) -> Question:  # noqa: ARG001
    default = suggested_rate(answers.get("size", SOURCE), answers.get("fps", SOURCE))
    return Question("bitrate", "Bitrate, such as 800k or 2.5M", default, words=_bits)


def _bits(text: str) -> Words:
    if not flags.kilobits(text):
        raise ValueError("a bitrate is more than 0")
    return ("--bitrate", text)


def suggested_rate(size: str, fps: str) -> str:
    """What looks good for the size and rate: seven hundredths of a bit for a point, in round numbers."""
    width, height = (1920, 1080) if size == SOURCE else flags.size(size)
    kbps = width * height * (30 if fps == SOURCE else flags.number(fps)) * 0.07 / 1000
    return f"{round(kbps / 500) / 2:g}M" if kbps >= 1000 else f"{max(round(kbps / 50) * 50, 100)}k"


def _running(answers: Answers, known: Known) -> CameraCapability | None:
    """How the camera will run, where it is one."""
    if "camera" not in answers:
        return None
    modes, wish = known.modes(answers["camera"]), answers.get("mode", "best")
    return next((mode for mode in modes if wish in {"best", mode_of(mode)}), None)


def _text(answers: Answers, known: Known) -> Question:  # noqa: ARG001
    return Question(
        "text", "Text to burn in (empty: none)", words=lambda text: ("--overlay-text", text) if text else ()
    )


def _clock(answers: Answers, known: Known) -> Question:  # noqa: ARG001
    return _yes_no("clock", "Burn in the clock?", "no", "--timestamp")


def _when(answers: Answers, known: Known) -> Question:  # noqa: ARG001
    choices = (Choice("demand", "only while somebody watches"), Choice("always", "from now on, readers or not"))
    return Question(
        "when", "When shall it encode?", "demand", choices, words=lambda a: ("--no-on-demand",) if a == "always" else ()
    )


def _yes_no(key: str, text: str, default: str, flag: str) -> Question:
    choices = (Choice("yes"), Choice("no"))
    return Question(key, text, default, choices, words=lambda answer: (flag,) if answer == "yes" else ())


_Make = Callable[[Answers, Known], Question | None]
_OF_KIND: dict[str, tuple[tuple[str, _Make], ...]] = {
    "camera": (("camera", _camera), ("mode", _mode)),
    "rtsp": (("address", _rtsp), ("user", _user)),
    "test": (("pattern", _pattern),),
    "file": (("path", _path), ("loop", _loop)),
    "udp": (("address", _udp),),
}
_REST: tuple[tuple[str, _Make], ...] = (
    ("id", _id),
    ("size", _size),
    ("fps", _fps),
    ("bitrate", _bitrate),
    ("text", _text),
    ("clock", _clock),
    ("when", _when),
)
"""Answer -> what asks for it, in the order in which it is asked."""


def given_by(words: Sequence[str]) -> dict[str, object]:
    """What `create` gets of these words, its id left out. Raises Misuse for a value that cannot be."""
    from flexctl.options import read_value

    named = {flag: setting for setting in flags.SETTINGS for flag in "/".join(setting.flags).split("/")}
    found: dict[str, object] = {}
    rest = iter(words)
    for word in rest:
        setting = named[word]
        if setting.kind is bool:
            found[setting.name] = not word.startswith("--no-")
            continue
        try:
            found[setting.name] = read_value(setting.kind, next(rest), setting.read)
        except ValueError as error:
            raise Misuse(f"{word}: {error}") from None
    return found
