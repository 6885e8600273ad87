"""The media engine: graphs as values, one worker process a pipeline, one RTSP front for all."""
