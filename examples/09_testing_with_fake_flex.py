# Tests a program without a box: `fake_flex` is one in memory.   pytest examples/09_testing_with_fake_flex.py
from flexclient import FlexClient
from flexclient.testing import FakeFlex


def restart_what_failed(client: FlexClient) -> list[str]:
    """The program: plays every pipeline that is in error, and says which."""
    failed = [pipeline.id for pipeline in client.pipelines.list(state="error")]
    for name in failed:
        client.pipelines.play(name)
    return failed


def test_what_failed_plays_again(fake_flex: FakeFlex, flex_client: FlexClient) -> None:
    fake_flex.add({"id": "gate", "source": {"uri": "rtsp://camera/1"}}, state="error")
    fake_flex.add({"id": "yard", "source": {"uri": "rtsp://camera/2"}}, state="playing")
    assert restart_what_failed(flex_client) == ["gate"]
    assert flex_client.pipelines.get("gate").state == "playing"
    assert [seen.path for seen in fake_flex.requests if seen.method == "PUT"] == ["/flex/pipeline/gate/play"]


def test_where_all_is_well_nothing_is_touched(fake_flex: FakeFlex, flex_client: FlexClient) -> None:
    fake_flex.add({"id": "yard", "source": {"uri": "rtsp://camera/2"}}, state="playing")
    assert restart_what_failed(flex_client) == []
    assert {seen.method for seen in fake_flex.requests} == {"GET"}
