"""The heart: what a pipeline is told, what it does, and the processes that do it. No HTTP and no GStreamer here."""
