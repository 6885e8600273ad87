"""What a box is set to (API.md, Endpoints: settings)."""

from __future__ import annotations

from typing import Annotated

from flexclient.models._base import Model
from flexclient.models._rules import Between, Distinct, Each, HostPort, Length, Network, Pattern

BOX_NAME = Pattern(
    r"([^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*)?",
    "a name has no control characters, and more than spaces",
)


class Settings(Model):
    """The durable settings of a box. A PUT takes any of them; null puts one back to what it is without being set."""

    name: Annotated[str, Length(63, 1), BOX_NAME] | None = None
    """What the box calls itself in announcements; without one its host name."""
    cot_enabled: bool = False
    """Announce each playing pipeline as Cursor on Target."""
    cot_address: Annotated[str, HostPort()] = "239.2.3.1:6969"
    """Where Cursor on Target goes: host or multicast group, and UDP port."""
    cot_interval_seconds: Annotated[float, Between(1, 3600)] = 5
    """Seconds from one announcement of a pipeline to the next."""
    mdns_enabled: bool = True
    """Announce the box as `_flex._tcp` by multicast DNS, so that `flexctl discover` finds it."""
    webhook_allowed_networks: Annotated[tuple[str, ...], Length(64), Each(Network()), Distinct()] = ()
    """Private networks that webhooks may reach all the same, such as `10.0.0.0/8`."""
    ingress_rtsp_enabled: bool = False
    """Take streams that are pushed by RTSP, on port 8554 as a rule."""
    ingress_rtmp_enabled: bool = False
    """Take streams that are pushed by RTMP, on port 1935 as a rule."""
