"""What becomes of an account, its seats and its cases when its person is erased: docs/reference/erasure.md.

Everything here may be done again, and changes nothing then. What may be much is done in short transactions, each of
which is `noted`: how much it did, in the transaction itself.
"""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from rest_framework_simplejwt.token_blacklist.models import OutstandingToken

from conversations.models import (
    AuditEntry,
    Block,
    BusinessAgent,
    BusinessCase,
    Conversation,
    LastSeen,
    Participant,
    Presence,
    SocketTicket,
    User,
)
from conversations.services import announce, business, notices
from conversations.services.bulk import NO_PASSWORD
from conversations.services.conversations import end
from conversations.services.participants import unseat

Noted = Callable[[str, int], None]
Role = Participant.Role
NOBODY = "Deleted account"
BATCH = 1_000  # rows of a transaction that locks nothing else


def close_account(user: User) -> dict[str, int]:
    """Nobody signs in by it any more, its sockets are closed, and nothing in it tells who it was. How much was there.

    The caller holds the account's lock, in a transaction.
    """
    signed_in = OutstandingToken.objects.filter(user=user)
    ended = signed_in.count()
    signed_in.delete()
    SocketTicket.objects.filter(user=user).delete()
    known = _known(user)
    if known:
        User.objects.filter(pk=user.pk).update(**known)
        user.groups.clear()
        user.user_permissions.clear()
    if known or ended:
        notices.tell(user_id=user.pk, change="signed_out")
    return {"account": int(bool(known)), "sign_ins": ended}


def _known(user: User) -> dict[str, Any]:
    """What of an account tells of a person, and what takes its place. Nobody can register a name with a colon."""
    nobody = {
        "username": f"erased:{user.pk.hex}",
        "display_name": NOBODY,
        "avatar_url": "",
        "kaha_id": None,
        "password": NO_PASSWORD,
        "last_login": None,
        "is_active": False,
    }
    return {name: value for name, value in nobody.items() if getattr(user, name) != value}


def leave_business(*, user_id: UUID, actor: User, noted: Noted) -> None:
    """They answer for nobody any more, and what was theirs to solve belongs to nobody."""
    with transaction.atomic():
        noted("agencies", BusinessAgent.objects.filter(user=user_id).delete()[0])
    theirs = BusinessCase.objects.filter(assignee=user_id).exclude(status=BusinessCase.Status.RESOLVED)
    for conversation_id in each(theirs):
        with transaction.atomic():
            conversation = Conversation.objects.select_for_update().get(pk=conversation_id)
            noted("cases", int(business.release(conversation, actor=actor, agent_id=user_id)))


def leave_everywhere(*, user_id: UUID, noted: Noted) -> None:
    """Gives up every seat. Of those given up before, the person's own settings go, and the names of what was theirs: a
    case, or a group without anybody."""
    settled = Q(muted_until=None, pinned_at=None, archived_at=None, notify=Participant.Notify.ALL)
    seats = Participant.objects.filter(user=user_id)
    theirs = Q(role=Role.CUSTOMER) | Q(role=Role.OWNER, conversation__participant_count=0)
    named = ~Q(conversation__name="", conversation__avatar_url="")
    for seat in each(seats.filter(Q(left_at=None) | ~settled | (theirs & named))):
        with transaction.atomic():
            noted("seats", int(_give_up(seats.only("conversation_id").get(pk=seat).conversation_id, user_id)))


def _give_up(conversation_id: UUID, user_id: UUID) -> bool:
    """Whether it was still theirs."""
    conversation = Conversation.objects.select_for_update().get(pk=conversation_id)
    seat = Participant.objects.get(conversation=conversation, user=user_id)
    live = seat.left_at is None
    if live:
        _leave(conversation, seat)
    alone = conversation.participant_count == 0 and (live or seat.role == Role.OWNER)
    if (alone or seat.role == Role.CUSTOMER) and (conversation.name or conversation.avatar_url):
        _take_name_off(conversation)
    Participant.objects.filter(pk=seat.pk).update(
        muted_until=None, pinned_at=None, archived_at=None, notify=Participant.Notify.ALL
    )
    return live


def _take_name_off(conversation: Conversation) -> None:
    """It was called as they called it. Of a deleted one nobody hears anything any more."""
    if conversation.deleted_at is not None:
        Conversation.objects.filter(pk=conversation.pk).update(name="", avatar_url="")
        return
    conversation.stamp(facts=True, name="", avatar_url="")
    announce.conversation_changed(conversation)


def _leave(conversation: Conversation, seat: Participant) -> None:
    """A group keeps an owner while it has members; without any it ends."""
    others = Participant.objects.live().filter(conversation=conversation).exclude(pk=seat.pk)
    if conversation.type == Conversation.Type.GROUP and not others.exists():
        end(conversation)
        return
    if seat.role == Role.OWNER and not others.filter(role=Role.OWNER).exists():
        _hand_over(conversation, others)
    unseat(conversation, seat)


def _hand_over(conversation: Conversation, others: QuerySet[Participant]) -> None:
    """To the admin who was there first, or else the member."""
    active = others.filter(user__is_active=True).order_by("pk")
    heir = active.filter(role=Role.ADMIN).first() or active.first()
    if heir is not None:
        heir.role, heir.version = Role.OWNER, conversation.stamp()
        heir.save(update_fields=["role", "version"])
        announce.participant_changed(conversation, heir.user_id, name="participant.updated")


def forget_person(*, user_id: UUID, noted: Noted) -> None:
    """Whom they blocked and who blocked them, and when they were here."""
    for kind, rows in (
        ("blocks", Block.objects.filter(Q(user=user_id) | Q(blocked=user_id))),
        ("presence", Presence.objects.filter(user=user_id)),
        ("presence", LastSeen.objects.filter(user=user_id)),
    ):
        drop(rows, kind, noted)


def forget_addresses(*, user_id: UUID, noted: Noted) -> None:
    """Where they were when they did what the audit log tells; what they did stays, by id."""
    theirs = AuditEntry.objects.filter(actor=user_id, address__isnull=False)
    while keys := list(theirs.order_by("-at").values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            noted("addresses", AuditEntry.objects.filter(pk__in=keys).update(address=None))


def drop(rows: QuerySet[Any], kind: str, noted: Noted) -> None:
    """Deletes rows, a batch a transaction."""

    def batch() -> int:
        with transaction.atomic():
            keys = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
            rows.model._default_manager.filter(pk__in=keys).delete()
            noted(kind, len(keys))
        return len(keys)

    while batch() == BATCH:
        pass


def each(rows: QuerySet[Any]) -> Iterator[Any]:
    """The keys of rows, as they are while others are being changed; each comes once."""
    found: list[Any] = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
    while found:
        yield from found
        found = list(rows.filter(pk__gt=found[-1]).order_by("pk").values_list("pk", flat=True)[:BATCH])
