"""The settings: each declared once, and given as a flag, a `FLEX_*` variable or in a TOML file, in that order."""

from __future__ import annotations

import argparse
import fcntl
import os
import tomllib
import types
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import TomlConfigSettingsSource as TomlSource

DESCRIPTION = "The Flex Video encoder: an HTTPS API that makes, plays and watches GStreamer pipelines."
EPILOG = """\
Every setting is also a variable (--rtsp-port is FLEX_RTSP_PORT) and a key of the TOML file (rtsp_port = 8731).
Keys have no flag: FLEX_API_KEY or api_key, FLEX_PUBLISH_KEY or publish_key.
A flag wins over the variable, the variable over the file. Lists in variables are separated by ':'.

example: flexserver --data-dir ./flex-data --media-root ./videos
"""


WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104  to recognise them
"""Hosts that stand for every address of the machine."""


class ConfigError(Exception):
    """A setting that cannot be used; the message names it."""


def _data_dir() -> Path:
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "flex"


MIN_API_KEY = 16
"""Characters: a shorter key can be guessed."""

Port = Annotated[int, Field(ge=0, le=65535)]
Paths = Annotated[tuple[Path, ...], NoDecode]
Names = Annotated[tuple[str, ...], NoDecode]


class Config(BaseSettings):
    """What the server is started with."""

    model_config = SettingsConfigDict(
        env_prefix="FLEX_", extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )

    host: Annotated[str, Field(min_length=1)] = "0.0.0.0"  # noqa: S104  an encoder is there to be reached; TLS is always on
    """Address to listen on, for the API and for RTSP."""
    port: Port = 3539
    """Port of the API (HTTPS); 0 takes any free one."""
    rtsp_port: Port = 8731
    """Port of the RTSP output; 0 takes any free one."""
    swagger_port: Port | None = None
    """Port of Swagger UI (plain HTTP), 38081 as a rule; without one there is none."""
    data_dir: Path = Field(default_factory=_data_dir)
    """Folder for pipelines, events and certificates."""
    media_roots: Paths = ()
    """Folder that file:// sources may read from, again for more. Without one: DATA_DIR/media."""
    tls_names: Names = ()
    """One more host name or address for the certificate, again for more."""
    allow_advanced: bool = False
    """Allow pipelines of mode 'advanced' (launch lines, elements from the allow-list only)."""
    advanced_elements: Names = ()
    """One more element that advanced pipelines may use, again for more."""
    license_public_key: str | None = None
    """Public key (PEM, or a file of it) of the vendor whose licences hold here. Without one nothing is limited."""
    start_timeout: Annotated[float, Field(ge=0.5, le=300)] = 10.0
    """Seconds a pipeline may take to its first picture before 504 is answered."""
    media_python: Path | None = None
    """Python that has GStreamer's bindings, for the media processes. Without it: the server's own."""
    api_key: SecretStr | None = None
    """A key that is as good as a token (header X-API-Key), for machines. No flag: others can read those."""
    ingest_rtsp_port: Port = 8554
    """Port that streams are pushed to by RTSP, where the settings allow it; 0 takes any free one."""
    ingest_rtmp_port: Port = 1935
    """Port that streams are pushed to by RTMP, where the settings allow it; 0 takes any free one."""
    publish_key: SecretStr | None = None
    """Key that publishers have to show; else the API key, once a password is set. No flag: others can read those."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """How much to log on stderr: debug, info, warning or error."""
    ready_fd: Annotated[int, Field(ge=0)] | None = None
    """Write the addresses as one line of JSON to this descriptor once the server is ready."""

    @field_validator("api_key", "publish_key")
    @classmethod
    def _api_key(cls, value: SecretStr | None) -> SecretStr | None:
        key = value.get_secret_value() if value else ""
        if key and not (len(key) >= MIN_API_KEY and key.isascii() and key.isprintable() and " " not in key):
            raise PydanticCustomError(
                "api_key",
                "a key has at least {least} printable ASCII characters and no space; make one: openssl rand -hex 32",
                {"least": MIN_API_KEY},
            )
        return value if key else None

    @field_validator("media_roots", "tls_names", "advanced_elements", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part for part in value.split(os.pathsep) if part] if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, then variables, then the file."""
        path = init_settings.init_kwargs.pop("config", None)  # type: ignore[attr-defined]  # known to be InitSettingsSource
        return (init_settings, env_settings, *((TomlSource(settings_cls, path),) if path else ()))


# Flags whose name is not the field's own: a list is given one item at a time.
_SECRETS = frozenset({"api_key", "publish_key"})
"""What has no flag."""
_FLAGS = {"media_roots": "media-root", "tls_names": "tls-name", "advanced_elements": "advanced-element"}
_WORDS = {
    "int_parsing": "'{input}' is not a number",
    "int_type": "'{input}' is not a number",
    "int_from_float": "{input} is not a whole number",
    "float_parsing": "'{input}' is not a number",
    "float_type": "'{input}' is not a number",
    "bool_parsing": "'{input}' is neither true nor false",
    "bool_type": "'{input}' is neither true nor false",
    "greater_than_equal": "{input} is less than {ge}",
    "less_than_equal": "{input} is more than {le}",
    "literal_error": "'{input}' is not {expected}",
    "string_too_short": "it is empty",
}
"""What is wrong with a setting, by pydantic's name for it."""
_METAVARS: dict[Any, str] = {int: "N", float: "SECONDS", Path: "PATH", str: "TEXT"}


def software_version() -> str:
    """The version of this software."""
    try:
        return version("flex-video")
    except PackageNotFoundError:
        return "0"


def read(argv: list[str], environ: dict[str, str]) -> Config:
    """Settings from flags, environment and file. Raises `ConfigError`; `--help` and bad flags exit as argparse does."""
    flags = vars(_parser().parse_args(argv))
    file = flags.pop("config", None) or environ.get("FLEX_CONFIG")
    if file:
        _readable(Path(file))
        flags["config"] = Path(file)
    try:
        config = Config(**flags)
    except ValidationError as error:
        raise ConfigError("; ".join(_sentence(fault, flags, environ) for fault in error.errors())) from None
    if config.ready_fd is not None and not _can_write(config.ready_fd):
        raise ConfigError(f"--ready-fd: {config.ready_fd} is no descriptor that is open for writing")
    return config


def _can_write(descriptor: int) -> bool:
    try:
        return fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY
    except (OSError, OverflowError):
        return False


def _readable(path: Path) -> None:
    try:
        tomllib.loads(path.read_text())
    except OSError as error:
        raise ConfigError(f"cannot read the settings file {path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error


def _sentence(fault: ErrorDetails, flags: Mapping[str, object], environ: Mapping[str, str]) -> str:
    """A fault in words: where the value was given, and what is wrong with it."""
    name = str(fault["loc"][0]) if fault["loc"] else "settings"
    if fault["type"] == "extra_forbidden":
        return f"the settings file has '{name}', and there is no such setting (flexserver --help names them)"
    variable = f"FLEX_{name.upper()}"
    given_by = _flag(name) if name in flags else variable if variable in environ else f"{name} in the settings file"
    words = _WORDS.get(fault["type"])
    return f"{given_by}: {words.format(input=fault['input'], **fault.get('ctx', {})) if words else fault['msg']}"


def _flag(name: str) -> str:
    return "--" + _FLAGS.get(name, name.replace("_", "-"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="flexserver",
        description=DESCRIPTION,
        epilog=EPILOG,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"flexserver {software_version()}")
    parser.add_argument("--config", metavar="PATH", help="Settings file (TOML).")
    for name, info in Config.model_fields.items():
        if name not in _SECRETS:
            _add(parser, name, info)
    return parser


def _add(parser: argparse.ArgumentParser, name: str, info: FieldInfo) -> None:
    text = (info.description or "") + _default(info)
    if info.annotation is bool:
        parser.add_argument(_flag(name), dest=name, action=argparse.BooleanOptionalAction, help=text)
        return
    action = "append" if name in _FLAGS else "store"
    parser.add_argument(_flag(name), dest=name, action=action, metavar=_metavar(info.annotation), help=text)


def _default(info: FieldInfo) -> str:
    value = info.get_default(call_default_factory=True, validated_data={})
    return "" if value in (None, (), False) else f" [{value}]"


def _metavar(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return "LEVEL"
    if get_origin(annotation) in (Union, types.UnionType, tuple, Annotated):
        return _metavar(get_args(annotation)[0])
    return _METAVARS.get(annotation, "VALUE")
