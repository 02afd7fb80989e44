"""By which ways word of an alert is sent, as the project's settings say: `DBPERF["ALERTS"]`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from dbperf.findings import Level

MAIL, WEBHOOK = "mail", "webhook"


@dataclass(frozen=True, slots=True)
class Ways:
    """`level`: what is less bad is no alert. `plain`: the webhook may be http. `private`: it may be an address that is
    not public. `socket`: where the project tells browsers that alerts changed; empty where it does not."""

    level: Level
    mails: Sequence[str]
    url: str = field(repr=False)  # may hold a secret, as the next one is
    secret: str = field(repr=False)
    plain: bool
    private: bool
    socket: str

    def __iter__(self) -> Iterator[str]:
        if self.mails:
            yield MAIL
        if self.url and self.secret:
            yield WEBHOOK


def ways() -> Ways:
    """Read each time, so that a change of settings needs no more than a restart."""
    given: dict[str, Any] = getattr(settings, "DBPERF", {}).get("ALERTS", {})
    return Ways(
        level=Level(given.get("LEVEL") or Level.WARNING),
        mails=tuple(given.get("MAILS", ())),
        url=str(given.get("WEBHOOK_URL", "")),
        secret=str(given.get("WEBHOOK_SECRET", "")),
        plain=settings.DEBUG,
        private=bool(given.get("WEBHOOK_PRIVATE", False)),
        socket=str(given.get("SOCKET", "")),
    )
