"""Pages of a history, held against cutting a list in Python."""

from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.models import User
from messaging.models import Message
from messaging.queries import history
from messaging.queries.history import Page, Window
from messaging.services import messages
from tests import factories

pytestmark = pytest.mark.django_db

EDGE = 2**63 - 1
seqs = st.none() | st.integers(0, 12) | st.sampled_from([EDGE, EDGE - 1])
examples = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def room() -> tuple[User, UUID]:
    """Nine messages, every third an image."""
    ann = factories.person()
    room = factories.group(ann)
    for number in range(1, 10):
        factories.say(ann, room, str(number), type="image" if number % 3 == 0 else "text")
    return ann, room


def _page(place: tuple[User, UUID], **window: Any) -> Page:
    user, conversation = place
    found = history.message_history(viewer=user.pk, conversation_id=conversation, window=Window(**window))
    assert found is not None
    return found


def _seqs(page: Page) -> list[int]:
    return [one["seq"] for one in orjson.loads(page.results)]


def _sides(there: list[int], page: list[int], window: dict[str, Any]) -> tuple[bool, bool]:
    """Whether something lies before and after a page that has something in it."""
    return any(seq < page[0] for seq in there), any(seq > page[-1] for seq in there)


def _check(place: tuple[User, UUID], there: list[int], expected: list[int], **window: Any) -> None:
    page = _page(place, **window)
    assert _seqs(page) == expected
    if expected:
        assert (page.has_before, page.has_after) == _sides(there, expected, window)


@examples
@given(before=seqs, limit=st.integers(1, 12))
def test_the_page_before_a_place(room: tuple[User, UUID], before: int | None, limit: int) -> None:
    for type, there in ((None, list(range(1, 10))), ("image", [3, 6, 9])):
        older = [seq for seq in there if before is None or seq < before]
        _check(room, there, older[-limit:], before=before, limit=limit, type=type)


@examples
@given(after=seqs.filter(lambda seq: seq is not None), limit=st.integers(1, 12))
def test_the_page_after_a_place(room: tuple[User, UUID], after: int, limit: int) -> None:
    for type, there in ((None, list(range(1, 10))), ("image", [3, 6, 9])):
        newer = [seq for seq in there if seq > after]
        _check(room, there, newer[:limit], after=after, limit=limit, type=type)


@examples
@given(around=st.integers(1, 9), limit=st.integers(1, 12))
def test_the_page_around_a_message_has_it(room: tuple[User, UUID], around: int, limit: int) -> None:
    found = _seqs(_page(room, around=around, limit=limit))
    assert around in found
    assert len(found) == min(limit, 9)
    assert found == list(range(found[0], found[-1] + 1))


@pytest.mark.parametrize("around", [0, EDGE])
@pytest.mark.parametrize("type", [None, "image"])
def test_around_places_that_do_not_exist_there_is_no_error(
    room: tuple[User, UUID], around: int, type: str | None
) -> None:
    _page(room, around=around, limit=200, type=type)


def test_an_empty_conversation_has_an_empty_page() -> None:
    ann = factories.person()
    page = _page((ann, factories.group(ann)), limit=10)
    assert page == ("[]", False, False)


@pytest.mark.parametrize("after", [9, 10, EDGE])
def test_past_the_end_there_is_only_what_came_before(room: tuple[User, UUID], after: int) -> None:
    assert _page(room, after=after, limit=5) == ("[]", True, False)


def test_before_the_first_there_is_only_what_comes_after(room: tuple[User, UUID]) -> None:
    for type in (None, "image"):
        assert _page(room, before=1, limit=5, type=type) == ("[]", False, True)


def test_a_deleted_message_keeps_its_place_in_the_page(room: tuple[User, UUID]) -> None:
    ann, conversation = room
    messages.delete_message(actor_id=ann.pk, conversation_id=conversation, seq=5)
    assert _seqs(_page(room, limit=50)) == list(range(1, 10))


def test_one_message_is_what_the_page_shows(room: tuple[User, UUID]) -> None:
    ann, conversation = room
    alone = history.message(viewer=ann.pk, conversation_id=conversation, seq=4)
    assert orjson.loads(alone or "") == factories.said(ann, conversation)[3]
    assert history.message(viewer=ann.pk, conversation_id=conversation, seq=10) is None


def test_a_page_holds_messages_of_its_conversation_only(room: tuple[User, UUID]) -> None:
    ann, conversation = room
    factories.say(ann, factories.group(ann), "elsewhere")
    found = factories.said(ann, conversation)
    assert {one["conversation"] for one in found} == {str(conversation)}
    assert Message.objects.count() == len(found) + 1
