"""The list of conversations: its order, its pages, its filters, its shape."""

from typing import Any

import orjson
import pytest

from conversations.models import Conversation, User
from conversations.queries import inbox
from conversations.queries.inbox import InboxFilter, Place
from conversations.services import participants, users
from messaging.services import messages
from tests import factories

pytestmark = pytest.mark.django_db


def _ids(viewer: User, **wanted: Any) -> list[str]:
    return [one["id"] for one in factories.inbox_of(viewer, **wanted)]


def _paged(viewer: User, limit: int) -> list[str]:
    """Every conversation, read a page at a time."""
    found: list[str] = []
    after: Place | None = None
    while lines := inbox.inbox(viewer=viewer.pk, wanted=InboxFilter(), limit=limit, after=after):
        found += [str(line.id) for line in lines]
        after = lines[-1].place
    return found


def test_pinned_first_then_liveliest_first() -> None:
    ann, *others = factories.persons(4)
    old, middle, new = (str(factories.direct(ann, other)) for other in others)
    factories.say(others[1], middle)  # type: ignore[arg-type]
    assert _ids(ann) == [middle, new, old]
    participants.update_membership(user_id=ann.pk, conversation_id=old, pinned=True)  # type: ignore[arg-type]
    assert _ids(ann) == [old, middle, new]


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
def test_pages_of_any_size_add_up(limit: int) -> None:
    ann = factories.person()
    rooms = [factories.group(ann) for _ in range(5)]
    for room in rooms[1:3]:
        participants.update_membership(user_id=ann.pk, conversation_id=room, pinned=True)
    same = Conversation.objects.get(pk=rooms[0]).last_activity_at
    Conversation.objects.filter(pk__in=rooms).update(last_activity_at=same)
    assert _paged(ann, limit) == _ids(ann)
    assert len(set(_ids(ann))) == 5


def test_filters() -> None:
    ann, ben = factories.persons(2)
    two, many = str(factories.direct(ann, ben)), str(factories.group(ann, ben, name="Den"))
    own = str(factories.case(ann, "acme"))
    factories.say(ben, many)  # type: ignore[arg-type]
    assert _ids(ann, type="direct") == [two]
    assert _ids(ann, type="business", business_id="acme", status="open") == [own]
    assert _ids(ann, business_id="other") == []
    assert _ids(ann, unread=True) == [many]
    assert set(_ids(ann, unread=False)) == {two, own}
    assert _ids(ann, assignee="none") == [own]


def test_archived_ones_are_put_away_until_asked_for() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    participants.update_membership(user_id=ann.pk, conversation_id=room, archived=True)
    assert _ids(ann) == []
    assert _ids(ann, archived=True) == _ids(ann, archived=None) == [str(room)]


@pytest.mark.parametrize("search", ["straße", "STRASSE"[:4], "ße 7", "ÉCO", "école", "100%", "a_b", "\\"])
def test_search_takes_text_literally_and_folds_case(search: str) -> None:
    ann = factories.person()
    room = factories.group(ann, name="École Straße 7, 100%, a_b, \\")
    factories.group(ann, name="nothing of that: 100 axb")
    assert _ids(ann, search=search) == [str(room)]


def test_a_direct_conversation_is_found_by_the_others_name_not_by_ones_own() -> None:
    ann, ben = factories.person("ann"), factories.person("ben", display_name="Benjamin Ö")
    room = str(factories.direct(ann, ben))
    assert _ids(ann, search="jamin ö") == _ids(ann, search="BEN") == [room]
    assert _ids(ann, search="ann") == []


def test_the_whole_shape_of_a_conversation() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    said = factories.body(factories.say(ben, room, "hi"))
    (shown,) = factories.inbox_of(ann)
    seat = factories.seat(ann, room)
    peer = {"kaha_id": None, "username": ben.username, "display_name": ben.username, "avatar_url": None}
    last = {name: said[name] for name in ("seq", "type", "sender", "content", "sent_at")}
    assert shown == {
        "id": str(room),
        "type": "direct",
        "name": "",
        "avatar_url": None,
        "business_id": None,
        "created_at": shown["created_at"],
        "last_activity_at": shown["last_activity_at"],
        "version": 2,
        "last_seq": 1,
        "last_message": last | {"deleted": False},
        "pins": [],
        "slow_mode_s": 0,
        "participant_count": 2,
        "unread_count": 1,
        "mention_count": 0,
        "membership": {
            "role": "member",
            "joined_at": seat.joined_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "last_read_seq": 0,
            "muted_until": None,
            "pinned": False,
            "archived": False,
            "notify": "all",
        },
        "peer": {"id": str(ben.pk), **peer},
        "business": None,
    }
    assert factories.view(ann, room) == shown


def test_a_deleted_last_message_shows_as_deleted() -> None:
    ann, ben = factories.persons(2)
    room = factories.direct(ann, ben)
    factories.say(ben, room, "secret")
    messages.delete_message(actor_id=ben.pk, conversation_id=room, seq=1)
    (shown,) = factories.inbox_of(ann)
    assert shown["last_message"] | {"deleted": True, "content": ""} == shown["last_message"]


AWKWARD = [
    '"quoted"',
    "back\\slash",
    "line\nbreak\ttab\x01",
    "e\u0301 نص 👩‍👩‍👧 \u2028",
    "</script>",
    "a" * 80,
]


@pytest.mark.parametrize("text", AWKWARD)
def test_any_name_comes_out_as_it_went_in(text: str) -> None:
    ann, ben = factories.person(), factories.person()
    users.update_profile(user=ben, display_name=text)
    factories.group(ann, name=text)
    factories.direct(ann, ben)
    private, public = factories.inbox_of(ann)
    assert (private["peer"]["display_name"], public["name"]) == (text, text)


def test_totals_name_only_where_something_waits() -> None:
    ann, ben, cat = factories.persons(3)
    quiet, loud = factories.direct(ann, ben), factories.direct(ann, cat)
    for _ in range(2):
        factories.say(cat, loud, mentions=[ann.pk])
    factories.say(ann, quiet)
    totals = orjson.loads(inbox.unread_totals(viewer=ann.pk) or "")
    assert totals == {
        "total": 2,
        "conversations": [{"id": str(loud), "unread_count": 2, "mention_count": 2}],
    }
