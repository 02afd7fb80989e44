"""Events, changes and history tell the same story."""

from uuid import UUID

import orjson
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule, run_state_machine_as_test

from conversations.exceptions import NotFound
from conversations.models import User
from conversations.queries import people
from conversations.services import business, conversations, participants
from messaging import events
from messaging.queries import changes
from messaging.services import changes as missed
from messaging.services import messages
from tests import factories
from tests.chatter import SETTINGS, Chatter
from tests.factories import Json, frame
from tests.oracle import Client

pytestmark = pytest.mark.django_db


def _fresh(viewer: User, room: UUID) -> Client:
    """A client that reads everything anew."""
    shown = factories.view(viewer, room)
    assert shown is not None
    facts = orjson.loads(people.facts(room))
    history = factories.said(viewer, room)
    return Client(facts, factories.seated(viewer, room), history, version=shown["version"], me=str(viewer.pk))


def _pages(viewer: User, room: UUID, after: int, limit: int) -> list[Json]:
    """Every change after a version, read a page at a time as a client does."""
    found, reached = [], after
    while True:
        page = missed.changes_since(
            viewer=viewer.pk, conversation_id=room, after=reached, limit=limit, known=after
        )
        assert len(page.frames) <= limit
        found += [orjson.loads(line) for line in page.frames]
        reached = page.reached
        if not page.more:
            return found


def _for_everybody(room: UUID, after: int) -> list[Json]:
    """Every change after a version, as the hub reads it for all its sockets."""
    found = changes.changes_since(conversation_id=room, after=after, limit=200)
    return [orjson.loads(line) for line in events.replay(room, found, after=after)]


def _since(room: UUID, after: int, known: int | None = None) -> list[tuple[str, int]]:
    found = changes.changes_since(conversation_id=room, after=after, limit=200, known=known)
    return [(change.event, change.version) for change in found]


class ToldChatter(Chatter):
    """A client that hears every event knows what one knows that reads everything anew; so does one that was away."""

    @initialize()
    def begin(self) -> None:
        self.clients = [_fresh(person, self.room) for person in self.people]
        self.past = [[client.copy() for client in self.clients]]

    def watching(self) -> int:
        """Whose client is looked at: the first who takes part, or nobody's (-1)."""
        live = self.live()
        return self.people.index(live[0]) if live else -1

    @invariant()
    def hearing_is_knowing(self) -> None:
        for envelope in self.steps:
            if envelope["version"] is not None:
                for client in self.clients:
                    assert envelope["prev"] == client.version
                    client.apply(frame(envelope))
                self.past.append([client.copy() for client in self.clients])
        self.steps = []
        if (watching := self.watching()) >= 0:
            fresh = _fresh(self.people[watching], self.room)
            assert self.clients[watching].state() == fresh.state()
            assert self.clients[watching].version == fresh.version

    @rule(back=st.integers(0, 40), limit=st.integers(1, 4))
    def catch_up(self, back: int, limit: int) -> None:
        """By what one is told for oneself, and by what the hub reads for everybody."""
        if (watching := self.watching()) < 0:
            return
        before = self.past[-1 - min(back, len(self.past) - 1)][watching]
        for found in (
            _pages(self.people[watching], self.room, before.version, limit),
            _for_everybody(self.room, before.version),
        ):
            away = before.copy()
            for change in found:
                away.apply(change)
            assert away.state() == self.clients[watching].state()


def test_events_and_changes_lead_to_what_reading_anew_shows() -> None:
    run_state_machine_as_test(ToldChatter, settings=SETTINGS)


def test_the_events_of_a_case_lead_there_too() -> None:
    customer, agent = factories.person(), factories.agent()
    room = factories.case(customer, content="help")
    client = _fresh(customer, room)
    with factories.heard() as envelopes:
        factories.say(agent, room, "looking into it")
        factories.say(agent, room, "done", reply_to=1)
        business.assign_case(actor_id=agent.pk, conversation_id=room, assignee_id=agent.pk)
        business.set_case_status(actor_id=agent.pk, conversation_id=room, status="resolved")
    for envelope in envelopes:
        assert envelope["prev"] == client.version
        client.apply(frame(envelope))
    assert client.state() == _fresh(customer, room).state()


def test_a_client_that_knows_nothing_is_told_from_the_creation_on() -> None:
    ann, ben, cat = factories.persons(3)
    room = factories.group(ann, ben)
    factories.say(ann, room)
    participants.add_participants(actor_id=ann.pk, conversation_id=room, user_ids=[cat.pk])
    assert _since(room, 0) == [("conversation.created", 1), ("message.created", 2), ("participant.joined", 3)]


def test_a_message_changed_between_two_pages_is_new_to_who_never_saw_it() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    factories.say(ann, room)
    messages.edit_message(actor_id=ann.pk, conversation_id=room, seq=1, content="changed")
    assert _since(room, 2) == [("message.updated", 3)]
    assert _since(room, 2, known=1) == [("message.created", 3)]


def test_a_message_edited_five_times_comes_once() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    factories.say(ann, room)
    for number in range(5):
        messages.edit_message(actor_id=ann.pk, conversation_id=room, seq=1, content=str(number))
    assert _since(room, 2) == [("message.updated", 7)]


def test_a_role_is_news_of_somebody_known_and_a_joining_of_somebody_new() -> None:
    ann, ben = factories.persons(2)
    room = factories.group(ann)
    participants.add_participants(actor_id=ann.pk, conversation_id=room, user_ids=[ben.pk])
    participants.set_role(actor_id=ann.pk, conversation_id=room, user_id=ben.pk, role="admin")
    assert _since(room, 1) == [("participant.joined", 3)]
    assert _since(room, 2) == [("participant.updated", 3)]
    participants.leave(user_id=ben.pk, conversation_id=room)
    assert _since(room, 2) == [("participant.left", 4)]


def test_a_limit_neither_loses_nor_reorders_changes_of_different_kinds() -> None:
    ann, *others = factories.persons(6)
    room = factories.group(ann)
    for number, other in enumerate(others):
        factories.say(ann, room)
        participants.add_participants(actor_id=ann.pk, conversation_id=room, user_ids=[other.pk])
        conversations.update_conversation(actor_id=ann.pk, conversation_id=room, name=str(number))
    everything = _since(room, 0)
    for limit in range(1, 6):
        paged = [(one["event"], one["version"]) for one in _pages(ann, room, 0, limit)]
        assert [one for one in paged if one[0] != "conversation.updated"] == everything
        assert [version for _, version in paged] == sorted({version for _, version in paged})


def test_changes_are_for_those_who_may_read() -> None:
    ann, ben, eve = factories.persons(3)
    room = factories.direct(ann, ben)
    with pytest.raises(NotFound):
        missed.changes_since(viewer=eve.pk, conversation_id=room, after=0, limit=10)


def _moved(viewer: User, cursors: dict[UUID, int], **more: bool) -> dict[UUID, tuple[int | None, int]]:
    found = changes.moved(viewer=viewer.pk, cursors=cursors, **more)
    return {one.conversation: (one.after, one.version) for one in found}


def test_moved_names_what_moved_what_is_unknown_and_what_is_gone() -> None:
    ann, ben, cat = factories.persons(3)
    still, lively, new = factories.direct(ann, ben), factories.direct(ann, cat), factories.group(ann)
    factories.say(ann, lively)
    foreign = factories.direct(ben, cat)
    found = _moved(ann, {still: 1, lively: 1, foreign: 1})
    assert found == {lively: (1, 2), new: (None, 1), foreign: (1, 0)}


def test_moved_leaves_out_what_was_not_named_on_demand() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    factories.group(ann)
    assert _moved(ann, {room: 0}, only_named=True) == {room: (0, 1)}


def test_moved_tells_a_client_that_is_ahead_of_the_database() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    assert _moved(ann, {room: 9}) == {room: (9, 1)}


def test_moved_knows_the_cases_an_agent_has_not_joined_when_named() -> None:
    customer, agent = factories.person(), factories.agent()
    room = factories.case(customer)
    assert _moved(agent, {room: 0}) == {room: (0, 1)}
    assert _moved(agent, {}) == {}


def test_a_closed_account_finds_everything_gone() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    ann.is_active = False
    ann.save()
    assert _moved(ann, {room: 1}) == {room: (1, 0)}


def test_sync_resets_what_is_too_far_behind() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    for _ in range(missed.EACH):
        factories.say(ann, room)
    near, far = (missed.sync(viewer=ann.pk, cursors={room: version})[0] for version in (1, 0))
    assert (len(near.frames), near.reset, near.version) == (missed.EACH, False, missed.EACH + 1)
    assert (far.frames, far.reset) == ([], True)
