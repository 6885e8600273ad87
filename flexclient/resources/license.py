"""What the box is licensed for (API.md, Licence)."""

from __future__ import annotations

from flexclient._bind import M, Resource, endpoint
from flexclient._call import Call
from flexclient._models import models as m


class Licensing(Resource[M]):
    """`client.license`."""

    @endpoint
    def get(self) -> Call[m.License]:
        """The licence that holds."""
        return Call("GET", "/flex/licensed", lambda: m.License)

    @endpoint
    def install(self, license: str) -> Call[m.License]:  # noqa: A002 - the API's word
        """Install a licence, the text that the vendor gave. Raises `ValidationError_` where it is not valid."""
        return Call("POST", "/flex/license", lambda: m.License, text=license)

    @endpoint
    def remove(self) -> Call[m.License]:
        """Remove the licence; answers what holds without it."""
        return Call("DELETE", "/flex/license", lambda: m.License)
