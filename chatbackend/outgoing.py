"""dbperf's alerts leave by the way that webhooks leave by. dbperf knows nothing of it: the settings name this function
(`DBPERF["ALERTS"]["WEBHOOK_POST"]`)."""

from collections.abc import Mapping
from ipaddress import ip_network

from dbperf.alerts.webhook import NotAccepted
from webhooks.outside import Refused, Rules, call

ANYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))


def post(url: str, body: bytes, headers: Mapping[str, str], *, plain: bool, private: bool) -> None:
    """As `dbperf.alerts.webhook.post`. The operator's own address may have any port."""
    rules = Rules(plain=plain, ports=None, networks=ANYWHERE if private else ())
    try:
        status = call(url, body, headers, rules, timeout_s=5.0).status
    except Refused as refused:
        raise NotAccepted(str(refused)) from None
    if not 200 <= status < 300:
        raise NotAccepted(f"answered {status}")
