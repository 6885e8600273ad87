"""Streams that are pushed to the box: which publisher may come, and the pipelines that follow them (API.md, Ingress).

Who talks to publishers is a process of its own, `flexserver.ingest`.
"""
