"""A camera for the tests: an RTSP server of a file or of a live pattern, optionally with a password.

`python camera.py [--file PATH] [--login USER:PASSWORD] [--tcp-only]` prints its port and serves `/live` until killed.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Any

import gi


def library(name: str, version: str = "1.0") -> Any:
    gi.require_version(name, version)
    return importlib.import_module(f"gi.repository.{name}")


GLib, Gst, GstRtsp, Server = library("GLib", "2.0"), library("Gst"), library("GstRtsp"), library("GstRtspServer")

LIVE = (
    "videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=30/1"
    " ! x264enc tune=zerolatency key-int-max=15 speed-preset=ultrafast"
)
FILE = "filesrc location={} ! qtdemux"


def protect(server: Any, factory: Any, user: str, password: str) -> None:
    auth = Server.RTSPAuth()
    token = Server.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    auth.add_basic(Server.RTSPAuth.make_basic(user, password), token)
    server.set_auth(auth)
    role = Gst.Structure.new_empty("viewer")
    for right in ("media.factory.access", "media.factory.construct"):
        role.set_value(right, True)
    factory.add_role_from_structure(role)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--file")
    parser.add_argument("--login")
    parser.add_argument("--tcp-only", action="store_true")
    options = parser.parse_args()
    Gst.init(None)
    server = Server.RTSPServer.new()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = Server.RTSPMediaFactory.new()
    source = FILE.format(options.file) if options.file else LIVE
    factory.set_launch(f"( {source} ! h264parse ! rtph264pay config-interval=-1 name=pay0 pt=96 )")
    factory.set_shared(True)
    if options.tcp_only:
        factory.set_protocols(GstRtsp.RTSPLowerTrans.TCP)
    if options.login:
        protect(server, factory, *options.login.split(":"))
    server.get_mount_points().add_factory("/live", factory)
    server.attach(None)
    sys.stdout.write(f"{server.get_bound_port()}\n")
    sys.stdout.flush()
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
