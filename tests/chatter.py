"""People doing anything they can in one group, in any order: a state machine for hypothesis.

Tests add what must hold after each step. `steps` keeps the envelopes of the last step.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from conversations.events import Envelope
from conversations.exceptions import ChatError
from conversations.models import Conversation, Participant, User
from conversations.services import conversations, participants
from messaging.services import bulk, messages, reactions
from tests import factories

PEOPLE = 4
SETTINGS = settings(
    max_examples=15,
    stateful_step_count=16,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
who = st.integers(0, PEOPLE - 1)
place = st.integers(1, 8)


class Chatter(RuleBasedStateMachine):
    """One group of four. A refused step changes nothing, and is a step as well."""

    def __init__(self) -> None:
        super().__init__()
        self.people: list[User] = factories.persons(PEOPLE)
        self.room: UUID = factories.group(*self.people)
        self.read = dict.fromkeys([person.pk for person in self.people], 0)
        self.steps: list[Envelope] = []
        self.batches = 0

    def do(self, step: Callable[..., Any], **given: Any) -> Any:
        """Takes a step; None where it was refused."""
        with factories.heard() as self.steps:
            try:
                return step(conversation_id=self.room, **given)
            except ChatError:
                return None

    def conversation(self) -> Conversation:
        return Conversation.objects.get(pk=self.room)

    def live(self) -> list[User]:
        seats = Participant.objects.live().filter(conversation=self.room).values_list("user_id", flat=True)
        return [person for person in self.people if person.pk in set(seats)]

    @rule(by=who, named=st.lists(who, max_size=3), reply_to=st.none() | place)
    def send(self, by: int, named: list[int], reply_to: int | None) -> None:
        sender, mentions = self.people[by].pk, [self.people[one].pk for one in named]
        done = self.do(
            messages.send_message, sender_id=sender, content="x", mentions=mentions, reply_to=reply_to
        )
        if done:
            self.read[sender] = done.seq

    @rule(by=who, seq=place, content=st.sampled_from(["x", "y"]))
    def edit(self, by: int, seq: int, content: str) -> None:
        self.do(messages.edit_message, actor_id=self.people[by].pk, seq=seq, content=content)

    @rule(by=who, seq=place)
    def delete(self, by: int, seq: int) -> None:
        self.do(messages.delete_message, actor_id=self.people[by].pk, seq=seq)

    @rule(by=who, seq=place, emoji=st.sampled_from("\N{EYES}\N{FIRE}\N{SNAIL}"), on=st.booleans())
    def react(self, by: int, seq: int, emoji: str, on: bool) -> None:
        self.do(reactions.react, actor_id=self.people[by].pk, seq=seq, emoji=emoji, on=on)

    @rule(by=who, seq=place)
    def mark_read(self, by: int, seq: int) -> None:
        user = self.people[by].pk
        if self.do(participants.mark_read, user_id=user, seq=seq):
            self.read[user] = max(self.read[user], min(seq, self.conversation().last_seq))

    @rule(by=who, seq=place)
    def mark_unread(self, by: int, seq: int) -> None:
        user = self.people[by].pk
        if self.do(participants.mark_unread_from, user_id=user, seq=seq):
            self.read[user] = min(seq - 1, self.conversation().last_seq)

    @rule(by=who, of=who)
    def remove(self, by: int, of: int) -> None:
        self.do(participants.remove_participant, actor_id=self.people[by].pk, user_id=self.people[of].pk)

    @rule(by=who, of=who)
    def add(self, by: int, of: int) -> None:
        user, away = self.people[of].pk, self.people[of] not in self.live()
        given = {"actor_id": self.people[by].pk, "user_ids": [user]}
        if self.do(participants.add_participants, **given) and away:
            self.read[user] = self.conversation().last_seq

    @rule(by=who, of=who, role=st.sampled_from(["owner", "admin", "member"]))
    def promote(self, by: int, of: int, role: str) -> None:
        actor, user = self.people[by].pk, self.people[of].pk
        self.do(participants.set_role, actor_id=actor, user_id=user, role=role)

    @rule(by=who, name=st.sampled_from(["", "den", "attic"]))
    def rename(self, by: int, name: str) -> None:
        self.do(conversations.update_conversation, actor_id=self.people[by].pk, name=name)

    @rule()
    def notice(self) -> None:
        self.do(messages.send_notice, actor_id=self.people[0].pk, content="Something happened", metadata={})

    @rule(by=st.lists(who, min_size=1, max_size=4), again=st.booleans())
    def batch(self, by: list[int], again: bool) -> None:
        self.batches += not again
        then = timezone.now() - timedelta(days=1)
        lines = [
            bulk.Line(self.people[one].pk, "from elsewhere", then, f"{self.batches}:{number}")
            for number, one in enumerate(by)
        ]
        self.do(bulk.add_batch, lines=lines)
