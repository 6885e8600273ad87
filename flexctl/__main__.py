"""flexctl's entry: run the command line, and turn whatever happens into a message and an exit code."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from io import TextIOWrapper
from typing import NoReturn

import typer

from flexctl.errors import ClosedPipe, Problem, problem_of
from flexctl.exits import Exit


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run flexctl and leave the process with its exit code."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "1")  # or it looks through every installed package for them
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a name in letters that this terminal lacks is no reason to fail
            stream.reconfigure(errors="replace")
    try:
        code = run(argv) if "_FLEXCTL_COMPLETE" not in os.environ else _complete()
        with suppress(OSError) if code else nullcontext():  # what failed has been told; what is left of it fails again
            sys.stdout.flush()
    except (ClosedPipe, BrokenPipeError):
        code = Exit.DONE  # the reader of our pipe has what it wanted
    except OSError as error:
        code = _fail(problem_of(error) or Problem(str(error)))
    with suppress(OSError):
        sys.stderr.flush()
    os._exit(code)  # all is written; taking three hundred modules down in order is a tenth of a short run


def run(argv: Sequence[str] | None = None) -> int:
    """Run flexctl; the exit code. A closed pipe is left to the caller."""
    from flexctl.app import app

    try:
        return int(app().main(argv, prog_name="flexctl", standalone_mode=False) or 0)
    except ClosedPipe:
        raise
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except typer.Abort:
        return Exit.INTERRUPTED
    except typer.TyperException as error:
        return _misused(error)
    except Exception as error:
        problem = problem_of(error)
        if problem is None:
            raise
        return _fail(problem)


def _complete() -> int:
    """Answer a shell that asks what may come next."""
    gc.disable()  # it ends before there is anything to collect
    from flexctl.complete import run as answer

    answer()
    return Exit.DONE


def _misused(error: typer.TyperException) -> int:
    from flexctl.lazy import misuse_of

    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(error.format_message() + "\n")
        return Exit.USAGE
    return _fail(misuse_of(error).problem)


def _fail(problem: Problem) -> int:
    from flexctl.out.out import tell_problem
    from flexctl.out.terminal import Terminal

    tell_problem(problem, sys.stderr, Terminal.of_process())
    return problem.code


if __name__ == "__main__":
    main()
