"""A business's agents, and what they do with its cases."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from conversations import access, policies
from conversations.exceptions import Forbidden, Invalid, NotFound
from conversations.models import BusinessAgent, BusinessCase, Conversation, User
from conversations.services import announce, audit, notices, participants
from conversations.services.audit import Action
from conversations.signals import case_changed

Status = BusinessCase.Status


@transaction.atomic
def put_agent(*, actor: User, business_id: str, user_id: UUID, role: str) -> BusinessAgent:
    """Names an agent, or gives one another role. A new one's open sockets hear the business's cases at once."""
    _require_steward(actor, business_id)
    user = access.get_user(user_id)
    agent, new = BusinessAgent.objects.update_or_create(
        business_id=business_id, user=user, defaults={"role": role}
    )
    audit.keep(Action.AGENT_NAMED, actor=actor.pk, subject=user.pk, business=business_id, role=role)
    if new:
        notices.tell(user_id=user.pk, change="agency_joined", business_id=business_id)
    return agent


@transaction.atomic
def remove_agent(*, actor: User, business_id: str, user_id: UUID) -> None:
    """Dismisses an agent; the business's cases are closed to them at once, on open sockets too.

    Their cases belong to nobody afterwards, save those already resolved: these keep the name of who solved them.
    Agency first, then conversations by id: `assign_case` and `seated` have that order, too.
    """
    _require_steward(actor, business_id)
    deleted, _ = BusinessAgent.objects.filter(business_id=business_id, user=user_id).delete()
    if not deleted:
        raise NotFound("No such agent.")
    audit.keep(Action.AGENT_DISMISSED, actor=actor.pk, subject=user_id, business=business_id)
    for conversation in access.lock_cases(agent_id=user_id, business_id=business_id, assigned=True):
        release(conversation, actor=actor, agent_id=user_id)
    participants.unseat_agent(user_id=user_id, business_id=business_id)
    notices.tell(user_id=user_id, change="agency_left", business_id=business_id)


def release(conversation: Conversation, *, actor: User, agent_id: UUID) -> bool:
    """A case that is this agent's and not resolved belongs to nobody; whether it was. The caller holds its lock."""
    case = BusinessCase.objects.get(conversation=conversation)
    if case.assignee_id != agent_id or case.status == Status.RESOLVED:
        return False
    case.conversation = conversation
    _assign(case, actor, None)
    return True


def _require_steward(actor: User, business_id: str) -> None:
    if actor.is_staff:
        return
    if access.get_agency(user_id=actor.pk, business_id=business_id).role != BusinessAgent.Role.OWNER:
        raise Forbidden("Only an owner of this business may do this.")


@transaction.atomic
def assign_case(*, actor_id: UUID, conversation_id: UUID, assignee_id: UUID | None) -> Conversation:
    """Gives a case to one of the business's agents, or to nobody; the thread tells it."""
    assignee = _assignee(actor_id, conversation_id, assignee_id) if assignee_id else None
    case, actor = _case(actor_id, conversation_id)
    if case.assignee_id != assignee_id:
        _assign(case, actor, assignee)
    return case.conversation


def _assign(case: BusinessCase, actor: User, assignee: User | None) -> None:
    case.assignee = assignee
    case.save(update_fields=["assignee"])
    _tell(case, actor, {"action": "assign", "assignee": str(assignee.pk) if assignee else None}, assignee)


def words_of(metadata: Mapping[str, Any], *, actor: str, assignee: str | None) -> str | None:
    """What the thread tells of a change of its case, with these names; None where that is no such change."""
    match metadata.get("action"):
        case "assign":
            return f"{actor} assigned this to {assignee}" if assignee else f"{actor} unassigned this"
        case "status":
            return f"{actor} set the status to {metadata.get('status')}"
    return None


@transaction.atomic
def set_case_status(*, actor_id: UUID, conversation_id: UUID, status: str) -> Conversation:
    """Opens, parks or resolves a case, which wakes it; the thread tells it."""
    case, actor = _case(actor_id, conversation_id)
    if case.status == status:
        return case.conversation
    case.status = status
    case.resolved_at = timezone.now() if status == Status.RESOLVED else None
    case.snoozed_until = case.snoozed_seq = None
    case.save(update_fields=["status", "resolved_at", "snoozed_until", "snoozed_seq"])
    _tell(case, actor, {"action": "status", "status": status})
    return case.conversation


@transaction.atomic
def snooze_case(*, actor_id: UUID, conversation_id: UUID, until: datetime | None) -> Conversation:
    """Puts a case to sleep until a time, or wakes it. Status, time or the customer's next message wake it, too.

    The thread does not tell it: it is about the agents' day. Raises Invalid for a time that is past or more than a year
    ahead, Conflict for a resolved case.
    """
    case, _ = _case(actor_id, conversation_id)
    policies.require_snoozable(case, until=until, now=timezone.now())
    if case.snoozed_until != until:
        case.snoozed_until = until
        case.snoozed_seq = None if until is None else case.conversation.last_seq
        case.save(update_fields=["snoozed_until", "snoozed_seq"])
        case.conversation.stamp(facts=True)
        announce.conversation_changed(case.conversation)
    return case.conversation


def _case(actor_id: UUID, conversation_id: UUID) -> tuple[BusinessCase, User]:
    """The case behind a conversation, locked, for one of its agents."""
    found = access.get_conversation(user_id=actor_id, conversation_id=conversation_id, lock=True)
    policies.require_agent(found.role)
    case = BusinessCase.objects.get(conversation=found.conversation)
    case.conversation = found.conversation
    return case, access.get_user(actor_id)


def _assignee(actor_id: UUID, conversation_id: UUID, user_id: UUID) -> User:
    """One of the agents, who cannot be dismissed until the transaction ends. Comes before the conversation's lock."""
    found = access.get_conversation(user_id=actor_id, conversation_id=conversation_id)
    policies.require_agent(found.role)
    try:
        access.get_agency(user_id=user_id, business_id=found.conversation.business_id or "", lock=True)
        return access.get_user(user_id)
    except NotFound:
        raise Invalid.field("user_id", "Not an agent of this business.", code="not_an_agent") from None


def _tell(case: BusinessCase, actor: User, metadata: dict[str, object], assignee: User | None = None) -> None:
    content = words_of(metadata, actor=actor.name, assignee=assignee.name if assignee else None)
    case.conversation.stamp(facts=True)
    announce.conversation_changed(case.conversation)
    case_changed.send(
        BusinessCase, conversation=case.conversation, actor_id=actor.pk, content=content, metadata=metadata
    )
