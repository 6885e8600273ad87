"""Swagger UI on a port of its own: the pages of a library, the description of this box, and nothing else.

The pages come over plain HTTP and hold no secret. What they send goes to the API itself, over HTTPS: the API lets this
origin in (CORS), and the browser has to trust the box's certificate first. So no password travels in the clear.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flexserver import openapi
from flexserver.routes import TABLE

LIBRARY = "flask_swagger_ui"
"""The package whose files are Swagger UI; it is never imported."""
HERE = Path(__file__).parent
ASKED = ("Accept", "Authorization", "Content-Type", "If-Match", "If-None-Match", "If-Range", "Last-Event-ID", "Range")
SHOWN = ("ETag", "Flex-Applied", "Last-Event-Id", "Location", "Retry-After", "WWW-Authenticate", "X-Request-Id")


def assets() -> Path | None:
    """The folder of Swagger UI's files; None where it is not installed."""
    found = importlib.util.find_spec(LIBRARY)
    places = found.submodule_search_locations if found else None
    folder = Path(places[0]) / "dist" if places else None
    return folder if folder and folder.is_dir() else None


def pages(folder: Path, api: Callable[[Request], str]) -> ASGIApp:
    """The application of the port. `api` is where the API is for whoever asks: `https://box:3539`."""

    async def index(request: Request) -> Response:
        return HTMLResponse((HERE / "index.html").read_text().replace("{{api}}", api(request)))

    async def document(request: Request) -> Response:
        return JSONResponse(openapi.describe(TABLE.endpoints, api(request)))

    async def own(request: Request) -> Response:
        return FileResponse(HERE / request.url.path.removeprefix("/"))

    routes = [
        Route("/", index),
        Route("/openapi.json", document),
        Route("/page.css", own),
        Route("/start.js", own),
        Mount("/assets", StaticFiles(directory=folder)),
    ]
    return _Guarded(Starlette(routes=routes), api)


class _Guarded:
    """Says to the browser what these pages may do: nothing but run their own files and talk to the API."""

    def __init__(self, app: ASGIApp, api: Callable[[Request], str]) -> None:
        self._app, self._api = app, api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        policy = (
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
            f"connect-src 'self' {self._api(Request(scope))}; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        more = [
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cache-control", b"no-cache"),
        ]

        async def say(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        await self._app(scope, receive, say)


class Admitting:
    """The API for the pages' own origin, too. For everybody else it is as it was."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str], port: int) -> None:
        self._app = app
        self._origins = {f"http://{f'[{host}]' if ':' in host else host}:{port}" for host in hosts}
        self._cors = CORSMiddleware(
            app,
            allow_origins=tuple(self._origins),
            allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
            allow_headers=(*ASKED, "X-API-Key"),
            expose_headers=SHOWN,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        ours = Headers(scope=scope).get("origin") in self._origins
        await (self._cors if ours else self._app)(scope, receive, send)
