"""`flexctl apply`, `diff` and `delete -f` against a box in memory: what people see, what is sent, what comes of it."""

from __future__ import annotations

import itertools
import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flexclient import FlexClient
from flexclient.models import ErrorCode
from flexclient.testing import FakeFlex, Seen
from tests.cli.harness import PIPE, Ran, flexctl, golden, terminal, transcript

SITE = """\
# Everything at the north gate
kind: Settings
name: North
webhook_allowed_networks: [10.0.0.0/8]
---
kind: Pipeline
id: gate
source:
  uri: rtsp://camera/1
  user: viewer
  password: ${env:GATE_PASSWORD}
encoding: {bitrate: 2000}
---
kind: Webhook
url: https://10.1.2.3/hook
events: [pipeline.stopped, pipeline.started]
headers: {Authorization: "Bearer ${env:HOOK_TOKEN}"}
---
kind: Pipeline
id: always
on_demand: false
source: {uri: "test://smpte"}
"""
CANARIES = {"GATE_PASSWORD": "hunter2-canary", "HOOK_TOKEN": "hook-canary"}
WRITES = {"POST", "PUT", "PATCH", "DELETE"}


class Site:
    """A box, a manifest, and flexctl between the two."""

    def __init__(self, box: FakeFlex, folder: Path, connect: Callable[[FakeFlex], None]) -> None:
        self.box, self.folder, self._connect = box, folder, connect
        self.file = folder / "site.yaml"
        self.write(SITE)

    def write(self, text: str, name: str = "site.yaml") -> str:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def run(self, *argv: str, on: Any = PIPE, stdin: str = "", **env: str) -> Ran:
        words = [str(self.file) if word == "SITE" else word for word in argv]
        known = {"FLEX_CONFIG_DIR": str(self.folder / "config"), **CANARIES, **env}
        ran = flexctl(*words, on=on, stdin=stdin, **known)
        where = f"{self.folder}/"
        return Ran(ran.code, ran.out.replace(where, ""), ran.err.replace(where, ""))

    def apply(self, *argv: str, **more: Any) -> Ran:
        return self.run("apply", "-f", "SITE", *argv, **more)

    def edit(self, old: str, new: str) -> None:
        text = self.file.read_text(encoding="utf-8")
        assert old in text
        self.write(text.replace(old, new))

    def writes(self) -> list[str]:
        """What was sent that changes something, since it was asked last."""
        found = [f"{seen.method} {seen.path}" for seen in self.box.requests if seen.method in WRITES]
        self.box.requests.clear()
        return found

    @property
    def client(self) -> FlexClient:
        return FlexClient(transport=self.box)

    def use(self, box: FakeFlex) -> None:
        """Another box from here on."""
        self.box = box
        self._connect(box)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    for name in ("routes", "webhook"):
        monkeypatch.setattr(f"flexclient._fake.{name}._numbers", itertools.count(1))

    def connect(box: FakeFlex) -> None:
        monkeypatch.setattr("flexctl.state.connect", lambda **given: FlexClient(transport=box, **given))

    box = FakeFlex()
    connect(box)
    return Site(box, tmp_path, connect)


class TestApply:
    def test_makes_what_is_not_there_settings_first(self, site: Site) -> None:
        ran = site.apply("-o", "json")
        assert ran.code == 0, ran.err
        assert site.writes() == [
            "PUT /flex/settings",
            "POST /flex/webhooks",
            "POST /flex/pipeline",
            "POST /flex/pipeline",
        ]
        assert site.box.password_of("gate") == "hunter2-canary"
        told = json.loads(ran.out)
        assert told["summary"]["created"] == 3
        assert told["summary"]["changed"] == 1
        assert {action["result"] for action in told["actions"]} == {"created", "changed"}

    def test_twice_changes_nothing(self, site: Site) -> None:
        site.apply()
        site.writes()
        ran = site.apply()
        assert (ran.code, site.writes()) == (0, [])
        assert ran.err == "Nothing is different, and nothing was sent.\n"
        assert site.run("diff", "-f", "SITE").code == 0

    def test_an_old_box_is_applied_to_as_well(self, site: Site) -> None:
        site.use(FakeFlex(plain=True))
        assert site.apply().code == 0
        site.writes()
        assert site.apply().code == 0
        assert site.writes() == []
        site.edit("bitrate: 2000", "bitrate: 2500")
        assert site.apply().code == 0
        assert site.writes() == ["PUT /flex/pipeline/gate"]
        assert site.apply().err == "Nothing is different, and nothing was sent.\n"

    def test_only_what_differs_is_sent_and_held_against_its_version(self, site: Site) -> None:
        site.apply()
        site.writes()
        site.edit("bitrate: 2000", "bitrate: 3000")
        assert site.run("diff", "-f", "SITE", "-o", "name").code == 1
        etag = site.client.pipelines.get.raw("gate").etag
        site.box.requests.clear()
        assert site.apply().code == 0
        [put] = [seen for seen in site.box.requests if seen.method == "PUT"]
        assert put.headers["if-match"] == etag
        assert put.json["source"]["password"] == "hunter2-canary"
        kept = site.client.pipelines.get("gate")
        assert kept.encoding is not None
        assert kept.encoding.bitrate == 3000
        assert kept.metadata == {"flex.set": "site", "flex.secrets": "source.password=env:GATE_PASSWORD"}

    def test_nothing_secret_is_shown_or_noted(self, site: Site) -> None:
        shown = [site.run("diff", "-f", "SITE"), site.apply("-o", "json"), site.apply("--send-secrets", "-o", "yaml")]
        site.edit("uri: rtsp://camera/1", "uri: rtsp://camera/${env:GATE_PASSWORD}")
        site.edit("bitrate: 2000", "bitrate: ${env:GATE_PASSWORD}")
        shown += [site.apply(), site.run("diff", "-f", "SITE")]
        site.edit("bitrate: ${env:GATE_PASSWORD}", "bitrate: 2000")
        shown += [site.apply(), site.run("diff", "-f", "SITE"), site.run("export"), site.run("export", "-o", "json")]
        said = "".join(ran.out + ran.err for ran in shown[:-2])
        assert not any(canary in said for canary in CANARIES.values())
        assert "source.uri: (hidden) → rtsp://camera/${env:GATE_PASSWORD}" in shown[-4].err.replace("->", "→")
        exported = shown[-1].out + shown[-2].out  # here it is a part of an address, which the box shows everybody
        assert CANARIES["HOOK_TOKEN"] not in exported
        files = [path.read_text() for path in (site.folder / "config").rglob("*.json")]
        assert not any(canary in text for text in files for canary in CANARIES.values())

    def test_on_a_terminal_it_asks(self, site: Site) -> None:
        ran = site.apply(on=terminal(80), stdin="n\n")
        assert (ran.code, site.writes()) == (1, [])
        assert "Apply this: 3 to create, 1 to change? [y/N]" in ran.err
        assert "flexctl: nothing was sent" in ran.err
        assert site.apply(on=terminal(80), stdin="y\n").code == 0
        assert len(site.writes()) == 4

    def test_plans_as_people_see_them(self, site: Site) -> None:
        runs = [transcript(site.apply("--dry-run", on=terminal(80, color=True)), "apply", note="a new site, in colour")]
        site.apply()
        site.edit("bitrate: 2000", "bitrate: 3000, fps: 25")
        site.edit("[pipeline.stopped, pipeline.started]", "[pipeline.stopped]")
        site.edit('source: {uri: "test://smpte"}', "source: {uri: 'test://ball'}\noverlay: {text: Gate \N{RIGHTWARDS ARROW} 2}")
        site.edit("  password: ${env:GATE_PASSWORD}\n", "")
        site.client.pipelines.create({"id": "by-hand", "source": {"uri": "test://snow"}, "output": {"uri": "udp://h:1"}})
        site.client.pipelines.create(
            {"id": "old", "source": {"uri": "test://snow"}, "metadata": {"flex.set": "site"}, "output": {"uri": "udp://h:2"}}
        )
        for form in ("table", "json", "yaml", "ndjson", "csv", "name"):
            runs.append(transcript(site.run("diff", "-f", "SITE", "--prune", "-o", form), "diff", "-o", form))
        for width in (120, 60):
            runs.append(transcript(site.run("diff", "-f", "SITE", "--prune", on=terminal(width)), "diff", note=f"{width}"))
        plain = terminal(80, unicode=False)
        runs.append(transcript(site.run("diff", "-f", "SITE", on=plain), "diff", note="ASCII"))
        runs.append(transcript(site.apply("--prune", on=terminal(80), stdin="y\n"), "apply", note="on a terminal"))
        golden("apply", "\n".join(runs))

    def test_results_as_programs_read_them(self, site: Site) -> None:
        def refuse(seen: Seen) -> None:
            if seen.method == "POST" and b"always" in seen.body:
                site.box.refuse(ErrorCode.INSUFFICIENT_STORAGE, "the disk is full", hint="DELETE something.")

        site.box.on_request = refuse
        runs = [transcript(site.apply("-o", form), "apply", "-o", form) for form in ("json", "csv", "table")]
        golden("apply-results", "\n".join(runs))


class TestSecrets:
    def test_another_variable_is_a_change_and_another_value_is_not(self, site: Site) -> None:
        site.apply()
        site.writes()
        site.apply(GATE_PASSWORD="new-canary")
        assert site.writes() == []  # it cannot be known
        ran = site.run("diff", "-f", "SITE", "--send-secrets", GATE_PASSWORD="new-canary")
        assert ran.code == 1
        assert "~ source.password: changed, from $GATE_PASSWORD" in ran.out
        assert site.apply("--send-secrets", GATE_PASSWORD="new-canary").code == 0
        assert site.box.password_of("gate") == "new-canary"
        site.edit("${env:GATE_PASSWORD}", "${env:HOOK_TOKEN}")
        site.apply()
        assert site.box.password_of("gate") == "hook-canary"

    def test_one_that_is_added_is_sent_and_one_that_goes_is_taken_away(self, site: Site) -> None:
        site.edit("  password: ${env:GATE_PASSWORD}\n", "")
        site.apply()
        site.edit("  user: viewer\n", "  user: viewer\n  password: literal-canary\n")
        ran = site.apply()
        assert "+ source.password: set, as it stands in the file" in ran.err
        assert "literal-canary" not in ran.out + ran.err
        assert site.box.password_of("gate") == "literal-canary"
        site.edit("  password: literal-canary\n", "")
        assert "- source.password: taken away" in site.apply().err
        assert site.box.password_of("gate") is None

    def test_signing_secrets_go_to_a_file_of_ones_own(self, site: Site) -> None:
        kept = site.folder / "secrets.json"
        ran = site.apply("--save-secrets", str(kept))
        assert ran.code == 0
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        [hook] = json.loads(kept.read_text())
        assert hook["secret"].startswith("whsec_")
        assert hook["secret"] not in ran.out + ran.err
        again = site.apply("--save-secrets", str(kept))
        assert (again.code, json.loads(kept.read_text())) == (2, [hook])
        other = site.folder / "other.json"
        assert site.apply("--save-secrets", str(other)).code == 0
        assert not other.exists()

    def test_without_the_file_it_warns_before_it_asks(self, site: Site) -> None:
        ran = site.apply(on=terminal(80), stdin="n\n")
        assert ran.err.index("signing secret") < ran.err.index("Apply this")

    def test_a_variable_that_is_not_set_says_where(self, site: Site) -> None:
        ran = site.apply(GATE_PASSWORD="")
        assert (ran.code, site.writes()) == (2, [])
        assert "site.yaml:11:3: source.password: the environment has no GATE_PASSWORD" in ran.err


class TestSets:
    def test_prune_deletes_what_the_set_made_and_nothing_else(self, site: Site) -> None:
        site.client.pipelines.create({"id": "by-hand", "source": {"uri": "test://snow"}})
        site.client.webhooks.create({"url": "https://example.com/other", "events": ["pipeline.error"]})
        site.apply()
        site.writes()
        site.write(SITE.partition("---")[0])
        assert site.apply().code == 0
        assert site.writes() == []
        ran = site.apply("--prune")
        assert (ran.code, site.writes()) == (2, [])
        assert "--yes" in ran.err
        assert site.apply("--prune", "--yes").code == 0
        assert [line.partition("/flex/")[0] for line in site.writes()] == ["DELETE "] * 3
        assert [pipeline.id for pipeline in site.client.pipelines.list()] == ["by-hand"]
        assert [hook.url for hook in site.client.webhooks.list()] == ["https://example.com/other"]
        assert site.apply("--prune", "--yes").err == "Nothing is different, and nothing was sent.\n"

    def test_what_was_there_before_is_changed_and_never_pruned(self, site: Site) -> None:
        site.client.pipelines.create({"id": "always", "on_demand": False, "source": {"uri": "test://ball"}})
        site.apply()
        site.write(SITE.partition("---")[0])
        site.apply("--prune", "--yes")
        assert [pipeline.id for pipeline in site.client.pipelines.list()] == ["always"]
        kept = site.client.pipelines.get("always")
        assert kept.source is not None
        assert kept.source.uri == "test://smpte"

    def test_sets_are_apart(self, site: Site) -> None:
        site.apply("--set", "a")
        site.write("kind: Pipeline\nid: other\nsource: {uri: 'test://snow'}\n")
        site.apply("--set", "b", "--prune", "--yes")
        assert [pipeline.id for pipeline in site.client.pipelines.list()] == ["always", "gate", "other"]

    def test_prune_needs_a_name_where_there_is_no_one_file(self, site: Site) -> None:
        ran = site.run("apply", "-f", "-", "--prune", stdin=SITE)
        assert ran.code == 2
        assert "--set NAME" in ran.err

    def test_a_webhook_of_the_set_whose_events_change_is_made_anew(self, site: Site) -> None:
        site.apply()
        [before] = site.client.webhooks.list()
        site.edit("[pipeline.stopped, pipeline.started]", "[pipeline.stopped, pipeline.error]")
        ran = site.run("diff", "-f", "SITE")
        assert "made anew, with a new signing secret" in " ".join(ran.out.split())
        assert site.apply().code == 0
        [after] = site.client.webhooks.list()
        assert after.id != before.id
        assert set(after.events) == {"pipeline.stopped", "pipeline.error"}

    def test_a_webhook_that_somebody_else_made_stays(self, site: Site) -> None:
        site.client.settings.update({"webhook_allowed_networks": ["10.0.0.0/8"]})
        site.client.webhooks.create({"url": "https://10.1.2.3/hook", "events": ["pipeline.error"]})
        site.apply()
        assert len(site.client.webhooks.list()) == 2


class TestFaults:
    def test_every_one_in_every_file_with_its_place(self, site: Site) -> None:
        site.edit("bitrate: 2000", "bitrate: 0")
        site.edit("on_demand: false", "on_demnad: false")
        site.edit("[pipeline.stopped, pipeline.started]", "[pipeline.exploded]")
        other = site.write("kind: Setings\nname: x\n---\nname: y\n---\nkind: Pipeline\nid: gate\nsource: {uri: x}\n", "b.yaml")
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


class TestDelete:
    def test_deletes_what_the_file_describes(self, site: Site) -> None:
        site.apply()
        site.writes()
        ran = site.run("delete", "-f", "SITE", on=terminal(80), stdin="n\n")
        assert (ran.code, site.writes()) == (1, [])
        assert "Delete 3 things" in ran.err
        ran = site.run("delete", "-f", "SITE", "--yes", GATE_PASSWORD="", HOOK_TOKEN="", on=terminal(80))
        assert ran.code == 0, ran.err
        assert "Settings stay as they are" in ran.err
        assert site.client.pipelines.list() == []
        assert site.client.webhooks.list() == []
        again = site.run("delete", "-f", "SITE", "--yes", on=terminal(80))
        assert (again.code, again.out) == (0, "")

    def test_dry_run_and_nobody_to_ask(self, site: Site) -> None:
        site.apply()
        site.writes()
        ran = site.run("delete", "-f", "SITE", "--dry-run")
        assert "- pipeline/gate" in ran.out
        assert site.run("delete", "-f", "SITE").code == 2
        assert site.writes() == []


def test_the_documents_have_these_fields(site: Site) -> None:
    plan = json.loads(site.run("diff", "-f", "SITE", "-o", "json").out)
    assert set(plan) == {"set", "actions", "summary"}
    assert set(plan["actions"][0]) == {"action", "kind", "name", "changes", "note"}
    assert set(plan["actions"][0]["changes"][0]) == {"field", "before", "after", "secret"}
    assert set(plan["summary"]) == {"create", "update", "replace", "delete", "unchanged"}
    result = json.loads(site.apply("-o", "json").out)
    assert set(result["actions"][0]) == {"action", "kind", "name", "changes", "note", "result", "error"}
    assert set(result["summary"]) == {
        *("created", "changed", "replaced", "deleted", "unchanged", "pending", "failed", "skipped"),
    }


def test_pipeline_create_fills_variables_in_too(site: Site) -> None:
    path = site.write("id: one\nsource: {uri: 'rtsp://camera/2', user: v, password: '${env:GATE_PASSWORD}'}\n", "one.yaml")
    assert site.run("pipeline", "create", "-f", path).code == 0
    assert site.box.password_of("one") == "hunter2-canary"
