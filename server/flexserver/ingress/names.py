"""What a published path is called, where it is read, and the pipeline that it makes. Pure."""

# ruff: noqa: A001, A002 - what the API calls id is called so here

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from flexserver.errors import invalid_field

MAX_PATH = 200
MAX_ID = 64
DEFAULT_PORT = 8554
HINT = "An id is 1 to 64 letters, digits, '-' and '_'; pipelineId names one where the path gives none."


def clean(path: str) -> str:
    """The path without slashes at its ends. Raises `Refusal` (400) where nobody can publish under it."""
    name = path.strip("/")
    if not name or len(name) > MAX_PATH or not name.isprintable():
        raise invalid_field("path", f"a path is 1 to {MAX_PATH} printable characters")
    return name


def id_of(path: str) -> str:
    """The id that a path gives: what an id may not have is left out. Raises `Refusal` (400) where none is left."""
    id = re.sub("[^A-Za-z0-9_-]", "", path)
    if not id:
        raise invalid_field("path", "the path has no letter or digit that an id could be made of", HINT)
    if len(id) > MAX_ID:
        raise invalid_field("path", f"the path gives an id of {len(id)} characters, and {MAX_ID} are the most", HINT)
    return id


def address(path: str, port: int) -> str:
    """Where a worker reads what is published under the path."""
    return f"rtsp://127.0.0.1:{port}/{quote(path, safe='/-_.~')}"


def body(id: str, source: str) -> dict[str, Any]:
    """The pipeline of a published stream, as the contract says."""
    return {
        "id": id,
        "on_demand": False,
        "source": {"uri": source},
        "encoding": {"codec": "h264", "bitrate": 750, "width": 1920, "height": 1080, "fps": 30},
        "output": {"uri": f"rtsp://0.0.0.0:8731/{id}"},
        "klv_config": {"pass_klv": True, "auto_extract_geolocation": True},
    }
