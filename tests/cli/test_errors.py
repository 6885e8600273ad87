"""What flexctl says of errors: pure parts."""

from __future__ import annotations

from flexctl.errors import in_our_words


def test_the_boxs_hints_name_commands() -> None:
    hint = "It is stored. GET /flex/pipeline/mast-1/status says how it fares; PUT /flex/pipeline/mast-1/stop ends it."
    ours = "It is stored. `flexctl pipeline status mast-1` says how it fares; `flexctl pipeline stop mast-1` ends it."
    assert in_our_words(hint) == ours
    assert in_our_words("GET /flex/pipeline lists them.") == "`flexctl pipeline list` lists them."
    room = "PUT replaces it, PATCH changes it, DELETE makes room."
    assert "`flexctl pipeline delete cam1` makes room" in in_our_words(room, "cam1")
    other = "see GET /flex/pipeline/{id} and GET /flex/health"
    assert in_our_words(other) == other
