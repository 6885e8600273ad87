"""The process that publishers talk to: `python -m flexserver.ingest`. Only the standard library, and no GStreamer.

It decodes nothing. A published stream is handed on as RTP, packet by packet, to the worker that reads it over RTSP on
loopback. Whether a publisher may come, and what becomes of it, is decided by the server (`flexserver.ingress`).
"""
