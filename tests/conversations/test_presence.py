"""Who is here, and who may know."""

from uuid import UUID, uuid4

import pytest
from django.db import connection

from conversations.models import LastSeen, Presence, SocketProcess, User
from conversations.queries import presence
from conversations.services import participants
from conversations.services.presence import MAX_ASKED, news, presence_of
from tests import factories
from tests.api import Api, problem, read

pytestmark = pytest.mark.django_db
NEAR, FAR = UUID(int=1), UUID(int=2)


@pytest.fixture
def ann() -> User:
    """Who asks."""
    return factories.person("ann")


@pytest.fixture
def ben(ann: User) -> User:
    """Somebody she talks with."""
    ben = factories.person("ben")
    factories.direct(ann, ben)
    for process in (NEAR, FAR):
        presence.beat(process)
    return ben


def here(user: User, *, active: bool = True, at: UUID = NEAR) -> None:
    presence.write(at, active={str(user.pk): active}, gone=[])


def gone(user: User, at: UUID = NEAR) -> None:
    presence.write(at, active={}, gone=[str(user.pk)])


def status(viewer: User, user: User) -> str | None:
    found = presence_of(viewer=viewer.pk, people=[user.pk])
    return found[0].status if found else None


def age_process(process: UUID, seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE socket_processes SET seen_at = seen_at - make_interval(secs => %s::float8) WHERE id = %s::uuid",
            [seconds, process],
        )


def test_somebody_comes_goes_away_and_leaves(ann: User, ben: User) -> None:
    assert presence_of(viewer=ann.pk, people=[ben.pk]) == [(ben.pk, "offline", None)]
    here(ben)
    assert status(ann, ben) == "online"
    here(ben, active=False)
    assert status(ann, ben) == "away"
    gone(ben)
    (left,) = presence_of(viewer=ann.pk, people=[ben.pk])
    assert (left.status, left.seen_at) == ("offline", LastSeen.objects.get(user=ben).seen_at)
    assert not Presence.objects.exists()


def test_one_active_device_anywhere_is_enough(ann: User, ben: User) -> None:
    here(ben, active=False)
    here(ben, active=True, at=FAR)
    assert status(ann, ben) == "online"
    gone(ben, at=FAR)
    assert status(ann, ben) == "away"
    gone(ben, at=FAR)  # again
    gone(ben)
    assert status(ann, ben) == "offline"


def test_people_of_a_process_that_is_silent_are_gone_since_then(ann: User, ben: User) -> None:
    here(ben)
    age_process(NEAR, presence.DEAD_AFTER_S - 5)
    presence.bury()
    assert status(ann, ben) == "online"
    age_process(NEAR, 10)
    left = [(ben.pk, "offline", SocketProcess.objects.get(pk=NEAR).seen_at)]
    assert presence_of(viewer=ann.pk, people=[ben.pk]) == left  # before anybody looked after it
    presence.bury()
    assert presence_of(viewer=ann.pk, people=[ben.pk]) == left
    assert presence.changed(1.0) == [ben.pk]
    assert set(SocketProcess.objects.filter(pk__in=[NEAR, FAR]).values_list("pk", flat=True)) == {FAR}


def test_a_process_that_was_taken_for_dead_has_to_write_anew(ann: User, ben: User) -> None:
    assert not presence.beat(NEAR)
    age_process(NEAR, 60)
    presence.bury()
    here(ben)  # nothing can be written under a name that is not there
    assert status(ann, ben) == "offline"
    assert presence.beat(NEAR)
    here(ben)
    assert status(ann, ben) == "online"


def test_a_process_that_ends_takes_its_people_along(ann: User, ben: User) -> None:
    here(ann, at=FAR)
    here(ben)
    presence.leave(NEAR)
    assert (status(ann, ben), status(ann, ann)) == ("offline", "online")


def test_what_changed_lately(ann: User, ben: User) -> None:
    here(ben)
    gone(ann)  # was not here
    assert presence.changed(60.0) == [ben.pk]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE presences SET changed_at = changed_at - interval '1 minute'")
    assert presence.changed(30.0) == []


def test_strangers_are_told_nothing(ann: User, ben: User) -> None:
    stranger, closed = factories.person(), factories.person()
    factories.direct(ann, closed)
    User.objects.filter(pk=closed.pk).update(is_active=False)
    here(stranger)
    asked = [stranger.pk, uuid4(), closed.pk, ben.pk, ann.pk, ben.pk]
    assert [one.user for one in presence_of(viewer=ann.pk, people=asked)] == [ben.pk, ann.pk]
    assert presence_of(viewer=closed.pk, people=[ann.pk]) == []


def test_who_was_removed_is_told_no_more(ann: User, ben: User) -> None:
    cid = factories.person("cid")
    room = factories.group(ann, cid)
    pair = (cid.pk, ann.pk)
    assert news([pair])[pair].status == "offline"
    participants.remove_participant(actor_id=ann.pk, conversation_id=room, user_id=cid.pk)
    assert news([pair, (ann.pk, cid.pk)]) == {}


def test_agents_see_the_customers_of_their_business() -> None:
    customer, agent, rival = factories.person(), factories.agent(), factories.agent("rival")
    factories.case(customer, content="help")
    assert status(agent, customer) == "offline"
    assert status(rival, customer) is None
    assert status(customer, agent) is None  # not before they answer


@pytest.mark.parametrize("number", [1, 40])
def test_asking_is_two_statements_whatever_the_data(
    ann: User, number: int, django_assert_num_queries: object
) -> None:
    others = factories.persons(number)
    factories.group(ann, *others)
    with django_assert_num_queries(2):  # type: ignore[operator]
        assert len(presence_of(viewer=ann.pk, people=[other.pk for other in others])) == number


def test_over_rest(ann: User, ben: User) -> None:
    here(ben)
    asked = f"{ben.pk},{factories.person().pk},{ann.pk}"
    one, other = read(Api(ann).get("/users/presence", ids=asked))
    assert (one["id"], one["status"]) == (str(ben.pk), "online")
    assert one["last_seen_at"].endswith("Z")
    assert other == {"id": str(ann.pk), "status": "offline", "last_seen_at": None}


@pytest.mark.parametrize(
    "ids", ["", "x", f"{NEAR},", ",".join([str(NEAR)] * (MAX_ASKED + 1)), "0" * 10_000, f"{NEAR};{FAR}"]
)
def test_what_is_no_list_of_ids_is_refused(ann: User, ids: str) -> None:
    assert problem(Api(ann).get("/users/presence", ids=ids), 400)["errors"][0]["field"] == "ids"
