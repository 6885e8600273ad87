"""`./dev demo`: an encoder on this machine, a test pattern, one still picture, a live table.

Every step but the first is a flexctl command that is printed before it runs: what you see is what you can type.
Ctrl-C ends it; where stdout is no terminal it follows for ten seconds. Nothing is left running either way.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BIN = Path(sys.executable).parent
QUICKSTART = Path(__file__).with_name("quickstart.yaml")
STILL = Path("demo.jpg")
FOLLOW_IN_A_PIPE = "10s"


def say(text: str = "") -> None:
    """Talk to the person who watches; stdout is the table's."""
    print(text, file=sys.stderr, flush=True)


def port_or_any(variable: str, documented: int) -> int:
    """The variable's or the documented port where that is free, 0 (any) where it is not."""
    port = int(os.environ.get(variable, documented))
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            say(f"Port {port} is in use here; taking another.")
            return 0
    return port


@contextmanager
def encoder(data_dir: str) -> Iterator[dict[str, Any]]:
    """A running flexserver; yields what it says when it is ready. It ends with this program, however that ends."""
    reading, writing = os.pipe()
    command = [
        # The kernel ends the server should this program be killed; its own session keeps Ctrl-C from it.
        *("setpriv", "--pdeathsig", "TERM", str(BIN / "flexserver"), "--host", "127.0.0.1"),
        *("--port", str(port_or_any("FLEX_PORT", 3539)), "--rtsp-port", str(port_or_any("FLEX_RTSP_PORT", 8731))),
        *("--data-dir", data_dir, "--ready-fd", str(writing), "--log-level", "warning"),
    ]
    server = subprocess.Popen(command, pass_fds=[writing], start_new_session=True, stdout=subprocess.DEVNULL)
    os.close(writing)
    try:
        with os.fdopen(reading) as pipe:
            line = pipe.readline()
        if not line:
            raise SystemExit("The server did not start; it said why above.")
        yield json.loads(line)
    finally:
        server.terminate()
        server.wait(timeout=10)


def flexctl(*arguments: str) -> None:
    """Show a flexctl command and run it."""
    say(f"\n$ flexctl {shlex.join(arguments)}")
    subprocess.run([BIN / "flexctl", *arguments], check=True)


def main() -> int:
    """Run the demo; the exit code is 0 when every step worked."""
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda number, _: sys.exit(128 + number))
    with tempfile.TemporaryDirectory(prefix="flex-demo-") as data_dir, encoder(data_dir) as box:
        os.environ.update(FLEX_URL=box["url"], FLEX_FINGERPRINT=box["fingerprint"])
        watch = f"{box['rtsp_url']}/quickstart"
        say(f"An encoder runs on {box['url']}. In another terminal you can talk to it with:")
        say(f"  export FLEX_URL={box['url']} FLEX_FINGERPRINT={box['fingerprint']}")
        try:
            flexctl("pipeline", "create", "-f", os.path.relpath(QUICKSTART))
            flexctl("pipeline", "wait", "quickstart", "--timeout", "20s")
            flexctl("pipeline", "snapshot", "quickstart", str(STILL))
            say(f"\nThe stream is at {watch}. Watch it with one of:")
            say(f"  ffplay -fflags nobuffer -rtsp_transport tcp {watch}\n  mpv --profile=low-latency {watch}")
            follow = () if sys.stdout.isatty() else ("--for", FOLLOW_IN_A_PIPE)
            flexctl("pipeline", "list", "--watch", *follow)
        except subprocess.CalledProcessError as error:
            return 0 if error.returncode == 130 else error.returncode
        except KeyboardInterrupt:
            return 0
        finally:
            say("\nStopping the encoder.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
