"""What GStreamer on this box can do: `python -m flexserver.media.probe` prints one JSON line and exits.

`{"version": "1.22.0", "missing": [], "problem": null}`: `missing` names elements that the engine needs, `problem` says
in a sentence why nothing can be encoded at all. Exit 0 where pipelines can run, 1 where not.

With `--check` it reads a graph (`Graph.to_json`) from stdin and says whether it can be built, without running it:
`{"fault": null}`, or the reason in a sentence.
"""

from __future__ import annotations

import json
import sys
from typing import Any

NEEDED = (
    "appsink", "appsrc", "capsfilter", "clockoverlay", "clocksync", "decodebin", "deinterlace", "fakesink",
    "filesrc", "h264parse", "mpegtsmux", "parsebin", "queue", "rtph264pay", "rtpjitterbuffer", "rtpmp2tdepay",
    "rtspsrc", "tee", "textoverlay", "tsdemux", "udpsink", "udpsrc", "videobalance", "videoconvert",
    "videoconvertscale", "videocrop", "videoflip", "videorate", "videotestsrc", "x264enc",
)  # fmt: skip


def probe() -> dict[str, Any]:
    """The answer, as the module says."""
    try:
        from flexserver.media.gst import Gst, repository

        repository("GstRtspServer")
    except (ImportError, ValueError) as error:
        return {"version": None, "missing": [], "problem": f"GStreamer or its Python binding is missing: {error}"}
    version = ".".join(str(part) for part in Gst.version()[:3])
    missing = [name for name in NEEDED if Gst.ElementFactory.find(name) is None]
    problem = f"GStreamer has no element {', '.join(missing)}" if missing else None
    return {"version": version, "missing": missing, "problem": problem}


def check(graph: dict[str, Any]) -> dict[str, Any]:
    """Why this graph can never work, as the module says. Raises ImportError, ValueError where there is no GStreamer."""
    from flexserver.media import advanced
    from flexserver.media.build import BuildError
    from flexserver.media.elements import Graph

    try:
        advanced.check(Graph.from_json(graph))
    except BuildError as error:
        return {"fault": str(error)}
    return {"fault": None}


def main() -> int:
    """Print it; see the module."""
    checking = "--check" in sys.argv[1:]
    answer = check(json.load(sys.stdin)) if checking else probe()
    sys.stdout.write(json.dumps(answer) + "\n")
    return 1 if answer.get("problem") else 0


if __name__ == "__main__":
    sys.exit(main())
