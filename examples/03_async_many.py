# Makes twelve pipelines at once, asks how all of them fare, removes them.   python examples/03_async_many.py
import asyncio
import time

from flexclient import AsyncFlexClient
from flexclient import models as m

NAMES = [f"many-{number:02}" for number in range(1, 13)]


async def main() -> None:
    async with AsyncFlexClient() as client:
        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for name in NAMES:
                spec = m.PipelineSpec(id=name, source=m.Source(uri="test://ball"))  # on demand: encodes when watched
                group.create_task(client.pipelines.create(spec))
        statuses = await asyncio.gather(*map(client.pipelines.status, NAMES))
        took = time.perf_counter() - begun
        print(f"{len(statuses)} pipelines in {took:.2f} s, {sum(one.state == 'ready' for one in statuses)} are ready.")
        await asyncio.gather(*map(client.pipelines.delete, NAMES))


asyncio.run(main())
