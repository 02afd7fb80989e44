"""Who may see what: the only way from an id given from outside to a conversation, for REST and socket alike."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from conversations.exceptions import Forbidden, NotFound, Unauthenticated
from conversations.models import (
    Block,
    BusinessAgent,
    BusinessCase,
    CannedReply,
    Conversation,
    Participant,
    User,
)
from conversations.queries import presence


@dataclass(frozen=True, slots=True)
class Access:
    """A conversation as one person may use it. `participant` is None for an agent who has not joined the case."""

    conversation: Conversation
    participant: Participant | None
    role: str


def get_conversation(
    *, user_id: UUID, conversation_id: UUID, lock: bool = False, speaking: bool = False
) -> Access:
    """The conversation, if this person takes part in it or answers for its business.

    `lock` holds the conversation's row until the transaction ends; whoever changes anything durable takes it first,
    before any other row. Two statements, three for an agent without a seat. Raises NotFound, absent or forbidden.

    `speaking` is for what the others would hear: of the two of a direct conversation, one may have blocked the other.
    Raises Forbidden then; one statement more there. Sending decides the same in its own statement.
    """
    rows = Conversation.objects.visible_to(user_id)
    if lock:
        rows = rows.select_for_update(of=("self",))
    conversation = rows.filter(pk=conversation_id).first()
    if conversation is None:
        raise NotFound("No such conversation.")
    # Read after the lock: a removal that committed while we waited is seen.
    seat = Participant.objects.live().filter(conversation=conversation, user=user_id).first()
    if seat is None and not _answers_for(conversation, user_id):
        raise NotFound("No such conversation.")
    if speaking and conversation.type == Conversation.Type.DIRECT:
        peers = conversation.participants.exclude(user=user_id).values("user")
        require_unblocked(user_id, by=peers)
    return Access(conversation, seat, seat.role if seat else Participant.Role.AGENT)


def require_unblocked(user_id: UUID, *, by: Any) -> None:
    """That a person, or who a query finds, wants to hear from this one. Uses index: blocks_unique. Raises Forbidden."""
    if Block.objects.filter(user__in=by, blocked=user_id).exists():
        raise Forbidden("This person does not want to hear from you.", code="blocked")


def _answers_for(conversation: Conversation, user_id: UUID) -> bool:
    """Asked once more: a customer who left, or an agent dismissed, while we waited for the lock has no role here."""
    agents = BusinessAgent.objects.filter(business_id=conversation.business_id, user=user_id)
    return conversation.type == Conversation.Type.BUSINESS and agents.exists()


def lock_cases(*, agent_id: UUID, business_id: str, assigned: bool = False) -> list[Conversation]:
    """The cases of a business in which this agent has a seat, locked, in one order for everybody.

    `assigned` adds those that are theirs and not resolved, in the same order. The caller has taken or deleted the
    agency: nobody takes a seat or is given a case meanwhile. Uses index: participants_user_live, conversations_pkey.
    """
    seats = Participant.objects.live().filter(user=agent_id, role=Participant.Role.AGENT)
    ids = set(seats.filter(conversation__business_id=business_id).values_list("conversation", flat=True))
    if assigned:
        theirs = BusinessCase.objects.filter(assignee=agent_id, conversation__business_id=business_id)
        ids.update(theirs.exclude(status=BusinessCase.Status.RESOLVED).values_list("conversation", flat=True))
    return list(Conversation.objects.filter(pk__in=ids).order_by("pk").select_for_update())


def get_user(user_id: UUID) -> User:
    """An account that others may see. Raises NotFound."""
    user = User.objects.active().filter(pk=user_id).first()
    if user is None:
        raise NotFound("No such user.")
    return user


def get_user_by_kaha_id(kaha_id: str) -> User:
    """An account by its id on the Kaha platform. Raises NotFound. Uses index: users_unique_kaha_id."""
    user = User.objects.active().filter(kaha_id=kaha_id).first()
    if user is None:
        raise NotFound("No such user.")
    return user


def get_agency(*, user_id: UUID, business_id: str, lock: bool = False) -> BusinessAgent:
    """This person's place among the agents of a business. Raises NotFound for everybody else.

    `lock` keeps it from being taken away until the transaction ends.
    """
    rows = BusinessAgent.objects.select_for_update(no_key=True) if lock else BusinessAgent.objects.all()
    agency = rows.filter(business_id=business_id, user=user_id).first()
    if agency is None:
        raise NotFound("No such business.")
    return agency


def get_canned_reply(*, user_id: UUID, business_id: str, reply_id: UUID, lock: bool = False) -> CannedReply:
    """A reply of a business, for its agents. Raises NotFound."""
    get_agency(user_id=user_id, business_id=business_id)
    rows = CannedReply.objects.select_for_update(no_key=True) if lock else CannedReply.objects.all()
    reply = rows.filter(pk=reply_id, business_id=business_id).first()
    if reply is None:
        raise NotFound("No such reply.")
    return reply


def require_active(user_id: UUID) -> None:
    """Tells a caller whose account is gone or closed from one who asked for too much. Raises Unauthenticated."""
    if not User.objects.active().filter(pk=user_id).exists():
        raise Unauthenticated("This account is not active.", code="account_inactive")


def get_any_conversation(conversation_id: UUID, *, lock: bool = False) -> Conversation:
    """For staff and commands, who need no seat. Raises NotFound."""
    rows = Conversation.objects.select_for_update() if lock else Conversation.objects.all()
    conversation = rows.filter(pk=conversation_id, deleted_at=None).first()
    if conversation is None:
        raise NotFound("No such conversation.")
    return conversation


def presence_visible_to(user_id: UUID, people: Collection[UUID]) -> list[UUID]:
    """Those of whom this person may know whether they are here; strangers and the unknown are left out alike."""
    known = presence.acquainted((user_id, person) for person in dict.fromkeys(people))
    return [person for person in dict.fromkeys(people) if (user_id, person) in known]
