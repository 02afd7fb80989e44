"""Emojis under messages."""

from typing import Any
from urllib.parse import quote
from uuid import UUID

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.exceptions import ChatError, Conflict, Invalid, NotFound
from conversations.models import Conversation, User
from conversations.services import participants
from messaging import events, limits
from messaging.emojis import spelled
from messaging.models import Message, Reaction
from messaging.queries import changes
from messaging.services import messages
from messaging.services.reactions import react
from tests import factories
from tests.api import Api, problem, read
from tests.factories import Json, frame
from tests.oracle import Client
from tests.races import Rival, holding

pytestmark = pytest.mark.django_db

UP, HEART, TADA = "\N{THUMBS UP SIGN}", "\N{HEAVY BLACK HEART}\ufe0f", "\N{PARTY POPPER}"
# As many different ones as are needed.
MANY = [spelled(chr(place)) or "" for place in range(0x1F400, 0x1F400 + 40)]


def _said() -> tuple[User, User, UUID]:
    """Two people, and their group with one message of the first."""
    ann, ben = factories.persons(2)
    room = factories.group(ann, ben)
    factories.say(ann, room)
    return ann, ben, room


def _react(user: User, room: UUID, emoji: str = UP, *, on: bool = True, seq: int = 1) -> Json:
    done = react(actor_id=user.pk, conversation_id=room, seq=seq, emoji=emoji, on=on)
    found: Json = orjson.loads(done.reply)
    return found


def _shown(viewer: User, room: UUID, seq: int = 1) -> list[tuple[str, int, bool]]:
    (message,) = [one for one in factories.said(viewer, room) if one["seq"] == seq]
    return [(one["emoji"], one["count"], one["mine"]) for one in message["reactions"]]


def test_reactions_are_counted_and_each_sees_their_own() -> None:
    ann, ben, room = _said()
    _react(ann, room, UP)
    _react(ben, room, HEART)
    reply = _react(ben, room, UP)
    assert _shown(ann, room) == [(UP, 2, True), (HEART, 1, False)]
    assert _shown(ben, room) == [(UP, 2, True), (HEART, 1, True)]
    assert factories.said(ben, room) == [reply]
    assert reply["version"] == Conversation.objects.get(pk=room).version == 5


def test_taking_back_leaves_what_the_others_put() -> None:
    ann, ben, room = _said()
    for person, emoji in ((ann, UP), (ben, UP), (ben, HEART)):
        _react(person, room, emoji)
    _react(ben, room, HEART, on=False)
    _react(ben, room, UP, on=False)
    assert _shown(ben, room) == [(UP, 1, False)]
    _react(ann, room, on=False)
    assert _shown(ann, room) == []
    assert Message.objects.get(conversation=room).reactions is None


def test_the_same_again_changes_nothing_and_tells_nobody() -> None:
    ann, _, room = _said()
    first = _react(ann, room)
    with factories.heard() as envelopes:
        assert _react(ann, room) == first
        _react(ann, room, HEART, on=False)
    assert envelopes == []
    gone = _react(ann, room, on=False)
    with factories.heard() as envelopes:
        assert _react(ann, room, on=False) == gone
    assert envelopes == []
    assert Conversation.objects.get(pk=room).version == 4


def test_everybody_is_told_the_counts_and_who_reacted() -> None:
    ann, ben, room = _said()
    _react(ann, room, UP)
    with factories.heard() as envelopes:
        _react(ben, room, HEART)
        _react(ben, room, UP)
        _react(ann, room, UP, on=False)
    told = [frame(envelope) for envelope in envelopes]
    assert [(one["event"], one["version"], one["prev"]) for one in told] == [
        ("message.updated", version, version - 1) for version in (4, 5, 6)
    ]
    assert [one["reacted"] for one in told] == [
        [{"user": str(ben.pk), "emojis": [HEART]}],
        [{"user": str(ben.pk), "emojis": [HEART, UP]}],
        [{"user": str(ann.pk), "emojis": []}],
    ]
    assert told[1]["data"]["reactions"] == [{"emoji": UP, "count": 2}, {"emoji": HEART, "count": 1}]


def test_other_changes_keep_reactions_and_say_nothing_of_who_reacted() -> None:
    ann, ben, room = _said()
    _react(ann, room)
    with factories.heard() as envelopes:
        edited = messages.edit_message(actor_id=ann.pk, conversation_id=room, seq=1, content="other")
        factories.say(ben, room, reply_to=1)
    assert orjson.loads(edited.reply)["reactions"] == [{"emoji": UP, "count": 1, "mine": True}]
    told = [frame(envelope) for envelope in envelopes if frame(envelope)["data"]["seq"] == 1]
    assert [one["data"]["reactions"] for one in told] == [[{"emoji": UP, "count": 1}]] * 2
    assert not any("reacted" in one for one in told)


def _since(room: UUID, after: int, viewer: User | None = None) -> list[Json]:
    found = changes.changes_since(
        conversation_id=room, after=after, limit=50, viewer=viewer.pk if viewer else None
    )
    each = changes.changes_since_each(
        cursors={room: after}, limit=50, viewer=viewer.pk if viewer else None
    ).changes
    assert each[room] == found
    frames = events.replay(room, found, after=after)
    return [orjson.loads(one) for one in frames]


def test_who_was_away_is_told_what_is_theirs() -> None:
    ann, ben, room = _said()
    _react(ann, room, UP)
    _react(ben, room, UP)
    for viewer, version in ((ann, 2), (ben, 3)):
        (change,) = _since(room, version, viewer)
        assert change["data"]["reactions"] == [{"emoji": UP, "count": 2, "mine": True}]
        assert "reacted" not in change
    stranger = factories.person()
    (told,) = changes.changes_since(conversation_id=room, after=2, limit=50, viewer=stranger.pk)
    assert orjson.loads(told.data)["reactions"] == [{"emoji": UP, "count": 2, "mine": False}]
    assert changes.changes_since_each(cursors={room: 2}, limit=50, viewer=stranger.pk).changes[room] == []


def test_what_is_read_for_everybody_says_whose_reactions_changed_since() -> None:
    ann, ben, room = _said()
    _react(ann, room, UP)
    _react(ben, room, UP)
    _react(ben, room, UP, on=False)
    by = [{"user": str(person.pk), "emojis": own} for person, own in ((ann, [UP]), (ben, []))]
    assert [one.get("reacted") for one in _since(room, 2)] == [by]
    assert [one.get("reacted") for one in _since(room, 3)] == [by[1:]]
    messages.edit_message(actor_id=ann.pk, conversation_id=room, seq=1, content="other")
    assert ["reacted" in one for one in _since(room, 5)] == [False]


def test_one_emoji_has_one_spelling() -> None:
    ann, ben, room = _said()
    _react(ann, room, "\N{HEAVY BLACK HEART}")
    _react(ben, room, HEART)
    assert _shown(ann, room) == [(HEART, 2, True)]


FAMILY = "\N{MAN}\u200d\N{WOMAN}\u200d\N{GIRL}"


@pytest.mark.parametrize(
    "text", [UP, HEART, FAMILY, "\N{THUMBS UP SIGN}\U0001f3fd", "1\ufe0f\u20e3", "\U0001f1f3\U0001f1f5"]
)
def test_what_an_emoji_is(text: str) -> None:
    assert spelled(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1",
        "ok",
        UP * 2,
        UP + "x",
        " " + UP,
        "\u200d",
        "\ufe0f",
        "\U0001f1f3",
        "\U0001f3fd",
        "\0",
        UP + "\ufe0f" * 20,
    ],
)
def test_what_none_is(text: str) -> None:
    ann, _, room = _said()
    for on in (True, False):
        with pytest.raises(Invalid) as refused:
            _react(ann, room, text, on=on)
        assert refused.value.code == "not_an_emoji"
    assert Conversation.objects.get(pk=room).version == 2


def test_there_is_an_end_to_what_one_puts_under_a_message_and_to_what_all_do() -> None:
    ann, ben, room = _said()
    half = limits.MAX_OWN_REACTIONS
    for person, emojis in ((ann, MANY[:half]), (ben, MANY[half : 2 * half])):
        for emoji in emojis:
            _react(person, room, emoji)
        with pytest.raises(Conflict) as refused:
            _react(person, room, MANY[-1])
        assert refused.value.code == "too_many_reactions"
    cat = factories.person()
    participants.add_participants(actor_id=ann.pk, conversation_id=room, user_ids=[cat.pk])
    assert len(_shown(cat, room)) == limits.MAX_REACTIONS
    with pytest.raises(Conflict):
        _react(cat, room, MANY[-1])
    _react(cat, room, MANY[0])
    _react(ann, room, MANY[0])
    assert _shown(cat, room)[0] == (MANY[0], 2, True)


def test_a_deleted_message_has_no_reactions_and_takes_none() -> None:
    ann, ben, room = _said()
    _react(ben, room)
    gone = messages.delete_message(actor_id=ann.pk, conversation_id=room, seq=1)
    assert orjson.loads(gone.reply)["reactions"] == []
    assert not Reaction.objects.exists()
    with pytest.raises(Conflict) as refused:
        _react(ben, room)
    assert refused.value.code == "message_deleted"
    assert _react(ben, room, on=False)["version"] == gone.version


def test_who_may_not_react_changes_nothing() -> None:
    ann, ben, room = _said()
    participants.leave(user_id=ben.pk, conversation_id=room)
    version = Conversation.objects.get(pk=room).version
    refused: list[tuple[User, int]] = [(ben, 1), (factories.person(), 1), (ann, 9), (ann, 10**30)]
    for actor, seq in refused:
        with pytest.raises(NotFound):
            _react(actor, room, seq=seq)
    assert Conversation.objects.get(pk=room).version == version
    assert not Reaction.objects.exists()


def test_an_agent_reacts_without_a_seat() -> None:
    customer, agent = factories.person(), factories.agent()
    room = factories.case(customer, content="help")
    _react(agent, room)
    assert (_shown(agent, room), _shown(customer, room)) == ([(UP, 1, True)], [(UP, 1, False)])


def test_sending_again_what_has_reactions_shows_ones_own() -> None:
    ann, _, room = _said()
    factories.say(ann, room, "once", client_id="1")
    _react(ann, room, seq=2)
    again = factories.say(ann, room, "once", client_id="1")
    assert again.duplicate
    assert orjson.loads(again.reply)["reactions"] == [{"emoji": UP, "count": 1, "mine": True}]


@pytest.mark.django_db(transaction=True)
def test_two_at_once_are_both_counted() -> None:
    ann, ben, room = _said()
    given: Json = {"conversation_id": room, "seq": 1, "emoji": UP, "on": True}
    with holding(room):
        rival = Rival(react, actor_id=ben.pk, **given).await_blocked()
        react(actor_id=ann.pk, **given)
    assert orjson.loads(rival.result().reply)["reactions"] == [{"emoji": UP, "count": 2, "mine": True}]
    assert Conversation.objects.get(pk=room).version == 4


@pytest.mark.django_db(transaction=True)
def test_the_same_twice_at_once_counts_once() -> None:
    ann, _, room = _said()
    given: Json = {"actor_id": ann.pk, "conversation_id": room, "seq": 1, "emoji": UP, "on": True}
    with holding(room):
        rival = Rival(react, **given).await_blocked()
        first = react(**given)
    assert rival.result() == first
    assert _shown(ann, room) == [(UP, 1, True)]


@pytest.mark.django_db(transaction=True)
def test_a_reaction_that_comes_after_the_deletion_is_refused() -> None:
    ann, ben, room = _said()
    with holding(room):
        given: Json = {"actor_id": ben.pk, "conversation_id": room, "seq": 1, "emoji": UP, "on": True}
        rival = Rival(react, **given).await_blocked()
        messages.delete_message(actor_id=ann.pk, conversation_id=room, seq=1)
    with pytest.raises(ChatError):
        rival.result()
    assert _shown(ann, room) == []


def _path(room: UUID, emoji: str) -> str:
    return f"/conversations/{room}/messages/1/reactions/{quote(emoji, safe='')}"


def test_over_rest() -> None:
    ann, _, room = _said()
    api = Api(ann)
    for _ in range(2):
        shown = read(api.put(_path(room, HEART)))
        assert shown["reactions"] == [{"emoji": HEART, "count": 1, "mine": True}]
    assert read(api.get(f"/conversations/{room}/messages/1")) == shown
    for _ in range(2):
        assert read(api.delete(_path(room, HEART)))["reactions"] == []
    assert Conversation.objects.get(pk=room).version == 4


@pytest.mark.parametrize("text", ["x", "%", "\N{THUMBS UP SIGN}" * 2, "\u202e", "x" * 2_000])
def test_what_is_no_emoji_is_refused_over_rest(text: str) -> None:
    ann, _, room = _said()
    for call in (Api(ann).put, Api(ann).delete):
        refused = problem(call(_path(room, text)), 400)
        assert refused["errors"][0]["field"] == "emoji"


@pytest.mark.parametrize("on", [True, False])
def test_the_number_of_statements_does_not_depend_on_how_many_reacted(
    on: bool, django_assert_num_queries: Any
) -> None:
    ann, *others = factories.persons(30)
    room = factories.group(ann, *others)
    factories.say(ann, room)
    for number, other in enumerate(others):
        _react(other, room, MANY[number % 15])
    if not on:
        _react(ann, room, HEART)
    # A savepoint; the room, the seat, the message, one's own; written: the room, the message, one's own; the reply.
    with django_assert_num_queries(10):
        _react(ann, room, HEART, on=on)


STEPS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([UP, HEART, TADA]), st.booleans()), max_size=10)


def _knowing(viewer: User, room: UUID) -> Client:
    """A client that has just read the messages."""
    return Client({}, [], factories.said(viewer, room), version=2, me=str(viewer.pk))


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_events_lead_each_to_what_reading_anew_shows(steps: list[tuple[int, str, bool]]) -> None:
    """Heard one by one; read for everybody after any of them; read for oneself after any of them."""
    people = factories.persons(3)
    room = factories.group(*people)
    factories.say(people[0], room)
    past = [[_knowing(person, room) for person in people]]
    for by, emoji, on in steps:
        with factories.heard() as envelopes:
            _react(people[by], room, emoji, on=on)
        for envelope in envelopes:
            past.append([client.copy() for client in past[-1]])
            for client in past[-1]:
                client.apply(frame(envelope))
    for place, viewer in enumerate(people):
        fresh = {message["seq"]: message for message in factories.said(viewer, room)}
        assert past[-1][place].messages == fresh
        for then in past:
            for told in (_since(room, then[place].version), _since(room, then[place].version, viewer)):
                away = then[place].copy()
                for change in told:
                    away.apply(change)
                assert away.messages == fresh
