"""The watchdog's judgement, second by second."""

from __future__ import annotations

from flexserver.pipelines.watchdog import FRAMES, SILENCE, Watch, heard, playing, verdict
from flexserver.protocol import Beat


def test_a_worker_that_beats_and_encodes_is_fine() -> None:
    watch = playing(Watch(0.0), 1.0, 30)
    for second in range(2, 60):
        watch = heard(watch, Beat(frames=30 * second), float(second))
        assert verdict(watch, second + 0.9) is None


def test_silence_condemns_even_before_the_first_picture() -> None:
    assert verdict(Watch(0.0), SILENCE) is None
    fault = verdict(Watch(0.0), SILENCE + 0.1)
    assert fault is not None
    assert fault.part == "stall"


def test_beats_without_new_pictures_condemn_what_plays() -> None:
    watch = playing(Watch(0.0), 0.0, 30)
    watch = heard(watch, Beat(frames=10), 1.0)
    for second in range(2, 8):
        watch = heard(watch, Beat(frames=10), float(second))
    assert verdict(watch, 1.0 + SILENCE) is None
    fault = verdict(watch, 1.1 + SILENCE)
    assert fault is not None
    assert "no encoded picture" in fault.message


def test_beats_without_pictures_are_fine_while_it_starts() -> None:
    watch = Watch(0.0)
    for second in range(1, 20):
        watch = heard(watch, Beat(), float(second))
    assert verdict(watch, 20.0) is None


def test_slow_streams_get_more_patience() -> None:
    watch = heard(playing(Watch(0.0), 0.0, 0.5), Beat(), 9.0)
    assert verdict(watch, FRAMES / 0.5 - 0.5) is None
    assert verdict(heard(watch, Beat(), 10.0), FRAMES / 0.5 + 0.5) is not None
