"""What was missed, over HTTP."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from conversations.models import User
from messaging.services import changes, messages
from tests import factories
from tests.api import Api, pages, problem, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> User:
    return factories.person("ann")


@pytest.fixture
def room(ann: User) -> UUID:
    return factories.group(ann, factories.person())


def _facts(events: list[Any]) -> list[tuple[str, int, int]]:
    return [(event["event"], event["version"], event["prev"]) for event in events]


def test_from_the_beginning(ann: User, room: UUID) -> None:
    said = factories.body(factories.say(ann, room))
    found = read(Api(ann).get(f"/conversations/{room}/changes"))
    assert _facts(found["results"]) == [("conversation.created", 1, 0), ("message.created", 2, 1)]
    assert found["results"][1]["data"] == said
    assert (found["next"], found["version"]) == (None, 2)


def test_something_changed_twice_comes_once(ann: User, room: UUID) -> None:
    for _ in range(2):
        factories.say(ann, room)
    for content in ("a", "b"):
        messages.edit_message(actor_id=ann.pk, conversation_id=room, seq=1, content=content)
    found = read(Api(ann).get(f"/conversations/{room}/changes", after=2))
    assert _facts(found["results"]) == [("message.created", 3, 2), ("message.updated", 5, 3)]
    assert read(Api(ann).get(f"/conversations/{room}/changes", after=5))["results"] == []


def test_pages_hang_together(ann: User, room: UUID) -> None:
    for _ in range(4):
        factories.say(ann, room)
    found = list(pages(Api(ann), f"/conversations/{room}/changes", limit=2, after=1))
    assert [len(page) for page in found] == [2, 2]
    events = [event for page in found for event in page]
    assert [event["prev"] for event in events] == [1, 2, 3, 4]


@pytest.mark.parametrize("after", [2**53 + 1, 2**63, 10**30])
def test_a_version_that_cannot_be_is_refused(ann: User, room: UUID, after: int) -> None:
    response = Api(ann).get(f"/conversations/{room}/changes", after=after)
    assert problem(response, 400)["errors"][0]["code"] == "max_value"


def test_after_takes_a_cursor_too(ann: User, room: UUID) -> None:
    factories.say(ann, room)
    path = f"/conversations/{room}/changes"
    first = read(Api(ann).get(path, limit=1))
    assert read(Api(ann).get(path, after=first["next"])) == read(Api(ann).get(path, cursor=first["next"]))
    assert _facts(read(Api(ann).get(path, after=first["next"]))["results"]) == [("message.created", 2, 1)]


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "W10", "WyJhIl0"])
def test_what_is_no_place(ann: User, room: UUID, after: str) -> None:
    assert problem(Api(ann).get(f"/conversations/{room}/changes", after=after), 400)["code"] == "bad_cursor"


def test_a_place_from_the_future(ann: User, room: UUID) -> None:
    found = read(Api(ann).get(f"/conversations/{room}/changes", after=2**53))
    assert (found["results"], found["next"], found["version"]) == ([], None, 1)


def _synced(user: User, cursors: dict[Any, int]) -> dict[str, Any]:
    given = {str(conversation): version for conversation, version in cursors.items()}
    reply = read(Api(user).post("/sync", {"cursors": given}))
    return {one["conversation"]: one for one in reply["conversations"]}


def test_sync_tells_what_moved(ann: User, room: UUID) -> None:
    quiet, left, unknown = factories.group(ann), uuid4(), factories.group(ann)
    factories.say(ann, room)
    found = _synced(ann, {room: 1, quiet: 1, left: 9})
    assert found.keys() == {str(room), str(left), str(unknown)}
    assert _facts(found[str(room)]["changes"]) == [("message.created", 2, 1)]
    assert found[str(left)] == {"conversation": str(left), "version": 0, "changes": [], "reset": True}
    assert found[str(unknown)] == {"conversation": str(unknown), "version": 1, "changes": [], "reset": True}


def test_sync_of_somebody_elses_conversation(ann: User, room: UUID) -> None:
    assert _synced(factories.person(), {room: 1})[str(room)]["version"] == 0


def test_sync_of_a_client_from_the_future(ann: User, room: UUID) -> None:
    assert _synced(ann, {room: 5})[str(room)]["reset"] is True


def test_sync_that_is_too_far_behind(ann: User, room: UUID) -> None:
    for _ in range(changes.EACH + 1):
        factories.say(ann, room)
    assert _synced(ann, {room: 1})[str(room)]["reset"] is True
    near = _synced(ann, {room: 2})[str(room)]
    assert (len(near["changes"]), near["reset"]) == (changes.EACH, False)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"cursors": []},
        {"cursors": {"x": 1}},
        {"cursors": {str(uuid4()): -1}},
        {"cursors": {str(uuid4()): "1"}},
        {"cursors": {str(uuid4()): 2**53 + 1}},
        {"cursors": {str(uuid4()): 1 for _ in range(201)}},
    ],
)
def test_what_is_no_sync(ann: User, given: dict[str, Any]) -> None:
    problem(Api(ann).post("/sync", given), 400)
