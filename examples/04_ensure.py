# Has a pipeline be as it should: made, changed, or left alone.   python examples/04_ensure.py [KBITS]
import sys

from flexclient import FlexClient, errors
from flexclient import models as m

bitrate = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
spec = m.PipelineSpec(
    id="ensured",
    source=m.Source(uri="test://ball"),
    encoding=m.Encoding(bitrate=bitrate, width=1280, height=720),
)

with FlexClient() as client:
    try:
        print(client.pipelines.ensure(spec).action)  # created, replaced or unchanged
    except errors.ValidationError_ as error:
        sys.exit("\n".join(f"{fault.field}: {fault.message}" for fault in error.details))
