"""`flexctl apply` where something goes wrong: faults with their places, others' changes, conflicts, waiting in vain."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flexclient.models import ErrorCode
from flexclient.testing import Seen
from tests.cli.applying import SITE, WRITES, Site, site
from tests.cli.harness import golden, terminal, transcript

__all__ = ["site"]


class TestFaults:
    def test_every_one_in_every_file_with_its_place(self, site: Site) -> None:
        site.edit("bitrate: 2000", "bitrate: 0")
        site.edit("on_demand: false", "on_demnad: false")
        site.edit("[pipeline.stopped, pipeline.started]", "[pipeline.exploded]")
        other = site.write(
            "kind: Setings\nname: x\n---\nname: y\n---\nkind: Pipeline\nid: gate\nsource: {uri: x}\n", "b.yaml"
        )
        ran = site.run("apply", "-f", "SITE", "-f", other)
        assert (ran.code, site.box.requests) == (2, [])
        golden("apply-faults", transcript(ran, "apply", "-f", "site.yaml", "-f", "b.yaml"))

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("kind: [Pipeline\nid: x\n", "site.yaml:2:3: expected ',' or ']'"),
            ("kind: pipelines\nid: x\n", "site.yaml:1:1: kind: there is no kind 'pipelines'; did you mean Pipeline?"),
            ("kind: Camera\n", "there are Pipeline, Settings, Webhook"),
            ("id: x\n", "site.yaml:1:1: it has no kind"),
            ("# nothing\n", "site.yaml is empty"),
            ("kind: Settings\nnmae: null\n", "site.yaml:2:1: nmae: there is no such field"),
            ("kind: Settings\n---\nkind: Settings\n", "settings stands at site.yaml:1:1 already"),
        ],
    )
    def test_of_form(self, site: Site, text: str, message: str) -> None:
        site.write(text)
        for command in ("apply", "diff"):
            ran = site.run(command, "-f", "SITE")
            assert (ran.code, ran.out, site.box.requests) == (2, "", [])
            assert message in ran.err

    def test_duplicates_across_files(self, site: Site) -> None:
        site.write("kind: Pipeline\nid: a\nsource: {uri: 'test://ball'}\n", "a.yaml")
        site.write('{"kind": "Pipeline",\n "id": "a", "source": {"uri": "test://snow"}}', "b.json")
        site.file.unlink()
        ran = site.run("apply", "-f", str(site.folder))
        assert ran.code == 2
        assert "b.json:1:1: pipeline/a stands at a.yaml:2:1 already" in ran.err

    def test_a_folder_is_read_in_whole_and_names_the_set(self, site: Site) -> None:
        folder = site.folder / "north"
        folder.mkdir()
        for name in ("b.yml", "a.yaml", "c.json"):
            (folder / name).write_text(f'{{"kind": "Pipeline", "id": "{name[0]}", "source": {{"uri": "test://ball"}}}}')
        (folder / "README.md").write_text("no manifest")
        ran = site.run("apply", "-f", str(folder), "-o", "json")
        assert json.loads(ran.out)["set"] == "north"
        assert [pipeline.id for pipeline in site.client.pipelines.list()] == ["a", "b", "c"]
        empty = site.folder / "empty"
        empty.mkdir()
        assert "holds no file that ends with" in site.run("diff", "-f", str(empty)).err

    def test_what_the_box_finds_has_the_line_too_and_the_rest_is_done(self, site: Site) -> None:
        site.write(SITE.partition("---\n")[2])
        site.client.settings.update({"webhook_allowed_networks": ["10.0.0.0/8"]})

        def refuse(seen: Seen) -> None:
            if seen.method == "POST" and seen.path == "/flex/pipeline" and seen.json["id"] == "gate":
                fault = {"field": "source.uri", "message": "it leads to hunter2-canary"}
                body = {"code": "VALIDATION_ERROR", "message": "not valid", "details": [fault]}
                site.box.answer_with(400, json.dumps(body).encode(), {"content-type": "application/json"})

        site.box.on_request = refuse
        ran = site.apply()
        assert ran.code == 2
        assert "site.yaml:4:3: source.uri: it leads to ${env:GATE_PASSWORD}" in ran.err
        assert "flexctl: 1 of 3 failed" in ran.err
        assert [pipeline.id for pipeline in site.client.pipelines.list()] == ["always"]
        site.box.on_request = None
        assert site.apply().code == 0

    def test_who_is_not_let_in_is_not_tried_again_and_again(self, site: Site) -> None:
        def refuse(seen: Seen) -> None:
            if seen.method in WRITES:
                site.box.refuse(ErrorCode.UNAUTHORIZED, "log in")

        site.box.on_request = refuse
        ran = site.apply("-o", "json")
        assert ran.code == 4
        assert len(site.writes()) == 1
        assert json.loads(ran.out)["summary"]["skipped"] == 3

    def test_diff_never_says_different_where_it_failed(self, site: Site) -> None:
        site.box.refuse(ErrorCode.INTERNAL_ERROR, "a fault")
        assert site.run("diff", "-f", "SITE").code == 2
        site.box.refuse(ErrorCode.UNAUTHORIZED, "log in")
        assert site.run("diff", "-f", "SITE").code == 4


class TestMeanwhile:
    """Somebody else changes things while we apply."""

    def meddle(self, site: Site, *changes: dict[str, Any]) -> None:
        """Change the pipeline `gate` just before each PUT of ours arrives."""
        left = list(changes)

        def on_request(seen: Seen) -> None:
            if seen.method == "PUT" and seen.path.endswith("/gate") and left:
                change = left.pop(0)
                site.box.on_request = None
                site.client.pipelines.patch("gate", change)
                site.box.on_request = on_request

        site.box.on_request = on_request

    @pytest.fixture
    def changed(self, site: Site) -> Site:
        site.apply()
        site.edit("bitrate: 2000", "bitrate: 3000")
        return site

    def test_a_change_that_we_wanted_too_is_no_loss(self, changed: Site) -> None:
        self.meddle(changed, {"encoding": {"bitrate": 3000}})
        ran = changed.apply("-o", "json")
        assert (ran.code, json.loads(ran.out)["summary"]["unchanged"]) == (0, 4)

    def test_another_change_is_shown_before_it_is_undone(self, changed: Site) -> None:
        self.meddle(changed, {"overlay": {"text": "theirs"}})
        ran = changed.apply("--yes")
        assert ran.code == 0
        assert "changed by somebody else meanwhile" in ran.err
        assert "overlay.text: theirs" in ran.err
        assert changed.run("diff", "-f", "SITE").code == 0

    def test_and_can_be_kept(self, changed: Site) -> None:
        self.meddle(changed, {"overlay": {"text": "theirs"}})
        ran = changed.apply(on=terminal(80), stdin="y\nn\n")
        assert ran.code == 5
        kept = changed.client.pipelines.get("gate")
        assert kept.overlay is not None
        assert kept.overlay.text == "theirs"

    def test_it_is_tried_again_once(self, changed: Site) -> None:
        self.meddle(changed, {"overlay": {"text": "one"}}, {"overlay": {"text": "two"}})
        ran = changed.apply("--yes")
        assert ran.code == 5
        assert "pipeline/gate" in ran.err

    def test_settings_are_held_against_their_version(self, site: Site) -> None:
        site.apply()
        site.edit("name: North", "name: South")

        def on_request(seen: Seen) -> None:
            if seen.method == "PUT":
                site.box.on_request = None
                site.client.settings.update({"cot_enabled": True})

        site.box.on_request = on_request
        assert site.apply().code == 0
        now = site.client.settings.get()
        assert (now.name, now.cot_enabled) == ("South", True)

    def test_what_was_deleted_is_made(self, changed: Site) -> None:
        def on_request(seen: Seen) -> None:
            if seen.method == "PUT":
                changed.box.on_request = None
                changed.client.pipelines.delete("gate")
                changed.client.pipelines.create({"id": "gate", "source": {"uri": "test://snow"}})

        changed.box.on_request = on_request
        assert changed.apply("--yes").code == 0
        assert changed.run("diff", "-f", "SITE").code == 0


class TestOrder:
    def test_a_camera_that_is_passed_on_is_no_conflict(self, site: Site) -> None:
        one = "kind: Pipeline\nid: z-old\nsource: {uri: 'v4l2:///dev/video0'}\n"
        site.write(one)
        site.apply()
        site.write(one.replace("z-old", "a-new"))
        ran = site.apply("--prune", "--yes")
        assert ran.code == 0, ran.err
        assert [pipeline.id for pipeline in site.client.pipelines.list()] == ["a-new"]

    def test_a_conflict_that_stays_is_told(self, site: Site) -> None:
        site.client.pipelines.create({"id": "theirs", "source": {"uri": "v4l2:///dev/video0"}})
        site.edit("test://smpte", "v4l2:///dev/video0")
        ran = site.apply()
        assert ran.code == 5
        assert "is used by the pipeline 'theirs'" in ran.err


class TestWait:
    def test_until_all_play_or_are_armed(self, site: Site) -> None:
        assert site.apply("--wait").code == 0

    def test_what_does_not_play_yet_is_pending(self, site: Site) -> None:
        site.box.starts("always", "times out")
        ran = site.apply("-o", "json")
        assert ran.code == 8
        assert json.loads(ran.out)["summary"]["pending"] == 1
        assert "flexctl pipeline wait always" in ran.err

    def test_waiting_for_it_has_an_end(self, site: Site) -> None:
        site.box.starts("always", "times out")
        ran = site.apply("--wait", "--wait-timeout", "300ms")
        assert ran.code == 6
        assert "pipeline/always does not play after 0.3 s: it is starting" in ran.err

    def test_it_comes_true_while_we_wait(self, site: Site) -> None:
        site.box.starts("always", "times out")

        def on_request(seen: Seen) -> None:
            if seen.path.endswith("/always/status"):
                site.box.on_request = None
                site.box.set_state("always", "playing")

        site.box.on_request = on_request
        ran = site.apply("--wait", "-o", "json")
        assert ran.code == 0, ran.err
        assert json.loads(ran.out)["summary"]["created"] == 3

    def test_what_was_ordered_to_stop_is_not_waited_for(self, site: Site) -> None:
        site.apply()
        site.client.pipelines.stop("always")
        ran = site.apply("--wait", "--wait-timeout", "2s")
        assert ran.code == 0
        assert "pipeline/always was ordered to stop" in ran.err
