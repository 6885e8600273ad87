"""Pipelines: one source or several, encoded once and served (API.md, Pipeline).

`PipelineSpec` is what a client writes, `Pipeline` what the box answers, `PipelineStatus` how it fares.
Absent fields take the defaults named here; `encoding` fields that are 0 or absent keep the source's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import Field

from flexclient.models._base import Model, OpenEnum
from flexclient.models._rules import Between, Length, OneOf, Pattern, ZeroOrBetween
from flexclient.models._secret import SecretText
from flexclient.models.framegrab import FramegrabStatus

COLOR_NAMES: dict[str, str] = {
    "black": "#000000",
    "white": "#FFFFFF",
    "gray": "#808080",
    "silver": "#C0C0C0",
    "red": "#FF0000",
    "orange": "#FFA500",
    "yellow": "#FFFF00",
    "green": "#008000",
    "lime": "#00FF00",
    "cyan": "#00FFFF",
    "blue": "#0000FF",
    "magenta": "#FF00FF",
}
"""The colours that have a name, and their value."""

COLOR = Pattern(
    r"#[0-9A-Fa-f]{6}([0-9A-Fa-f]{2})?|" + "|".join(COLOR_NAMES),
    "a colour is #RRGGBB, #RRGGBBAA or one of " + ", ".join(COLOR_NAMES),
)
PIPELINE_ID = Pattern(r"[A-Za-z0-9_-]{1,64}", "an id is 1 to 64 letters, digits, '-' and '_'")


class Mode(OpenEnum):
    """How the pipeline is described."""

    SIMPLE = "simple"
    MULTIVIEW = "multiview"
    ADVANCED = "advanced"


class State(OpenEnum):
    """What the pipeline does now."""

    READY = "ready"
    STARTING = "starting"
    PLAYING = "playing"
    RECONNECTING = "reconnecting"
    STOPPING = "stopping"
    ERROR = "error"


class Order(OpenEnum):
    """What the pipeline was told to do; it outlives a restart."""

    ARMED = "armed"
    """Encode while somebody watches."""
    PLAY = "play"
    """Encode, readers or not."""
    STOP = "stop"
    """Do nothing; readers are refused."""


class Codec(OpenEnum):
    """The video codec of the output."""

    H264 = "h264"
    H265 = "h265"
    AV1 = "av1"


class Hardware(OpenEnum):
    """Whether a hardware encoder may be used."""

    AUTO = "auto"
    NEVER = "never"


class Mirror(OpenEnum):
    """A flip of the picture."""

    NONE = "none"
    HORIZONTAL = "horizontal"
    VERTICAL = "vertical"


class Position(OpenEnum):
    """Where an overlay stands."""

    TOP_LEFT = "top-left"
    TOP = "top"
    TOP_RIGHT = "top-right"
    LEFT = "left"
    CENTER = "center"
    RIGHT = "right"
    BOTTOM_LEFT = "bottom-left"
    BOTTOM = "bottom"
    BOTTOM_RIGHT = "bottom-right"


class AudioSource(OpenEnum):
    """Where sound comes from."""

    STREAM = "stream"
    LOCAL = "local"
    TEST = "test"


class Source(Model):
    """Where the video comes from."""

    uri: Annotated[str, Length(2048, 1)]
    """`rtsp://`, `rtsps://`, `udp://`, `srt://`, `file:///path`, `file:///dev/videoN`, `v4l2:///dev/videoN` or `test://pattern`."""
    latency_ms: Annotated[int, Between(0, 10_000)] = 200
    """Jitter buffer of network sources, milliseconds."""
    network_interface: Annotated[str, Length(15, 1)] | None = None
    """Interface for multicast, such as `eth0`."""
    caps: Annotated[str, Length(1024, 1)] | None = None
    """GStreamer caps that a camera is asked for."""
    user: Annotated[str, Length(256)] | None = None
    """User name for the source."""
    password: SecretText | None = None
    """Password for the source. Write-only: the box never answers it; a PUT that leaves it out keeps it."""
    loop: bool = False
    """Files: begin again at the end."""


class Encoding(Model):
    """How the video is encoded."""

    codec: Codec = Codec.H264
    """`h264`, `h265` or `av1`."""
    bitrate: Annotated[int, Between(1, 1_000_000)] = 750
    """Kilobits per second."""
    width: Annotated[int, Between(0, 8192)] = 0
    """Pixels; 0 keeps the source's."""
    height: Annotated[int, Between(0, 8192)] = 0
    """Pixels; 0 keeps the source's."""
    fps: Annotated[float, ZeroOrBetween(0.1, 240)] = 0
    """Pictures per second, from 0.1; 0 keeps the source's."""
    quality: Annotated[int, Between(1, 10)] = 5
    """From 1 (fastest) to 10 (best picture for the bitrate, most CPU)."""
    gop_seconds: Annotated[float, Between(0.1, 60)] = 2.0
    """Seconds between key frames."""
    hardware: Hardware = Hardware.AUTO
    """`auto` uses a hardware encoder where one works, `never` always encodes in software."""


DEFAULT_ENCODING = Encoding.model_construct(width=1920, height=1080, fps=30.0)  # not validated: import stays cheap
"""What a pipeline without an `encoding` part gets (API.md, Pipeline)."""


class Transform(Model):
    """Turns and flips, after the crop."""

    mirror: Mirror = Mirror.NONE
    """`none`, `horizontal` or `vertical`."""
    rotate: Annotated[int, OneOf((0, 90, 180, 270))] = 0
    """Degrees clockwise."""
    grayscale: bool = False
    """Take the colour out."""


class Crop(Model):
    """Pixels cut from each edge of the source's picture."""

    top: Annotated[int, Between(0, 8192)] = 0
    right: Annotated[int, Between(0, 8192)] = 0
    bottom: Annotated[int, Between(0, 8192)] = 0
    left: Annotated[int, Between(0, 8192)] = 0


class Overlay(Model):
    """Text burnt into the picture."""

    text: Annotated[str, Length(1024)] = ""
    """Drawn literally: quotes, `<b>` and `!` are just letters."""
    timestamp: Annotated[bool | str, Pattern(r".{1,128}", "a time format is 1 to 128 characters of strftime")] = False
    """The box's clock: true for `%Y-%m-%d %H:%M:%S`, or a strftime format of your own."""
    position: Position = Position.TOP_LEFT
    """One of nine places."""
    font_size: Annotated[int, Between(4, 400)] = 24
    """Points on a picture of 1080 lines, scaled with the picture."""
    color: Annotated[str, COLOR] = "white"
    """`#RRGGBB`, `#RRGGBBAA` or a name such as `white` or `yellow`."""
    background: Annotated[bool | str, COLOR] = True
    """A box behind the text: true for a dark one, or a colour."""


class Output(Model):
    """Where the encoded video goes."""

    uri: Annotated[str, Length(2048, 1)]
    """`rtsp://0.0.0.0:8731/<name>` (a mount on the box's own server) or `udp://host:port` (MPEG-TS)."""


class Input(Model):
    """One tile of a multi-view."""

    source: Source
    label: Annotated[str, Length(128)] | None = None
    transform: Transform | None = None
    crop: Crop | None = None
    overlay: Overlay | None = None


class Audio(Model):
    """Sound beside the video of a simple pipeline, as Codec2."""

    source: AudioSource
    device: Annotated[str, Length(128, 1)] | None = None
    test_wave: Annotated[int, Between(0, 12)] = 0
    codec2_mode: Annotated[int, OneOf((3200, 2400, 1600, 1400, 1300, 1200))] = 2400
    noise_filter: bool = True
    noise_suppression: bool = False
    noise_suppression_level: Annotated[int, Between(0, 3)] = 1
    auto_gain_control: bool = False
    volume: Annotated[float, Between(0, 10)] = 1.0


class Framegrab(Model):
    """Stills and clips taken from the stream, as AVIF."""

    interval_seconds: Annotated[float, Between(0.1, 86_400)] = 1
    max_files: Annotated[int, Between(1, 100_000)] = 10
    quality: Annotated[int, Between(1, 100)] = 80
    speed: Annotated[int, Between(0, 10)] = 4
    lossless: bool = False
    motion: bool = False
    motion_duration_seconds: Annotated[float, Between(0.1, 600)] = 5
    motion_keyframe_interval: Annotated[int, Between(1, 1000)] = 30


class KlvConfig(Model):
    """What happens to metadata that comes with the source (MISB KLV)."""

    pass_klv: bool = False
    auto_extract_geolocation: bool = False


class PipelineSpec(Model):
    """A pipeline as its owner writes it."""

    id: Annotated[str, PIPELINE_ID]
    """Letters, digits, `-` and `_`, at most 64. It names the pipeline for ever."""
    mode: Mode = Mode.SIMPLE
    """`simple`, `multiview` or `advanced`."""
    on_demand: bool = True
    """True: encode only while somebody watches. False: encode from creation on."""
    source: Source | None = None
    """Simple mode: where the video comes from."""
    encoding: Encoding | None = None
    """How it is encoded; without this part h264, 750 kbit/s, 1920x1080 at 30."""
    transform: Transform | None = None
    crop: Crop | None = None
    overlay: Overlay | None = None
    output: Output | None = None
    """Where it goes; without this part `rtsp://0.0.0.0:8731/<id>`."""
    outputs: tuple[Output, ...] | None = None
    """More places that the same encode goes to."""
    inputs: Annotated[tuple[Input, ...], Length(4, 1)] | None = None
    """Multi-view mode: one to four tiles."""
    raw_pipeline: Annotated[str, Length(16_384, 1)] | None = None
    """Advanced mode: a launch line. Off unless the box was started with it allowed."""
    audio: Audio | None = None
    framegrab: Framegrab | None = None
    klv_config: KlvConfig | None = None
    metadata: dict[str, str] | None = None
    """Your own keys and values; `cot_*` steer announcements."""


class Klv(Model):
    """Metadata found in the source."""

    available: bool = False
    """Whether KLV was seen in the running source."""


class Pipeline(PipelineSpec):
    """A pipeline as the box answers it."""

    state: State
    """What it does now."""
    klv: Klv = Field(default_factory=Klv)
    order: Order | None = None
    """What it was told to do."""
    created_at: datetime | None = None
    updated_at: datetime | None = None

    def spec(self) -> PipelineSpec:
        """The part that an owner writes, to change and put back."""
        written = {name: getattr(self, name) for name in PipelineSpec.model_fields if name in self.model_fields_set}
        return PipelineSpec.model_construct(_fields_set=set(written), **written)


READ_ONLY = frozenset(Pipeline.model_fields) - frozenset(PipelineSpec.model_fields)
"""Fields of an answer that a write may carry back; the box passes them over."""


class Geolocation(Model):
    """Where the source says it is."""

    latitude: float | None = None
    longitude: float | None = None
    altitude_m: float | None = None


class Stats(Model):
    """How the encode fares, over the last second."""

    fps: float | None = None
    """Encoded pictures per second."""
    bitrate_kbps: float | None = None
    """Encoded video, kilobits per second."""
    frames: int | None = None
    """Encoded pictures since the worker started."""
    dropped: int | None = None
    """Pictures lost since the worker started."""
    latency_ms: float | None = None
    """From the source's picture to its encoded form, milliseconds."""
    cpu_percent: float | None = None
    """The worker's share of one core, percent."""
    rss_bytes: int | None = None
    """The worker's memory."""


class Publisher(Model):
    """Who pushes a pipeline's source to the box (API.md, Ingress)."""

    path: str
    """What it is published as."""
    protocol: str
    """`rtsp` or `rtmp`."""
    address: str
    """Where it comes from."""
    since: datetime | None = None
    received_kbps: float | None = None
    """What arrives, kilobits per second."""


class PipelineStatus(Model):
    """How a pipeline fares (API.md, Status)."""

    id: str
    state: State
    order: Order | None = None
    reason: str | None = None
    """Why it is in this state, for people."""
    since: datetime | None = None
    """When it came into this state."""
    uptime_seconds: float | None = None
    """How long it has been playing."""
    restarts: int | None = None
    """How often its worker was started again."""
    next_retry_at: datetime | None = None
    """When the next try is due."""
    output_uri: str | None = None
    """The address to watch."""
    readers: int | None = None
    """Who watches now."""
    klv: Klv | None = None
    geolocation: Geolocation | None = None
    stats: Stats | None = None
    framegrab: FramegrabStatus | None = None
    """Where the pipeline takes pictures: how that fares."""
    publisher: Publisher | None = None
    """Who pushes the source to this box, where somebody does."""
