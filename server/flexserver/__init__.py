"""The server: an HTTPS API that makes, plays and watches video pipelines."""
