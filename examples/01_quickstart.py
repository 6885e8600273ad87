# Makes a pipeline, waits until it plays, saves a picture of it.   python examples/01_quickstart.py
from pathlib import Path

from flexclient import FlexClient
from flexclient import models as m

spec = m.PipelineSpec(
    id="hello",
    on_demand=False,
    source=m.Source(uri="test://smpte"),
    encoding=m.Encoding(bitrate=2000, width=1280, height=720, fps=30),
    overlay=m.Overlay(text="Hello", timestamp="%H:%M:%S"),
)

with FlexClient() as client:  # FLEX_URL and FLEX_FINGERPRINT say which box
    client.pipelines.create(spec)
    status = client.pipelines.wait("hello", timeout=20)
    Path("hello.jpg").write_bytes(client.pipelines.snapshot("hello", width=640))
    print(f"Watch {status.output_uri}, or look at hello.jpg.")
