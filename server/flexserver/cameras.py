"""The cameras of the box: which there are, what they can do, and a word to everybody when one comes or goes.

What is here comes from `devices`: a watcher process says which video devices there are, and a probe process asks each
new one once what it is. Nothing here touches a device, and nothing waits for one longer than `ASK_SECONDS`.
"""

from __future__ import annotations

import asyncio
import errno
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flexclient.models import Camera, CameraAdded, CameraDetail, CameraRemoved, Cameras, ErrorCode
from flexserver.devices.nodes import Node, device_of
from flexserver.devices.process import NoAnswer, Prober, watch
from flexserver.errors import Refusal, conflict, invalid_field, not_found
from flexserver.events import Hub
from flexserver.store import Store

FACT = "cameras"
"""What readers of events were last told: device -> name."""
FIRST_LOOK_SECONDS = 2.0
"""How long the box's start waits for the first look at its cameras."""
_LISTS = "GET /flex/cameras lists the cameras that are plugged in."

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Found:
    """One video device: what the watcher saw, and what the probe made of it."""

    node: Node
    detail: CameraDetail | None = None
    """None: not asked yet, no camera, or it cannot be asked."""
    problem: str | None = None
    """Why it cannot be asked."""


class CameraList:
    """`box.cameras`."""

    def __init__(self, store: Store, hub: Hub) -> None:
        self._store, self._hub = store, hub
        self._found: dict[str, Found] = {}
        self._told: dict[str, str] = json.loads(store.facts().get(FACT, "{}"))
        self._prober = Prober()
        self._probing: dict[str, asyncio.Task[None]] = {}
        self._asking: dict[str, asyncio.Task[CameraDetail]] = {}
        self._looked = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None
        self.added: list[Callable[[str], None]] = []
        """Who wants to know of a camera that came; called on the loop with its device."""

    async def start(self) -> None:
        """Begin to watch; returns after the first look, or when that takes too long."""
        self._watching = asyncio.create_task(watch(self._see))
        try:
            async with asyncio.timeout(FIRST_LOOK_SECONDS):
                await self._looked.wait()
                await self._settled()
        except TimeoutError:
            log.warning("the cameras are not all known yet: a driver is slow, or hangs")

    def stop(self) -> None:
        """See nothing more: from here on nobody could be told."""
        for task in self._tasks():
            task.cancel()

    async def close(self) -> None:
        """End what was started."""
        self.stop()
        if tasks := [*self._tasks(), *filter(None, [self._keeping])]:
            await asyncio.wait(tasks)

    def _tasks(self) -> list[asyncio.Task[Any]]:
        return [*self._probing.values(), *self._asking.values(), *filter(None, [self._watching])]

    async def all(self) -> Cameras:
        """Every camera. New ones are waited for until they were asked."""
        await self._settled()
        listed = (_listed(path, found) for path, found in self._found.items())
        return Cameras(cameras=tuple(camera for camera in listed if camera))

    async def detail(self, path: str) -> CameraDetail:
        """What a camera can do, asked now: a capture card's formats change with its signal. Raises `Refusal`."""
        device = device_of(path)
        if device is None:
            raise invalid_field("path", "a camera's path is /dev/videoN, or a link to it below /dev", _LISTS)
        if device not in self._found:
            raise not_found(f"the camera '{path}'", _LISTS)
        asking = self._asking.get(device)
        if asking is None:
            asking = self._asking[device] = asyncio.create_task(self._ask(path, device))
            asking.add_done_callback(lambda _: self._asking.pop(device, None))
        return await asyncio.shield(asking)

    def caps(self, path: str) -> str | None:
        """GStreamer caps of a camera's best capability, as last heard; None where it has none that is known.

        Raises LookupError, in a sentence for people, where the camera is not there. One that could not be asked is
        asked again meanwhile.
        """
        device = device_of(path) or ""
        found = self._found.get(device)
        if found is None:
            raise LookupError(f"there is no camera at {path}; it is waited for")
        if found.problem:
            self._meet(device, found.node)
            raise LookupError(f"the camera at {path} cannot be used: {found.problem}")
        if found.detail is None:
            asking = device in self._probing
            raise LookupError(f"the camera at {path} was not asked yet" if asking else f"{path} is no camera")
        best = found.detail.best_capability
        return best.gstreamer_caps if best else None

    async def _ask(self, path: str, device: str) -> CameraDetail:
        try:
            found = await self._probe(device)
        except NoAnswer as error:
            message = f"the camera {device} cannot be asked: {error}"
            if error.errno == errno.EBUSY:
                raise conflict(message, error.hint) from None
            raise Refusal(ErrorCode.GSTREAMER_ERROR, message, error.hint) from None
        if found is None:
            raise not_found(f"a camera at '{path}'", "It is a device of another kind. " + _LISTS)
        if device in self._found:
            self._learned(device, self._found[device], found)
        return found

    async def _probe(self, device: str) -> CameraDetail | None:
        """What the probe says; None where it is no camera. Raises `NoAnswer`."""
        answer = await self._prober.ask("camera", device)
        if fault := answer.get("fault"):
            raise NoAnswer(fault, answer["hint"], answer["errno"])
        camera = answer["camera"]
        return _detail(camera) if camera else None

    # What the watcher sees

    def _see(self, seen: dict[str, dict[str, Any]]) -> None:
        """Take in what is plugged in now; what is new is asked."""
        nodes = {path: Node(**fields) for path, fields in seen.items()}
        for path in [path for path, found in self._found.items() if _left(found.node, nodes.get(path))]:
            self._forget(path)
        for path, node in nodes.items():
            known = self._found.get(path)
            if known is None or known.node != node:
                self._meet(path, node)
        if not self._looked.is_set():
            for path in self._told.keys() - nodes.keys():
                self._tell_removed(path)
            self._looked.set()

    def _forget(self, path: str) -> None:
        del self._found[path]
        if task := self._probing.pop(path, None):
            task.cancel()
        self._tell_removed(path)

    def _meet(self, path: str, node: Node) -> None:
        self._found[path] = Found(node)
        if task := self._probing.pop(path, None):
            task.cancel()
        task = self._probing[path] = asyncio.create_task(self._learn(path, self._found[path]))
        task.add_done_callback(lambda _: self._probing.get(path) is task and self._probing.pop(path))

    async def _learn(self, path: str, found: Found) -> None:
        try:
            detail = await self._probe(path)
        except NoAnswer as error:
            found.problem = str(error)
            log.warning("a camera cannot be asked", extra={"fields": {"device": path, "cause": found.problem}})
            return
        self._learned(path, found, detail)

    def _learned(self, path: str, found: Found, detail: CameraDetail | None) -> None:
        is_new = detail is not None and found.detail is None
        found.detail, found.problem = detail, None
        if detail is None:
            self._tell_removed(path)
        elif is_new:
            self._tell_added(path, detail.name or path)
            for listener in self.added:
                listener(path)

    async def _settled(self) -> None:
        while tasks := list(self._probing.values()):
            await asyncio.wait(tasks)

    # What everybody is told

    def _tell_added(self, path: str, name: str) -> None:
        if self._told.get(path) == name:
            return  # readers know it from before the box was restarted
        self._tell_removed(path)
        self._told[path] = name
        self._publish("camera_added", CameraAdded(device_path=path, device_name=name))

    def _tell_removed(self, path: str) -> None:
        if self._told.pop(path, None) is not None:
            self._publish("camera_removed", CameraRemoved(device_path=path))

    def _publish(self, kind: str, data: CameraAdded | CameraRemoved) -> None:
        self._hub.publish(kind, data.model_dump_json().encode())
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        """Remember what was told; a full disk costs at most an event twice after the next start."""
        kept = None
        while kept != self._told:
            kept = dict(self._told)
            try:
                await self._store.put(FACT, json.dumps(kept))
            except Refusal as error:
                log.warning("what was told of cameras is not kept", extra={"fields": {"cause": error.message}})


def _left(before: Node, now: Node | None) -> bool:
    return now is None or now.plug != before.plug


def _listed(path: str, found: Found) -> Camera | None:
    """A camera in the list; one that cannot be asked is there with what sysfs knows, so that nobody looks in vain."""
    if found.detail is not None:
        detail = found.detail
        return Camera(
            path=path,
            name=detail.name or found.node.name,
            driver=detail.driver or found.node.driver,
            format_count=len(detail.formats),
            id=detail.id,
        )
    if found.problem is None or found.node.index != 0:
        return None
    node = found.node
    return Camera(path=path, name=node.name, driver=node.driver, format_count=0, problem=found.problem)


def _detail(answer: dict[str, Any]) -> CameraDetail:
    able = answer["capabilities"]
    return CameraDetail.model_validate({**answer, **({"best_capability": able[0]} if able else {})})
