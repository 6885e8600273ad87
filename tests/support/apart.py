"""Runs a scene in a network of its own: multicast and addresses that are nobody's business outside of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ADDRESS = "192.0.2.7"
"""The machine's only address there that is not loopback."""

_SETUP = f"""
ip link set lo up multicast on
ip address add {ADDRESS}/24 dev lo
ip route add 224.0.0.0/4 dev lo
exec "$@"
"""
_RUN = (
    "import sys; from importlib import import_module; getattr(import_module(sys.argv[1]), sys.argv[2])(*sys.argv[3:])"
)


def play(scene: str, *args: str, seconds: float = 90) -> None:
    """Run `module:function` with these arguments in a process there. It fails as the scene does."""
    module, _, function = scene.partition(":")
    alone = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    inside = [sys.executable, "-W", "error::ResourceWarning", "-c", _RUN, module, function, *args]
    ran = subprocess.run(
        [*alone, "sh", "-ec", _SETUP, "sh", *inside],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
