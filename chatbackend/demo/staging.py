"""Has the demo accounts say their lines, through the same services as everybody, and then puts it into the past."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import singledispatchmethod
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from chatbackend.demo import accounts, story
from conversations.models import BusinessAgent, BusinessCase, Conversation, User
from conversations.services.business import assign_case, set_case_status
from conversations.services.conversations import create_group, open_case, open_direct
from conversations.services.participants import mark_read, update_membership
from messaging.services.backdating import backdate
from messaging.services.messages import delete_message, edit_message, send_message


@transaction.atomic
def fill(*, password: str) -> list[Conversation]:
    """Makes the accounts that are missing and all conversations; nothing where it was done before."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('demo', 0))")
    if BusinessAgent.objects.filter(business_id=story.BUSINESS).exists():
        return []
    for name, shown in accounts.missing().items():
        User.objects.create_user(name, password, display_name=shown)
    people = dict(User.objects.filter(username__in=_names()).values_list("username", "pk"))
    # Not by put_agent: there may be no staff yet to name the first agents.
    BusinessAgent.objects.bulk_create(
        BusinessAgent(business_id=story.BUSINESS, user_id=people[name], role=role)
        for name, role in story.AGENTS.items()
    )
    return [_Stage(people, talk).play() for talk in story.TALKS]


def _names() -> list[str]:
    return [*accounts.PEOPLE, *accounts.EXTRAS]


class _Stage:
    """One conversation while it is played."""

    def __init__(self, people: Mapping[str, UUID], talk: story.Talk) -> None:
        self._people = people
        self._talk = talk
        self._now = timezone.now()
        self._times: dict[int, datetime] = {}
        self._keys: dict[str, int] = {}
        self._room = self._opened().pk

    def play(self) -> Conversation:
        for step in self._talk.steps:
            self._do(step)
        for name in self._talk.pinned_by:
            update_membership(user_id=self._people[name], conversation_id=self._room, pinned=True)
        BusinessCase.objects.filter(conversation=self._room).update(
            priority=self._talk.priority, labels=list(self._talk.labels)
        )
        return backdate(conversation_id=self._room, sent_at=self._times)

    def _opened(self) -> Conversation:
        first, *others = (self._people[name] for name in self._talk.people)
        if self._talk.business:
            return open_case(customer_id=first, business_id=self._talk.business, name=self._talk.name)
        if self._talk.name:
            return create_group(creator_id=first, participant_ids=others, name=self._talk.name)
        return open_direct(creator_id=first, peer_id=others[0])[0]

    @singledispatchmethod
    def _do(self, step: story.Step) -> None:
        raise TypeError(step)

    @_do.register
    def _say(self, step: story.Say) -> None:
        sender = self._people[step.who]
        said = send_message(
            sender_id=sender,
            conversation_id=self._room,
            content=step.was or step.text,
            reply_to=self._keys.get(step.reply),
            mentions=[self._people[name] for name in step.mentions],
        )
        self._happened(said.seq, step.hours)
        if step.key:
            self._keys[step.key] = said.seq
        if step.was:
            edit_message(actor_id=sender, conversation_id=self._room, seq=said.seq, content=step.text)
        if step.gone:
            delete_message(actor_id=sender, conversation_id=self._room, seq=said.seq)

    @_do.register
    def _read(self, step: story.Read) -> None:
        mark_read(user_id=self._people[step.who], conversation_id=self._room, seq=max(self._times))

    @_do.register
    def _assign(self, step: story.Assign) -> None:
        actor, assignee = self._people[step.who], self._people[step.to]
        self._told(assign_case(actor_id=actor, conversation_id=self._room, assignee_id=assignee), step.hours)

    @_do.register
    def _set_status(self, step: story.Status) -> None:
        actor = self._people[step.who]
        self._told(
            set_case_status(actor_id=actor, conversation_id=self._room, status=step.status), step.hours
        )

    def _told(self, conversation: Conversation, hours: float) -> None:
        conversation.refresh_from_db(fields=["last_seq"])  # the notice was written by the app above
        self._happened(conversation.last_seq, hours)

    def _happened(self, seq: int, hours: float) -> None:
        self._times[seq] = self._now - timedelta(hours=hours)
