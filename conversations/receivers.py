"""What Django's own sign-in, that of the admin, has written down."""

from typing import Any

from conversations.models import User
from conversations.services import audit
from conversations.services.audit import Action


def staff_signed_in(sender: Any, user: User, **_: Any) -> None:
    """With a session's cookie."""
    audit.keep(Action.STAFF_SIGNED_IN, actor=user.pk)


def staff_refused(sender: Any, credentials: dict[str, Any], **_: Any) -> None:
    """The name that was typed may be a password in the wrong field: only whose account it is stays."""
    found = (
        User.objects.filter(username=str(credentials.get("username", "")))
        .values_list("pk", flat=True)
        .first()
    )
    audit.keep(Action.STAFF_SIGN_IN_REFUSED, actor=None, subject=found or "")
