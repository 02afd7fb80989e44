"""Who may do what, decided from facts already at hand: no queries here."""

from datetime import datetime, timedelta
from typing import Final

from conversations.exceptions import Conflict, Forbidden, Invalid
from conversations.models import BusinessCase, Conversation, Participant

Role = Participant.Role
MODERATORS = frozenset({Role.OWNER, Role.ADMIN})
LONGEST_SNOOZE: Final = timedelta(days=366)


def require_moderator(role: str) -> None:
    """Admins and owners only."""
    if role not in MODERATORS:
        raise Forbidden("Only an admin or the owner may do this.")


def require_owner(role: str) -> None:
    """Owners only."""
    if role != Role.OWNER:
        raise Forbidden("Only the owner may do this.")


def require_agent(role: str) -> None:
    """Agents of the conversation's business only."""
    if role != Role.AGENT:
        raise Forbidden("Only an agent of this business may do this.")


def require_snoozable(case: BusinessCase, *, until: datetime | None, now: datetime) -> None:
    """What is resolved does not sleep, and nothing sleeps for ever."""
    if until is None:
        return
    if case.status == BusinessCase.Status.RESOLVED:
        raise Conflict("This case is resolved.", code="case_resolved")
    if not timedelta() < until - now <= LONGEST_SNOOZE:
        raise Invalid.field("until", "Give a time to come, within a year.", code="out_of_range")


def require_grant(actor_role: str, wanted: str) -> None:
    """A role may be given by those who outrank it; owners may share their own."""
    require_moderator(actor_role)
    if wanted not in {Role.OWNER, Role.ADMIN, Role.MEMBER}:
        raise Forbidden("That role is not given by hand.")
    if wanted != Role.MEMBER:
        require_owner(actor_role)


def is_stepping_down(role: str, wanted: str) -> bool:
    """Whether this is an admin giving the role up, which nobody needs to allow."""
    return role == Role.ADMIN and wanted == Role.MEMBER


def require_removable(actor_role: str, target_role: str) -> None:
    """Admins remove members, owners remove anybody."""
    require_moderator(actor_role)
    if target_role in MODERATORS:
        require_owner(actor_role)


def require_leavable(conversation: Conversation, role: str, *, other_owners: int, others: int) -> None:
    """A direct conversation has no way out, and a group keeps an owner while it has members."""
    if conversation.type == Conversation.Type.DIRECT:
        raise Conflict("A direct conversation cannot be left.", code="direct_conversation")
    if role == Role.OWNER and not other_owners and others:
        raise Conflict("Hand the ownership over first.", code="last_owner")
