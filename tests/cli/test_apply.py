"""`flexctl apply`, `diff` and `delete -f` against a box in memory: what people see, what is sent, what is kept."""

from __future__ import annotations

import json
import stat

from flexclient.models import ErrorCode
from flexclient.testing import FakeFlex, Seen
from tests.cli.applying import CANARIES, SITE, Site, site
from tests.cli.harness import golden, terminal, transcript

__all__ = ["site"]


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
        site.edit(
            'source: {uri: "test://smpte"}',
            "source: {uri: 'test://ball'}\noverlay: {text: Gate \N{RIGHTWARDS ARROW} 2}",
        )
        site.edit("  password: ${env:GATE_PASSWORD}\n", "")
        site.client.pipelines.create(
            {"id": "by-hand", "source": {"uri": "test://snow"}, "output": {"uri": "udp://h:1"}}
        )
        site.client.pipelines.create(
            {
                "id": "old",
                "source": {"uri": "test://snow"},
                "metadata": {"flex.set": "site"},
                "output": {"uri": "udp://h:2"},
            }
        )
        for form in ("table", "json", "yaml", "ndjson", "csv", "name"):
            ran = site.run("diff", "-f", "SITE", "--prune", "-o", form)
            runs.append(transcript(ran, "diff", "-o", form))
        for width in (120, 60):
            ran = site.run("diff", "-f", "SITE", "--prune", on=terminal(width))
            runs.append(transcript(ran, "diff", note=f"{width}"))
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

    def test_one_whose_old_one_does_not_go_is_known_all_the_same(self, site: Site) -> None:
        site.apply()
        site.edit("[pipeline.stopped, pipeline.started]", "[pipeline.stopped]")

        def refuse(seen: Seen) -> None:
            if seen.method == "DELETE":
                site.box.refuse(ErrorCode.INSUFFICIENT_STORAGE, "the disk is full")

        site.box.on_request = refuse
        kept = site.folder / "secrets.json"
        assert site.apply("--save-secrets", str(kept)).code == 1
        [new] = json.loads(kept.read_text())
        site.box.on_request = None
        assert site.apply("--prune", "--yes").code == 0
        assert [hook.id for hook in site.client.webhooks.list()] == [new["id"]]

    def test_a_webhook_that_somebody_else_made_stays(self, site: Site) -> None:
        site.client.settings.update({"webhook_allowed_networks": ["10.0.0.0/8"]})
        site.client.webhooks.create({"url": "https://10.1.2.3/hook", "events": ["pipeline.error"]})
        site.apply()
        assert len(site.client.webhooks.list()) == 2


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


def test_a_new_webhook_that_says_no_more_than_its_address_has_no_lines(site: Site) -> None:
    text = "kind: Webhook\nurl: https://example.com/bare\nevents: [pipeline.error]\n"
    ran = site.run("diff", "-f", site.write(text, "bare.yaml"))
    assert ran.code == 1
    assert "https://example.com/bare" in ran.out
    assert "{}" not in ran.out
    assert " : " not in ran.out


def test_pipeline_create_fills_variables_in_too(site: Site) -> None:
    path = site.write(
        "id: one\nsource: {uri: 'rtsp://camera/2', user: v, password: '${env:GATE_PASSWORD}'}\n", "one.yaml"
    )
    assert site.run("pipeline", "create", "-f", path).code == 0
    assert site.box.password_of("one") == "hunter2-canary"
