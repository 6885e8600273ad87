"""`./dev bench [NAME ...]`: run the measurements and print one table; exit 1 where a budget is not kept."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from bench import cli, encode, firstframe, recovery, sdk, startup
from bench.figure import HEADER, Figure

MEASUREMENTS: dict[str, Callable[[], Iterator[Figure]]] = {
    "startup": startup.measure,
    "cli": cli.measure,
    "sdk": sdk.measure,
    "firstframe": firstframe.measure,
    "recovery": recovery.measure,
    "encode": encode.measure,
}


def main(names: list[str]) -> int:
    """Run the named measurements, all of them without a name."""
    if unknown := set(names) - set(MEASUREMENTS):
        print(
            f"There is no measurement {', '.join(sorted(unknown))}. There are: {', '.join(MEASUREMENTS)}",
            file=sys.stderr,
        )
        return 2
    print(HEADER, flush=True)
    kept = True
    for name in names or MEASUREMENTS:
        for figure in MEASUREMENTS[name]():
            print(figure.line(), flush=True)
            kept &= figure.kept
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
