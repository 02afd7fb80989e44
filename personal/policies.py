"""Who may have what exported, and who can be erased, decided from facts already at hand: no queries here."""

from datetime import timedelta
from typing import Final

from conversations.exceptions import Conflict, Forbidden
from conversations.models import Conversation, User
from conversations.policies import MODERATORS, Role

AT_ONCE: Final = 3  # exports of one person that wait or are being made
A_DAY: Final = 20  # exports of one person
DAY: Final = timedelta(days=1)
ROWS_KEPT: Final = timedelta(days=30)  # of exports that are over; what was erased is kept for good


def require_exporter(conversation: Conversation, role: str) -> None:
    """Admins and owners of a group, agents of a case, and each of the two of a direct conversation."""
    if role in MODERATORS or role == Role.AGENT or conversation.type == Conversation.Type.DIRECT:
        return
    raise Forbidden("Only an admin, the owner or an agent may have a conversation exported.")


def require_erasable(user: User) -> None:
    """Whoever may erase others is not erased by one of them in passing."""
    if user.is_staff or user.is_superuser:
        raise Conflict("This is an account of staff: take that from it first.", code="staff_account")
