"""Webhooks: who is told what, a queue on disk, and signed messages that go only where they may (API.md, Webhooks).

`targets`, `derive` and `verdict` are pure; `queue` is the SQL, `sender` the network, `service` joins them.
"""

from flexserver.webhooks.service import Webhooks, networks

__all__ = ["Webhooks", "networks"]
