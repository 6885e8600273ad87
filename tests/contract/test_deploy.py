"""What is deployed: read by the validators that there are, and held against what the server says of itself."""

from __future__ import annotations

import re
import shlex
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from ruamel.yaml import YAML

from flexserver import config
from flexserver.routes import TABLE
from tests.support.box import Box
from tests.support.media_double import fake_media

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "server" / "deploy"
UNIT = DEPLOY / "systemd" / "flexserver.service"
CONTAINER = DEPLOY / "container" / "Containerfile"
MANIFESTS = sorted(DEPLOY.glob("kubernetes/*.yaml"))
PORTS = {
    name: config.Config.model_fields[name].default
    for name in ("port", "rtsp_port", "ingest_rtsp_port", "ingest_rtmp_port")
}


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def documents(path: Path) -> list[dict[str, Any]]:
    return [found for found in YAML(typ="safe").load_all(path.read_text()) if found]


# systemd


def test_systemd_finds_no_fault_in_the_unit(tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/usr/lib/flex/bin/flexserver", "/usr/bin/true"))
    done = run("systemd-analyze", "verify", "--man=no", str(copy))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    copy.write_text(copy.read_text() + "\n[Service]\nProtectEverything=yes\n")
    assert "ProtectEverything" in run("systemd-analyze", "verify", "--man=no", str(copy)).stderr, "it sees a fault"


def test_the_service_is_little_exposed() -> None:
    """0 is a service that may do nothing, 10 one that may do all; 2.0 is where systemd still says OK."""
    done = run("systemd-analyze", "security", "--offline=yes", "--threshold=20", str(UNIT))
    assert done.returncode == 0, done.stdout


def test_the_unit_starts_the_server_with_flags_that_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    line = re.search(r"^ExecStart=(.*)$", UNIT.read_text(), re.MULTILINE)
    assert line
    program, *flags = shlex.split(line[1])
    assert Path(program).name == "flexserver"
    read = config.read(flags, {})
    assert read.data_dir / "certs" == Path("/opt/flex/certs"), "where the contract says that the certificate lies"
    assert f"ReadWritePaths={read.data_dir}" in UNIT.read_text()


def test_systemd_hears_that_it_is_ready_lives_and_goes(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(15)
        env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "100000"}
        with Box(tmp_path / "data", env={**fake_media(tmp_path / "fake").env, **env}):
            heard = {ear.recv(100) for _ in range(4)}
            assert heard == {b"READY=1", b"WATCHDOG=1"}
        while ear.recv(100) != b"STOPPING=1":
            pass


# Container


def test_hadolint_finds_no_fault() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    assert hadolint
    done = run(hadolint, "--config", str(CONTAINER.with_name("hadolint.yaml")), str(CONTAINER))
    assert (done.returncode, done.stdout) == (0, "")


def test_the_container_has_what_the_server_needs_to_run() -> None:
    wanted = re.search(r"^run_packages=\((.*?)\)", (ROOT / "dev").read_text(), re.MULTILINE | re.DOTALL)
    assert wanted
    installed = set(re.findall(r"[\w.+-]+", CONTAINER.read_text()))
    assert set(wanted[1].split()) <= installed
    for source in re.findall(r"^COPY (.+) \S+$", CONTAINER.read_text(), re.MULTILINE):
        assert all((ROOT / name).exists() for name in source.split())


def test_the_container_does_not_run_as_root_and_opens_the_ports() -> None:
    text = CONTAINER.read_text()
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["10001:10001"]
    exposed = re.findall(r"^EXPOSE (.+)$", text, re.MULTILINE)[0].split()
    assert {int(port) for port in exposed} == set(PORTS.values())


# Kubernetes


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_the_manifests_are_what_kubernetes_knows(path: Path) -> None:
    for document in documents(path):
        if document["kind"] == "Kustomization":
            assert all((path.parent / name).exists() for name in document["resources"])
            continue
        kubernetes_validate.validate(document, "1.33", strict=True)
        assert "namespace" not in document["metadata"]


def test_the_validator_sees_a_fault() -> None:
    broken = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"prots": []}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, "1.33", strict=True)


def test_probes_ports_and_variables_are_the_server_s() -> None:
    (stateful,) = documents(DEPLOY / "kubernetes" / "statefulset.yaml")
    (service,) = documents(DEPLOY / "kubernetes" / "service.yaml")
    (container,) = stateful["spec"]["template"]["spec"]["containers"]
    public = {endpoint.path for endpoint in TABLE.endpoints if endpoint.public}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["path"] in public
        assert container[probe]["httpGet"]["scheme"] == "HTTPS"
    named = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert set(named.values()) == set(PORTS.values())
    assert {port["targetPort"] for port in service["spec"]["ports"]} == set(named)
    for variable in container["env"]:
        assert variable["name"].removeprefix("FLEX_").lower() in config.Config.model_fields
