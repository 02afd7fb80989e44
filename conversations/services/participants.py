"""Who takes part, in which role, and what each has read."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from conversations import access, events, policies
from conversations.access import Access
from conversations.exceptions import Conflict, Invalid, NotFound
from conversations.models import Conversation, Participant, User
from conversations.queries import inbox
from conversations.services import announce, audit
from conversations.services.audit import Action
from conversations.services.conversations import require_group

Role = Participant.Role


class ReadPosition(NamedTuple):
    """Up to where somebody has read, and what is left."""

    last_read_seq: int
    unread_count: int


@transaction.atomic
def add_participants(
    *, actor_id: UUID, conversation_id: UUID, user_ids: Sequence[UUID], role: str = Role.MEMBER
) -> list[UUID]:
    """Brings people into a group and returns all of them; those already in keep their role."""
    found = access.get_conversation(user_id=actor_id, conversation_id=conversation_id, lock=True)
    policies.require_moderator(found.role)
    require_group(found.conversation)
    policies.require_grant(found.role, role)
    wanted = list(dict.fromkeys(user_ids))
    known = set(User.objects.active().filter(pk__in=wanted).values_list("pk", flat=True))
    if unknown := [str(user) for user in wanted if user not in known]:
        raise Invalid.field("user_ids", f"No such user: {', '.join(unknown[:5])}.", code="unknown_user")
    live = Participant.objects.live().filter(conversation=found.conversation, user__in=wanted)
    present = set(live.values_list("user_id", flat=True))
    for user in wanted:
        if user not in present:
            join(found.conversation, user, role=role)
    return wanted


def join(conversation: Conversation, user_id: UUID, *, role: str) -> Participant:
    """Seats one person at the conversation's next version; what was said before counts as read.

    The caller holds the conversation's lock.
    """
    version = conversation.stamp(participant_count=conversation.participant_count + 1)
    participant, _ = Participant.objects.update_or_create(
        conversation=conversation,
        user_id=user_id,
        defaults={
            "role": role,
            "joined_at": timezone.now(),
            "left_at": None,
            "last_read_seq": conversation.last_seq,
            "version": version,
            "joined_version": version,
        },
    )
    announce.participant_changed(conversation, user_id, name="participant.joined")
    return participant


def unseat_agent(*, user_id: UUID, business_id: str) -> None:
    """Ends a dismissed agent's seats in a business's cases: a seat would outlast the agency.

    The caller has deleted the agency in this transaction. Agency first, then conversations: `seated` has that order,
    too, so that nobody takes a seat meanwhile.
    """
    for conversation in access.lock_cases(agent_id=user_id, business_id=business_id):
        seat = (
            Participant.objects.live()
            .filter(conversation=conversation, user=user_id, role=Role.AGENT)
            .first()
        )
        if seat is not None:
            unseat(conversation, seat)


def unseat(conversation: Conversation, participant: Participant) -> None:
    """Ends a seat at the conversation's next version. The caller holds the conversation's lock."""
    participant.version = conversation.stamp(participant_count=conversation.participant_count - 1)
    participant.left_at = timezone.now()
    participant.save(update_fields=["version", "left_at"])
    announce.participant_changed(conversation, participant.user_id, name="participant.left")


def _target(found: Access, user_id: UUID) -> Participant:
    participant = Participant.objects.live().filter(conversation=found.conversation, user=user_id).first()
    if participant is None:
        raise NotFound("No such participant.")
    return participant


@transaction.atomic
def set_role(*, actor_id: UUID, conversation_id: UUID, user_id: UUID, role: str) -> None:
    """Gives a member of a group another role; an owner who steps down leaves another behind."""
    found = access.get_conversation(user_id=actor_id, conversation_id=conversation_id, lock=True)
    policies.require_moderator(found.role)
    require_group(found.conversation)
    target = _target(found, user_id)
    if not (actor_id == user_id and policies.is_stepping_down(target.role, role)):
        policies.require_grant(found.role, role)
        policies.require_removable(found.role, target.role)
    if target.role == Role.OWNER and role != Role.OWNER and not _other_owners(found, target):
        raise Conflict("Hand the ownership over first.", code="last_owner")
    if target.role != role:
        target.role, target.version = role, found.conversation.stamp()
        target.save(update_fields=["role", "version"])
        told = {"conversation": str(conversation_id), "role": role}
        audit.keep(Action.ROLE_GIVEN, actor=actor_id, subject=user_id, **told)
        announce.participant_changed(found.conversation, user_id, name="participant.updated")


@transaction.atomic
def remove_participant(*, actor_id: UUID, conversation_id: UUID, user_id: UUID) -> None:
    """Removes somebody from a group; removing oneself is leaving."""
    if actor_id == user_id:
        leave(user_id=user_id, conversation_id=conversation_id)
        return
    found = access.get_conversation(user_id=actor_id, conversation_id=conversation_id, lock=True)
    policies.require_moderator(found.role)
    require_group(found.conversation)
    target = _target(found, user_id)
    policies.require_removable(found.role, target.role)
    unseat(found.conversation, target)


@transaction.atomic
def leave(*, user_id: UUID, conversation_id: UUID) -> None:
    """Gives up one's seat. An agent without one has nothing to leave (NotFound)."""
    found = access.get_conversation(user_id=user_id, conversation_id=conversation_id, lock=True)
    target = _target(found, user_id)
    others = found.conversation.participant_count - 1
    policies.require_leavable(
        found.conversation, target.role, other_owners=_other_owners(found, target), others=others
    )
    unseat(found.conversation, target)


def _other_owners(found: Access, target: Participant) -> int:
    owners = Participant.objects.live().filter(conversation=found.conversation, role=Role.OWNER)
    return owners.exclude(pk=target.pk).count()


@transaction.atomic
def update_membership(
    *,
    user_id: UUID,
    conversation_id: UUID,
    muted_until: datetime | str | None = "",
    pinned: bool | None = None,
    archived: bool | None = None,
    notify: str | None = None,
) -> None:
    """Changes one's own settings; they are nobody else's business and take no version. `""` keeps `muted_until`.

    What is archived is put away until something is said there.
    """
    now = timezone.now()
    changes: dict[str, object] = {
        **({} if muted_until == "" else {"muted_until": muted_until}),
        **({} if pinned is None else {"pinned_at": now if pinned else None}),
        **({} if notify is None else {"notify": notify}),
    }
    found = seated(user_id=user_id, conversation_id=conversation_id)
    if archived is not None:  # PostgreSQL's clock, which stamps messages, may be ahead of ours
        changes["archived_at"] = max(now, found.conversation.last_activity_at) if archived else None
    if changes:
        Participant.objects.live().filter(conversation=found.conversation, user=user_id).update(**changes)


@transaction.atomic
def seated(*, user_id: UUID, conversation_id: UUID) -> Access:
    """Access with a seat: an agent who first uses a case joins it. Raises NotFound."""
    found = access.get_conversation(user_id=user_id, conversation_id=conversation_id)
    if found.participant is not None:
        return found
    access.get_agency(user_id=user_id, business_id=found.conversation.business_id or "", lock=True)
    found = access.get_conversation(user_id=user_id, conversation_id=conversation_id, lock=True)
    seat = found.participant or join(found.conversation, user_id, role=Role.AGENT)
    return Access(found.conversation, seat, Role.AGENT)


@transaction.atomic
def mark_read(*, user_id: UUID, conversation_id: UUID, seq: int) -> ReadPosition:
    """Moves one's read position forward to `seq`, never back, never past the newest message."""
    found = seated(user_id=user_id, conversation_id=conversation_id)
    reached = min(seq, found.conversation.last_seq)
    moved = Participant.objects.live().filter(
        conversation=found.conversation, user=user_id, last_read_seq__lt=reached
    )
    if moved.update(last_read_seq=reached):
        _announce_read(found.conversation, user_id, reached)
    return _position(found.conversation, user_id)


@transaction.atomic
def mark_unread_from(*, user_id: UUID, conversation_id: UUID, seq: int) -> ReadPosition:
    """Puts one's read position just before `seq`, wherever it was."""
    found = seated(user_id=user_id, conversation_id=conversation_id)
    position = max(0, min(seq - 1, found.conversation.last_seq))
    Participant.objects.live().filter(conversation=found.conversation, user=user_id).update(
        last_read_seq=position
    )
    _announce_read(found.conversation, user_id, position)
    return _position(found.conversation, user_id)


def _position(conversation: Conversation, user_id: UUID) -> ReadPosition:
    found = inbox.unread_count(viewer=user_id, conversation_id=conversation.pk)
    if found is None:
        raise NotFound("No such conversation.")
    return ReadPosition(*found)


def _announce_read(conversation: Conversation, user_id: UUID, seq: int) -> None:
    events.publish_passing(
        conversation=conversation.pk,
        frame=f'{{"event":"read","conversation":"{conversation.pk}","user":"{user_id}","seq":{seq}}}',
        business_id=conversation.business_id,
    )
