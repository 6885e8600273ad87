"""What a trigger did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flexctl.views.pipeline import json_of
from flexctl.views.view import Column, Field, Part, View

if TYPE_CHECKING:
    from flexclient.models import TriggerResult

TRIGGER: View[TriggerResult] = View(
    columns=(
        Column("pipeline", "PIPELINE", lambda r: r.pipeline_id),
        Column("action", "ACTION", lambda r: r.action),
        Column("status", "STATUS", lambda r: r.status),
    ),
    details=lambda r: [Part("", (Field("Pipeline", r.pipeline_id), Field("Action", r.action)))],
    name=lambda r: r.pipeline_id,
    data=lambda r: json_of(r),
)
