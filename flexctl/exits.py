"""What flexctl's exit status says."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes, each with one meaning, so that a script can branch without reading a message."""

    meaning: str
    """In a sentence, for help and the documentation."""

    def __new__(cls, code: int, meaning: str) -> Exit:
        """A number that knows what it means."""
        made = int.__new__(cls, code)
        made._value_ = code
        made.meaning = meaning
        return made

    DONE = 0, "It is done."
    FAILED = 1, "It went wrong in a way that no other code names; a pipeline that can never work as it is."
    USAGE = 2, "The command line, or a file it names, is wrong. Nothing was changed."
    NOT_FOUND = 3, "What the command is about does not exist."
    FORBIDDEN = 4, "Not logged in, or not allowed."
    REFUSED = 5, "The box refuses: a conflict, the licence, a precondition."
    TIMED_OUT = 6, "It took longer than was allowed."
    UNREACHABLE = 7, "The box cannot be reached, or its certificate is not trusted."
    PENDING = 8, "Accepted and stored, and the box keeps trying: it had not come true when the answer was due."
    INTERRUPTED = 130, "Ctrl-C."
