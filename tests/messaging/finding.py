"""Ways to ask for messages."""

from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings

from conversations.models import User
from messaging import terms
from messaging.services.search import Wanted, find_messages
from tests import factories
from tests.api import Api, read
from tests.factories import Json

examples = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def found(user: User, q: str, **query: Any) -> list[Json]:
    """The first page as clients read it."""
    results: list[Json] = read(Api(user).get("/search/messages", q=q, **query))["results"]
    return results


def contents(user: User, q: str, **query: Any) -> list[str]:
    """Only what was said."""
    return [one["content"] for one in found(user, q, **query)]


def alone(*said: str) -> User:
    """Somebody who said all this to themselves, in this order."""
    user = factories.person()
    room = factories.group(user)
    for content in said:
        factories.say(user, room, content)
    return user


def ask(user: User, q: str, **more: Any) -> list[tuple[UUID, int]]:
    """Conversation and number of what the service finds."""
    page = find_messages(Wanted(viewer=user.pk, terms=terms.read(q), limit=200, **more))
    return [(hit.conversation, hit.seq) for hit in page.hits]
