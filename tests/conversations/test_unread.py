"""What waits for whom, held against a count by hand, whatever people do."""

import orjson
import pytest
from hypothesis.stateful import invariant, run_state_machine_as_test

from conversations.models import User
from conversations.queries import inbox
from conversations.services import participants
from tests import factories
from tests.chatter import SETTINGS, Chatter
from tests.factories import Json
from tests.oracle import Unread, recount, require_order

pytestmark = pytest.mark.django_db


def _totals(viewer: User) -> Json:
    found = inbox.unread_totals(viewer=viewer.pk)
    assert found is not None
    totals: Json = orjson.loads(found)
    return totals


def _counts(conversation: Json) -> Unread:
    return Unread(conversation["unread_count"], conversation["mention_count"])


class CountedChatter(Chatter):
    """After every step every place that shows a count shows the same as counting the rows."""

    @invariant()
    def every_count_is_right(self) -> None:
        for viewer in self.live():
            expected = recount(self.room, viewer.pk, last_read_seq=self.read[viewer.pk])
            assert [_counts(one) for one in factories.inbox_of(viewer)] == [expected]
            shown = factories.view(viewer, self.room)
            assert shown is not None
            assert _counts(shown) == expected
            self.totals_agree(viewer, expected)

    def totals_agree(self, viewer: User, expected: Unread) -> None:
        totals = _totals(viewer)
        assert totals["total"] == expected.unread_count
        named = [_counts(one) for one in totals["conversations"]]
        assert named == ([expected] if any(expected) else [])

    @invariant()
    def read_positions_are_where_people_left_them(self) -> None:
        for viewer in self.live():
            assert factories.seat(viewer, self.room).last_read_seq == self.read[viewer.pk]

    @invariant()
    def places_and_versions_are_in_order(self) -> None:
        conversation = self.conversation()
        require_order(self.room, last_seq=conversation.last_seq, version=conversation.version)
        assert conversation.participant_count == len(self.live())


def test_counts_agree_with_counting_by_hand_whatever_happens() -> None:
    run_state_machine_as_test(CountedChatter, settings=SETTINGS)


def test_own_messages_never_wait_for_their_sender() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    for _ in range(3):
        factories.say(ann, room)
    participants.mark_unread_from(user_id=ann.pk, conversation_id=room, seq=1)
    assert _totals(ann) == {"total": 0, "conversations": []}
    assert _totals(ben)["total"] == 3


def test_marking_unread_from_before_the_first_message_counts_everything() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    factories.say(ben, room)
    position = participants.mark_unread_from(user_id=ann.pk, conversation_id=room, seq=0)
    assert position == (0, 1)


def test_reading_past_the_end_reaches_the_end_only() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    factories.say(ben, room)
    assert participants.mark_read(user_id=ann.pk, conversation_id=room, seq=10**30) == (1, 0)
    factories.say(ben, room)
    assert _totals(ann)["total"] == 1


def test_reading_never_moves_back() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    for _ in range(3):
        factories.say(ben, room)
    participants.mark_read(user_id=ann.pk, conversation_id=room, seq=3)
    assert participants.mark_read(user_id=ann.pk, conversation_id=room, seq=1) == (3, 0)


def test_a_conversation_left_or_deleted_counts_nothing() -> None:
    ann, ben, cat = factories.persons(3)
    room = factories.group(ann, ben, cat)
    factories.say(ann, room)
    participants.leave(user_id=ben.pk, conversation_id=room)
    assert _totals(ben) == {"total": 0, "conversations": []}


def test_an_agent_who_has_not_joined_sees_what_the_customer_wrote_as_unread() -> None:
    customer, agent = factories.person(), factories.agent()
    room = factories.case(customer, content="help")
    factories.say(customer, room, "please")
    shown = factories.view(agent, room)
    assert shown is not None
    assert _counts(shown) == (2, 0)


def test_an_agent_who_left_the_case_has_no_unread_of_their_own() -> None:
    customer, agent = factories.person(), factories.agent()
    room = factories.case(customer)
    factories.say(agent, room)
    factories.say(customer, room)
    participants.leave(user_id=agent.pk, conversation_id=room)
    shown = factories.view(agent, room)
    assert shown is not None
    assert _counts(shown) == (1, 0)
