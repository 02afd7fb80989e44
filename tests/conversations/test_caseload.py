"""What a business's agents had to do, counted like a brute-force count."""

from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any
from uuid import UUID

import pytest

from conversations.models import BusinessCase, Conversation, User
from conversations.services import business
from tests import factories
from tests.api import Api, problem, read

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def case(
    agent: User | None, *, opened: datetime, answered: int | None = None, resolved: int | None = None
) -> UUID:
    """One as it was: seconds from its opening to the first answer and to its end."""
    room = factories.case(factories.person(), content="help")
    after = [opened + timedelta(seconds=each) if each is not None else None for each in (answered, resolved)]
    last = max(each for each in (opened, *after) if each)
    Conversation.objects.filter(pk=room).update(created_at=opened, last_activity_at=last)
    BusinessCase.objects.filter(pk=room).update(
        assignee=agent,
        status="resolved" if resolved is not None else "open",
        first_response_at=after[0],
        resolved_at=after[1],
    )
    return room


def told(agent: User, **asked: Any) -> dict[str, Any]:
    asked = {name: value.isoformat() for name, value in asked.items()}
    stats: dict[str, Any] = read(Api(agent).get("/business/acme/stats", **asked))
    return stats


def test_cases_of_a_time_by_agent(django_assert_num_queries: Any) -> None:
    ann, bob = factories.agent(), factories.agent()
    spans = [10, 20, 60]
    for span in spans:
        case(ann, opened=NOON, answered=span, resolved=10 * span)
    case(bob, opened=NOON - 40 * DAY, answered=5)  # open still, begun and answered before
    case(None, opened=NOON)
    case(ann, opened=NOON - 40 * DAY, answered=1, resolved=2)  # over before
    pending = case(bob, opened=NOON + DAY)
    BusinessCase.objects.filter(pk=pending).update(status="pending")
    with django_assert_num_queries(3):  # the account, the agency, the numbers
        stats = told(ann, since=NOON - 30 * DAY, until=NOON + DAY)
    by_agent = {each.pop("agent"): each for each in stats.pop("by_agent")}
    nothing = {"p50": None, "p95": None}
    assert stats == {
        "since": "2026-05-02T12:00:00.000000Z",
        "until": "2026-06-02T12:00:00.000000Z",
        "open": 2,
        "pending": 1,
        "opened": 4,
        "resolved": 3,
        "first_response": {"p50": median(spans), "p95": 56.0},
        "resolution": {"p50": 200.0, "p95": 560.0},
    }
    assert list(by_agent) == [str(bob.pk), None, str(ann.pk)]
    assert by_agent[None] == {
        "open": 1, "pending": 0, "opened": 1, "resolved": 0, "first_response": nothing, "resolution": nothing
    }  # fmt: skip
    assert by_agent[str(bob.pk)] == by_agent[None] | {"pending": 1, "opened": 0}
    assert by_agent[str(ann.pk)]["resolution"] == stats["resolution"]


def test_what_agents_do_shows_up_without_being_asked_for_a_time() -> None:
    ann = factories.agent()
    assert told(ann)["opened"] == 0  # now, and not what it was when somebody asked first
    room = factories.case(factories.person(), content="help")
    factories.say(ann, room, "hello")
    business.set_case_status(actor_id=ann.pk, conversation_id=room, status="resolved")
    stats = told(ann)
    assert [stats[name] for name in ("open", "opened", "resolved")] == [0, 1, 1]
    assert stats["first_response"]["p95"] >= 0
    business.set_case_status(actor_id=ann.pk, conversation_id=room, status="open")
    again = told(ann)
    assert [again[name] for name in ("open", "opened", "resolved")] == [1, 1, 0]


def test_other_businesses_and_deleted_cases_do_not_count() -> None:
    ann, other = factories.agent(), factories.agent("other")
    room = factories.case(factories.person(), content="help")
    assert read(Api(other).get("/business/other/stats"))["open"] == 0
    Conversation.objects.filter(pk=room).update(deleted_at=NOON)
    assert told(ann)["open"] == 0
    problem(Api(other).get("/business/acme/stats"), 404)


@pytest.mark.parametrize(
    "asked",
    [
        {"since": "2026-06-02T00:00:00Z", "until": "2026-06-01T00:00:00Z"},
        {"since": "2026-06-01T00:00:00Z", "until": "2026-06-01T00:00:00Z"},
        {"since": "2024-06-01T00:00:00Z", "until": "2026-06-01T00:00:00Z"},
        {"since": "yesterday"},
    ],
)
def test_a_time_that_is_none_or_too_long(asked: dict[str, str]) -> None:
    problem(Api(factories.agent()).get("/business/acme/stats", **asked), 400)
