"""What Daphne's HTTP half lacks: every body is left to the application."""

from typing import Any

from daphne import server
from daphne.http_protocol import HTTPFactory, WebRequest


class Request(WebRequest):  # type: ignore[misc]
    """Twisted would read form bodies, for itself, and answer a bare 400 to those it cannot read."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._parsePOSTFormSubmission = False


class Factory(HTTPFactory):  # type: ignore[misc]
    """Makes our requests."""

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802 - Twisted's name
        """The channel of one connection."""
        protocol = super().buildProtocol(addr)
        protocol.requestFactory = Request
        return protocol


def install() -> None:
    """Before Daphne makes its server."""
    server.HTTPFactory = Factory
