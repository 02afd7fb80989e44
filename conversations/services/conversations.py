"""Opening, naming and ending conversations."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from conversations import access, policies
from conversations.exceptions import Conflict, Invalid
from conversations.models import BusinessCase, Conversation, Participant, User
from conversations.services import announce, audit
from conversations.services.audit import Action
from conversations.signals import case_opened

Role = Participant.Role
Type = Conversation.Type


@transaction.atomic
def open_direct(*, creator_id: UUID, peer_id: UUID) -> tuple[Conversation, bool]:
    """The direct conversation of these two, and whether it is new. The unique key decides who was first.

    Raises Forbidden where the other has blocked the creator.
    """
    if creator_id == peer_id:
        raise Invalid.field("participant_ids", "A direct conversation needs somebody else.", code="self")
    _require_people([peer_id])
    access.require_unblocked(creator_id, by=[peer_id])
    conversation, created = Conversation.objects.get_or_create(
        direct_key=Conversation.direct_key_of(creator_id, peer_id),
        defaults={"type": Type.DIRECT, "participant_count": 2},
    )
    if created:
        _seat(conversation, {creator_id: Role.MEMBER, peer_id: Role.MEMBER})
    return conversation, created


@transaction.atomic
def create_group(*, creator_id: UUID, participant_ids: Sequence[UUID], name: str = "") -> Conversation:
    """A group owned by its creator."""
    others = [user for user in dict.fromkeys(participant_ids) if user != creator_id]
    _require_people(others)
    conversation = Conversation.objects.create(type=Type.GROUP, name=name, participant_count=len(others) + 1)
    _seat(conversation, {creator_id: Role.OWNER, **dict.fromkeys(others, Role.MEMBER)})
    return conversation


@transaction.atomic
def open_case(*, customer_id: UUID, business_id: str, name: str = "", content: str = "") -> Conversation:
    """A customer's conversation with a business, with its first words if there are any."""
    conversation = Conversation.objects.create(
        type=Type.BUSINESS, business_id=business_id, name=name, participant_count=1
    )
    BusinessCase.objects.create(conversation=conversation)
    _seat(conversation, {customer_id: Role.CUSTOMER})
    if content:
        case_opened.send(Conversation, conversation=conversation, sender_id=customer_id, content=content)
    return conversation


@transaction.atomic
def update_conversation(
    *,
    actor_id: UUID,
    conversation_id: UUID,
    name: str | None = None,
    avatar_url: str | None = None,
    slow_mode_s: int | None = None,
) -> Conversation:
    """Renames a group, changes its picture, or the pause between two messages of a member (0: none)."""
    found = access.get_conversation(user_id=actor_id, conversation_id=conversation_id, lock=True)
    policies.require_moderator(found.role)
    conversation = found.conversation
    given = {"name": name, "avatar_url": avatar_url, "slow_mode_s": slow_mode_s}
    changes: dict[str, object] = {key: value for key, value in given.items() if value is not None}
    if "slow_mode_s" in changes:
        changes["slow_mode_s"] = slow_mode_s or None
    changes = {key: value for key, value in changes.items() if value != getattr(conversation, key)}
    if changes:
        conversation.stamp(facts=True, **changes)
        announce.conversation_changed(conversation)
    return conversation


@transaction.atomic
def delete_conversation(*, actor_id: UUID, conversation_id: UUID) -> None:
    """Ends a group for everybody. Its rows stay until they are purged; nobody sees them any more."""
    found = access.get_conversation(user_id=actor_id, conversation_id=conversation_id, lock=True)
    policies.require_owner(found.role)
    audit.keep(Action.CONVERSATION_DELETED, actor=actor_id, subject=conversation_id)
    end(found.conversation)


def end(conversation: Conversation) -> None:
    """The same, whoever decided it. The caller holds the conversation's lock."""
    now = timezone.now()
    version = conversation.stamp(facts=True, deleted_at=now, participant_count=0)
    live = Participant.objects.live().filter(conversation=conversation)
    left = list(live.values_list("user_id", flat=True))
    live.update(left_at=now, version=version)
    announce.conversation_deleted(conversation, left=left)


def _seat(conversation: Conversation, roles: dict[UUID, Role]) -> None:
    """The first participants; `conversation.created` is their joining."""
    Participant.objects.bulk_create(
        Participant(conversation=conversation, user_id=user, role=role) for user, role in roles.items()
    )
    announce.conversation_changed(conversation, name="conversation.created", joined=list(roles))


def _require_people(user_ids: Sequence[UUID]) -> None:
    """Every id names an account that may be talked to."""
    known = set(User.objects.active().filter(pk__in=user_ids).values_list("pk", flat=True))
    if unknown := [str(user) for user in user_ids if user not in known]:
        raise Invalid.field(
            "participant_ids", f"No such user: {', '.join(unknown[:5])}.", code="unknown_user"
        )


def require_group(conversation: Conversation) -> None:
    """Only a group's participants are managed by hand."""
    if conversation.type != Type.GROUP:
        raise Conflict("Only a group has members to manage.", code=f"{conversation.type}_conversation")
