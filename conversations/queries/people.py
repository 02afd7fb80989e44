"""Facts and participants as JSON, for replies and events."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q

from conversations.models import BusinessAgent, CannedReply
from conversations.queries.fragments import FACTS, PARTICIPANT
from conversations.queries.statement import one, rows


class Seat(NamedTuple):
    """One participant of a page: JSON and place."""

    body: str
    id: int


def facts(conversation_id: UUID) -> str:
    """What is the same for everybody about a conversation: the data of its events. Uses index: conversations_pkey."""
    found = one(
        f"SELECT {FACTS} FROM conversations c WHERE c.id = %(conversation)s::uuid",
        {"conversation": conversation_id},
    )
    return str(found[0])


def participant(*, conversation_id: UUID, user_id: UUID) -> str:
    """One participant, also one who just left. Uses index: participants_unique_user."""
    found = one(
        f"""SELECT {PARTICIPANT} FROM participants p JOIN users u ON u.id = p.user_id
        WHERE p.conversation_id = %(conversation)s::uuid AND p.user_id = %(user)s::uuid""",
        {"conversation": conversation_id, "user": user_id},
    )
    return str(found[0])


def participants(*, conversation_id: UUID, limit: int, after: int = 0) -> list[Seat]:
    """A page of the live participants in the order they first joined. Uses index: participants_conversation_role."""
    found = rows(
        f"""SELECT {PARTICIPANT}, p.id FROM participants p JOIN users u ON u.id = p.user_id
        WHERE p.conversation_id = %(conversation)s::uuid AND p.left_at IS NULL AND p.id > %(after)s::bigint
        ORDER BY p.id LIMIT %(limit)s::int""",
        {"conversation": conversation_id, "after": after, "limit": limit},
    )
    return [Seat(*seat) for seat in found]


def participants_named(*, conversation_id: UUID, user_ids: Sequence[UUID]) -> list[str]:
    """These participants, in the order given. Uses index: participants_unique_user."""
    found = rows(
        f"""SELECT {PARTICIPANT} FROM unnest(%(users)s::uuid[]) WITH ORDINALITY AS named (id, place)
        JOIN participants p ON p.conversation_id = %(conversation)s::uuid AND p.user_id = named.id
        JOIN users u ON u.id = p.user_id ORDER BY named.place""",
        {"conversation": conversation_id, "users": list(user_ids)},
    )
    return [str(body) for (body,) in found]


def canned_replies(*, business_id: str, search: str, limit: int, after: str) -> list[CannedReply]:
    """A page of what a business's agents say often, by shortcuts. Uses index: canned_replies_unique_shortcut."""
    found = CannedReply.objects.filter(business_id=business_id, shortcut__gt=after)
    if search:
        found = found.filter(Q(shortcut__icontains=search) | Q(content__icontains=search))
    return list(found.order_by("shortcut")[:limit])


def agents(*, business_id: str, limit: int, after: int = 0) -> list[BusinessAgent]:
    """A page of those who answer for a business, with their accounts. Uses index: business_agents_unique_user."""
    found = BusinessAgent.objects.filter(business_id=business_id, pk__gt=after)
    return list(found.select_related("user").order_by("pk")[:limit])
