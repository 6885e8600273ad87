# Asks every box that `flexctl context add` saved, all at once; one may be off.   python examples/05_fleet.py
from flexclient import FlexFleet

with FlexFleet.from_contexts() as fleet:
    found = fleet.map(lambda box: box.pipelines.list(), deadline=5)

for name, pipelines in found.good.items():
    playing = [pipeline.id for pipeline in pipelines if pipeline.state == "playing"]
    print(f"{name}: {len(playing)} of {len(pipelines)} play: {', '.join(playing) or '-'}")
for name, error in found.failed.items():
    print(f"{name}: {error}")
