"""The sound sources of the box, asked of ALSA in a probe process each time: asking costs little and plugs are seen."""

from __future__ import annotations

import asyncio
import logging

from flexclient.models import AudioDevice, AudioDevices, ErrorCode
from flexserver.devices.process import NoAnswer, Prober
from flexserver.errors import Refusal

log = logging.getLogger(__name__)


class AudioDeviceList:
    """`box.audio_devices`."""

    def __init__(self) -> None:
        self._prober = Prober()
        self._asking: asyncio.Task[AudioDevices] | None = None
        self._problem: str | None = None

    async def all(self) -> AudioDevices:
        """Every device that ALSA captures from; requests that come together share an answer. Raises `Refusal`."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def _ask(self) -> AudioDevices:
        try:
            answer = await self._prober.ask("audio")
        except NoAnswer as error:
            message = f"the audio devices cannot be asked: {error}"
            raise Refusal(ErrorCode.GSTREAMER_ERROR, message, error.hint) from None
        if (problem := answer["problem"]) and problem != self._problem:
            log.warning("not every audio device can be used", extra={"fields": {"cause": problem}})
        self._problem = problem
        return AudioDevices(devices=tuple(AudioDevice.model_validate(one) for one in answer["devices"]))
