"""An alert in words for people, as JSON for programs, and on its way."""

import json
import time
from collections.abc import Mapping
from typing import Any

from django.core.mail import EmailMessage

from dbperf.alerts import webhook
from dbperf.alerts.states import Word
from dbperf.alerts.ways import MAIL, WEBHOOK, Ways
from dbperf.models import Alert

Said = Mapping[str, Any]


def said(alert: Alert, word: Word, *, at: str) -> dict[str, Any]:
    """What there is to say, as of now. Without the evidence, which may hold statements."""
    return {
        "alert": alert.pk,
        "turn": alert.turn,
        "what": str(word),
        "key": alert.key,
        "check": alert.check_name,
        "subject": alert.subject,
        "level": alert.level or alert.told,
        "detail": alert.detail,
        "remedy": alert.remedy.get("text", ""),
        "sql": alert.remedy.get("sql", ""),
        "at": at,
    }


def send(by: str, content: Said, *, delivery: str, given: Ways) -> None:
    """Once, by one way. Raises whatever stands in it."""
    if by == MAIL and given.mails:
        mail(content, given, delivery=delivery).send()
    elif by == WEBHOOK and given.url and given.secret:
        _call(content, delivery, given)
    else:
        raise webhook.NotAccepted("this way is not set up any more")


def mail(content: Said, given: Ways, *, delivery: str) -> EmailMessage:
    """As it stands in a mailbox; a second attempt has the same id, by which mailboxes tell."""
    headline = f"{_status(content)} {content['check']}: {content['subject']}"
    lines = [
        content["detail"],
        "",
        content["remedy"],
        content["sql"],
        "",
        f"{content['what']} {content['at']}",
    ]
    headers = {"Message-ID": f"<{delivery}@dbperf.invalid>"}
    # A name of a table may hold a line feed; in a header it would begin another one.
    subject = " ".join(headline.split())[:200]
    return EmailMessage(subject, "\n".join(lines), to=list(given.mails), headers=headers)


def _status(content: Said) -> str:
    return "Resolved:" if content["what"] == Word.RESOLVED else f"{content['level'].capitalize()}:"


def _call(content: Said, delivery: str, given: Ways) -> None:
    body = json.dumps({"delivery": delivery, **content}).encode()
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "dbperf",
        "X-Dbperf-Delivery": delivery,
        "X-Dbperf-Timestamp": timestamp,
        "X-Dbperf-Signature": f"sha256={webhook.signature(given.secret, timestamp, body)}",
    }
    given.post(given.url, body, headers, plain=given.plain, private=given.private)
