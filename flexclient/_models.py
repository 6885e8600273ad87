"""`from flexclient._models import models as m`: the models, imported when the first of them is used.

They and pydantic are half of what a short program waits for. One that describes a call and passes its answer on unread
(`flexctl ... -o json`) needs none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flexclient import models
else:

    class _Lazy:
        def __getattr__(self, name: str) -> Any:
            found = getattr(import_module("flexclient.models"), name)
            setattr(self, name, found)  # the next time it is there
            return found

    models = _Lazy()

__all__ = ["models"]
