"""What webhooks may do on this server, as its settings say."""

from django.conf import settings

from conversations.exceptions import Invalid
from webhooks.outside import Refused, Rules, target
from webhooks.outside.addresses import refuse_number


def rules() -> Rules:
    """Read each time: what the settings forbid is forbidden for webhooks that were made before, too."""
    return Rules(
        plain=settings.WEBHOOK_HTTP,
        ports=frozenset(settings.WEBHOOK_PORTS),
        networks=tuple(settings.WEBHOOK_NETWORKS),
    )


def require_callable(url: str) -> None:
    """Refuses what is seen to be forbidden without asking any other server. The rest is found out when it is called."""
    try:
        refuse_number(target(url, rules()).host, rules())
    except Refused as refused:
        raise Invalid.field("url", f"This cannot be called: {refused}.", code="url_not_allowed") from None
