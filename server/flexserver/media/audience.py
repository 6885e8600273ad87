"""Who watches what: sessions that play, and mounts somebody asked for. Pure; times are seconds of any growing clock."""

from __future__ import annotations

LINGER = 5.0
"""Seconds that a mount stays wanted after its last reader left, or after one asked and never played."""


class Audience:
    """Counts readers by mount."""

    def __init__(self) -> None:
        self._playing: dict[str, str] = {}
        self._wanted: dict[str, float] = {}
        self._said: dict[str, tuple[int, bool]] = {}

    def asked(self, mount: str, now: float) -> None:
        """Somebody described the mount."""
        self._wanted[mount] = now + LINGER

    def plays(self, session: str, mount: str, now: float) -> None:
        """A session plays the mount."""
        self._playing[session] = mount
        self.asked(mount, now)

    def left(self, session: str, now: float) -> None:
        """A session stopped, or is gone."""
        if mount := self._playing.pop(session, None):
            self.asked(mount, now)

    def forget(self, mount: str) -> None:
        """The mount was taken away."""
        self._playing = {session: name for session, name in self._playing.items() if name != mount}
        self._wanted.pop(mount, None)
        self._said.pop(mount, None)

    def news(self, now: float) -> list[tuple[str, int, bool]]:
        """Mounts whose count or wish changed since they were last told: (mount, readers, wanted)."""
        counts: dict[str, int] = {}
        for mount in self._playing.values():
            counts[mount] = counts.get(mount, 0) + 1
        found = []
        for mount in self._wanted.keys() | self._said.keys():
            state = counts.get(mount, 0), mount in counts or self._wanted.get(mount, 0) > now
            if state != self._said.get(mount, (0, False)):
                self._said[mount] = state
                found.append((mount, *state))
        return found
