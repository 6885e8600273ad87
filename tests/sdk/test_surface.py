"""The public surface: whole, typed, documented, the same on both clients, and cheap to import."""

from __future__ import annotations

import ast
import inspect
import pydoc
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, assert_type

import pytest

import flexclient
from flexclient import AsyncEventStream, AsyncFlexClient, Change, EventStream, FlexClient, Reply, errors, testing
from flexclient import models as m
from flexclient._bind import AsyncBound, AsyncBoundStream, Bound, BoundStream
from flexclient.testing import FakeFlex

ROOT = Path(flexclient.__file__).parent
ENDPOINTS = {
    "pipelines": {"list", "get", "create", "replace", "patch", "delete", "play", "stop", "status", "snapshot", "graph",
                  "logs", "ensure", "wait", "events"},
    "system": {"health", "version", "live", "ready", "startup", "openapi", "metrics"},
    "events": {"stream", "watch_pipelines"},
    "auth": {"status", "login", "logout", "set_password", "remove_password"},
    "settings": {"get", "update"},
    "license": {"get", "install", "remove"},
    "cameras": {"list", "get", "events"},
    "audio_devices": {"list"},
    "framegrabs": {"list", "download", "delete", "delete_all", "save"},
    "webhooks": {"create", "list", "delete", "test", "deliveries"},
    "triggers": {"publish", "unpublish"},
}  # fmt: skip


def methods(client: Any) -> Iterator[tuple[str, Any]]:
    for resource in ENDPOINTS:
        for name in dir(type(getattr(client, resource))):
            if not name.startswith("_"):
                yield f"{resource}.{name}", getattr(getattr(client, resource), name)


@pytest.fixture
def both() -> tuple[FlexClient, AsyncFlexClient]:
    return FlexClient(transport=FakeFlex()), AsyncFlexClient(transport=FakeFlex())


def test_every_endpoint_is_there_on_both_clients(both: tuple[FlexClient, AsyncFlexClient]) -> None:
    wanted = {f"{resource}.{name}" for resource, names in ENDPOINTS.items() for name in names}
    for client in both:
        assert {name for name, _ in methods(client)} == wanted


def test_every_endpoint_has_its_plan_its_reply_and_its_words(both: tuple[FlexClient, AsyncFlexClient]) -> None:
    kinds: Any
    for client, kinds in zip(both, [(Bound, BoundStream), (AsyncBound, AsyncBoundStream)], strict=True):
        for name, method in methods(client):
            assert method.__doc__, name
            if name in {"framegrabs.save", "pipelines.ensure", "pipelines.wait"}:
                continue
            assert isinstance(method, kinds), name
            assert callable(method.plan), name
            assert isinstance(method, (BoundStream, AsyncBoundStream)) or callable(method.raw), name


def test_both_clients_have_the_same_signatures(both: tuple[FlexClient, AsyncFlexClient]) -> None:
    first, second = ({name: str(inspect.signature(method)) for name, method in methods(client)} for client in both)
    assert first == second
    for name in ("watch", "watch_pipelines", "request", "with_options", "send", "__init__"):
        mine, theirs = (inspect.signature(getattr(kind, name)).parameters for kind in (FlexClient, AsyncFlexClient))
        assert list(mine) == list(theirs), name


def test_help_shows_what_a_method_takes_and_gives(both: tuple[FlexClient, AsyncFlexClient]) -> None:
    for client in both:
        text = pydoc.plain(pydoc.render_doc(client.pipelines.create))
        assert str(inspect.signature(client.pipelines.create)) == (
            "(spec: 'm.PipelineSpec | Mapping[str, Any]') -> 'm.Pipeline'"
        )
        assert "create(spec: m.PipelineSpec | Mapping[str, Any]) -> m.Pipeline" in text


def test_the_errors_that_everybody_catches_are_at_the_top() -> None:
    assert flexclient.FlexError is errors.FlexError
    assert flexclient.ApiError is errors.ApiError


def public_callables() -> Iterator[tuple[str, Callable[..., Any]]]:
    with_client: list[Any] = [FlexClient(transport=FakeFlex())]
    yield from ((name, method) for name, method in methods(with_client[0]))
    for kind in (FlexClient, AsyncFlexClient, EventStream, AsyncEventStream, testing.FakeFlex, flexclient.Call, Reply):
        for name, method in inspect.getmembers(kind, callable):
            if not name.startswith("_") or name == "__init__":
                yield f"{kind.__name__}.{name}", method


@pytest.mark.parametrize(("name", "method"), [pytest.param(*pair, id=pair[0]) for pair in public_callables()])
def test_no_public_signature_hides_its_arguments(name: str, method: Callable[..., Any]) -> None:
    kinds = {parameter.kind for parameter in inspect.signature(method).parameters.values()}
    assert inspect.Parameter.VAR_KEYWORD not in kinds


def test_clients_take_keywords_only() -> None:
    for kind in (FlexClient, AsyncFlexClient):
        parameters = list(inspect.signature(kind).parameters.values())
        assert {parameter.kind for parameter in parameters} == {inspect.Parameter.KEYWORD_ONLY}


def test_looking_at_a_client_sends_nothing(both: tuple[FlexClient, AsyncFlexClient]) -> None:
    box = FakeFlex()
    client = FlexClient(transport=box)
    stream = client.events.stream()
    for thing in (client, client.pipelines, client.system, client.events, stream, client.pipelines.get):
        for name in dir(thing):
            getattr(thing, name)
        repr(thing)
    assert box.requests == []


def test_the_types_are_what_a_reader_expects() -> None:
    """Checked by mypy and pyright; run, too."""
    box = FakeFlex()
    box.add({"id": "cam1"}, state="playing")
    client = FlexClient(transport=box)
    assert_type(client.pipelines.get("cam1"), m.Pipeline)
    assert_type(client.pipelines.list(state="playing"), list[m.Pipeline])
    assert_type(client.pipelines.get.raw("cam1"), Reply[m.Pipeline])
    assert_type(client.pipelines.get.plan("cam1"), flexclient.Call[m.Pipeline])
    assert_type(client.pipelines.snapshot("cam1"), bytes)
    assert_type(client.pipelines.logs("cam1"), str)
    assert_type(client.pipelines.wait("cam1"), m.PipelineStatus)
    assert_type(client.events.stream(), EventStream[m.Event[Any]])
    assert_type(client.watch(), EventStream[Change])
    assert_type(client.pipelines.ensure({"id": "cam1"}), flexclient.Ensured)
    assert_type(client.system.health(), m.Health)
    assert_type(client.pipelines.stop("cam1").state, m.State)


async def test_the_types_of_the_other_client() -> None:
    box = FakeFlex()
    box.add({"id": "cam1"}, state="playing")
    async with AsyncFlexClient(transport=box) as client:
        assert_type(await client.pipelines.get("cam1"), m.Pipeline)
        assert_type(await client.pipelines.get.raw("cam1"), Reply[m.Pipeline])
        assert_type(await client.pipelines.wait("cam1"), m.PipelineStatus)
        assert_type(client.pipelines.get.plan("cam1"), flexclient.Call[m.Pipeline])
        assert_type(client.events.stream(), AsyncEventStream[m.Event[Any]])
        assert_type(client.watch(), AsyncEventStream[Change])
        assert_type(await client.pipelines.ensure({"id": "cam1"}), flexclient.Ensured)


def test_the_version_is_that_of_the_package() -> None:
    project = tomllib.loads((ROOT.parent / "pyproject.toml").read_text())["project"]
    assert flexclient.__version__ == project["version"]
    assert (ROOT / "py.typed").exists()


# The cost of an import, by who imports whom


def imported_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(result.stdout.split())


def test_import_flexclient_is_light() -> None:
    heavy = {"httpx", "httpx2", "httpx_sse", "httpcore", "anyio", "asyncio", "rich", "click", "typer", "keyring"}
    heavy |= {"starlette", "flexctl", "flexserver", "flexclient._http", "flexclient.testing"}
    everything = ", ".join(flexclient.__all__)
    assert imported_by(f"from flexclient import {everything}") & heavy == set()


def test_a_sync_program_does_not_pay_for_asyncio() -> None:
    mine = imported_by("import flexclient._http") - imported_by("import httpx")
    assert "flexclient._http" in mine
    assert "asyncio" not in mine


def test_everything_public_is_there() -> None:
    assert set(dir(flexclient)) == set(flexclient.__all__)
    assert all(getattr(flexclient, name) is not None for name in flexclient.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        getattr(flexclient, "nonsense")  # noqa: B009 - a name that a type checker would refuse


def test_models_need_no_client() -> None:
    modules = imported_by("import flexclient.models")
    assert "pydantic" in modules
    assert not {"httpx", "asyncio", "ssl", "flexclient.client"} & modules


def imports_of(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


EXTRAS = {"otel.py": {"opentelemetry"}, "pytest_plugin.py": {"pytest"}}


def test_one_file_knows_httpx_and_no_file_knows_the_rest_of_the_house() -> None:
    for file in ROOT.rglob("*.py"):
        tops = {name.partition(".")[0] for name in imports_of(file)} - EXTRAS.get(file.name, set())
        if file.name != "_http.py":
            assert "httpx" not in tops, file
        assert tops <= {*sys.stdlib_module_names, "flexclient", "pydantic", "pydantic_core", "httpx"}, file


PURE = ("_call", "_sse", "_retry", "_resume", "_watch", "_errors", "_config", "_wire", "_log", "_auth", "errors")


@pytest.mark.parametrize("name", PURE)
def test_what_is_pure_imports_nothing_that_acts(name: str) -> None:
    acting = {"httpx", "httpx_sse", "asyncio", "socket", "threading", "subprocess", "flexclient._http"}
    assert not (acting | {"flexclient._stream"}) & set(imports_of(ROOT / f"{name}.py"))
