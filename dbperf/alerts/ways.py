"""By which ways word of an alert is sent, as the project's settings say: `DBPERF["ALERTS"]`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from dbperf.alerts import webhook
from dbperf.findings import Level

MAIL, WEBHOOK = "mail", "webhook"


class Post(Protocol):
    """How a webhook is called. Raises what `dbperf.alerts.webhook.post` raises."""

    def __call__(
        self, url: str, body: bytes, headers: Mapping[str, str], *, plain: bool, private: bool
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Ways:
    """`level`: what is less bad is no alert. `plain`: the webhook may be http. `private`: it may be an address that is
    not public. `post`: what calls it, where the project has a way of its own. `socket`: where the project tells
    browsers that alerts changed; empty where it does not."""

    level: Level
    mails: Sequence[str]
    url: str = field(repr=False)  # may hold a secret, as the next one is
    secret: str = field(repr=False)
    plain: bool
    private: bool
    socket: str
    post: Post = webhook.post

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
        post=import_string(given["WEBHOOK_POST"]) if given.get("WEBHOOK_POST") else webhook.post,
    )
