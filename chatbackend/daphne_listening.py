"""How many connections wait to be accepted where Daphne listens.

Twisted lets 50 wait and the kernel drops the others without a word, so that each tries again after 1, 3, 7, 15 and more
seconds: when thousands come back at once, the server stands idle between.
"""

from typing import Any

from daphne import server

BACKLOG = 4_096  # Linux takes no more (net.core.somaxconn)

_endpoint = server.serverFromString


def with_backlog(reactor: Any, description: str) -> Any:
    """An endpoint as it is described; our backlog where it names none."""
    listens = description.startswith(("tcp:", "tcp6:", "ssl:", "unix:"))
    return _endpoint(
        reactor,
        f"{description}:backlog={BACKLOG}" if listens and ":backlog=" not in description else description,
    )


def install() -> None:
    """Before Daphne makes its server."""
    server.serverFromString = with_backlog
