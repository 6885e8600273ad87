"""A picture as text: two of its points in each place, in as many colours as the terminal has. Pure.

Without colours its brightness is drawn, so that a pipe and NO_COLOR have something to show too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from PIL.Image import Image

Colors: TypeAlias = Literal[0, 256, 16_777_216]
Point: TypeAlias = tuple[int, int, int]

HALF = "▀"
SHADES = " ░▒▓█"
SHADES_ASCII = " .:-=+*#%@"
_STEPS = (0, 95, 135, 175, 215, 255)
"""The levels of each colour in the cube of 216 that terminals with 256 colours have."""


def colors_of(environ: Mapping[str, str]) -> Colors:
    """How many colours a terminal that shows some can show."""
    many = environ.get("COLORTERM") in {"truecolor", "24bit"} or environ.get("TERM", "").endswith("-direct")
    return 16_777_216 if many else 256


def drawn(image: Image, columns: int, rows: int, colors: Colors, *, unicode: bool = True) -> str:
    """The picture in at most so many columns and rows, its shape kept; never larger than it is."""
    doubled = unicode and colors > 0
    width, height = fitted(image.size, columns, rows)
    small = image.convert("RGB").resize((width, height * 2 if doubled else height))
    data = small.tobytes()
    points = [(data[at], data[at + 1], data[at + 2]) for at in range(0, len(data), 3)]
    lines = [points[at : at + width] for at in range(0, len(points), width)]
    if not colors:
        shades = SHADES if unicode else SHADES_ASCII
        return "\n".join("".join(_shade(point, shades) for point in line).rstrip() for line in lines)
    if not doubled:
        return "\n".join(_painted([(None, point) for point in line], colors) for line in lines)
    pairs = zip(lines[::2], lines[1::2], strict=True)
    return "\n".join(_painted(list(zip(above, below, strict=True)), colors) for above, below in pairs)


def fitted(size: tuple[int, int], columns: int, rows: int) -> tuple[int, int]:
    """Columns and rows that a picture of this size takes: a place is twice as high as it is wide."""
    width, height = size
    scale = min(columns / width, rows * 2 / height, 1.0)
    return max(1, round(width * scale)), max(1, round(height * scale / 2))


def _painted(pairs: list[tuple[Point | None, Point]], colors: Colors) -> str:
    """One row. A colour is named only where it changes."""
    out, last = "", ("", "")
    for above, below in pairs:
        now = ("" if above is None else f"38;{_color(above, colors)}", f"48;{_color(below, colors)}")
        if now != last:
            out += "\x1b[" + ";".join(name for name, old in zip(now, last, strict=True) if name != old) + "m"
            last = now
        out += " " if above is None else HALF
    return out + "\x1b[0m"


def _color(point: Point, colors: Colors) -> str:
    if colors > 256:
        return "2;{};{};{}".format(*point)
    red, green, blue = (min(range(6), key=lambda step: abs(_STEPS[step] - level)) for level in point)
    gray = max(0, min(23, round((sum(point) / 3 - 8) / 10)))
    cube = (_STEPS[red], _STEPS[green], _STEPS[blue])
    level = 8 + 10 * gray
    is_gray = _far((level, level, level), point) < _far(cube, point)
    return f"5;{232 + gray if is_gray else 16 + 36 * red + 6 * green + blue}"


def _far(one: Point, other: Point) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def _shade(point: Point, shades: str) -> str:
    red, green, blue = point
    light = (299 * red + 587 * green + 114 * blue) / 255_000
    return shades[min(int(light * len(shades)), len(shades) - 1)]
