"""Throw-away people and their one group, straight in the configured database, and gone afterwards."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from rest_framework_simplejwt.tokens import AccessToken

from conversations.models import Conversation, User
from conversations.services.conversations import create_group
from messaging.models import Message
from messaging.services.bulk import Line, add_batch

PREFIX = "loadtest-"
GROUP = "Load test"
FORGOTTEN = timedelta(days=1)  # what a killed run left is removed by a later one
LIFETIME = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Crowd:
    """A token for each person, and the conversation of all, with who began it."""

    tokens: Sequence[str]
    conversation: UUID
    creator: UUID


@contextmanager
def crowd(size: int) -> Iterator[Crowd]:
    """Makes so many people with a group, and removes them and all they wrote."""
    with crowds([size]) as made:
        yield made[0]


@contextmanager
def crowds(sizes: Sequence[int]) -> Iterator[Sequence[Crowd]]:
    """The same with a group for each size, of people of its own."""
    _remove(User.objects.filter(username__startswith=PREFIX, date_joined__lt=timezone.now() - FORGOTTEN))
    run = uuid4().hex[:8]
    try:
        yield [_make(size, f"{PREFIX}{run}-{number}-") for number, size in enumerate(sizes)]
    finally:
        _remove(User.objects.filter(username__startswith=f"{PREFIX}{run}-"))


def talk(group: Crowd, lines: int) -> None:
    """Lets them have said so much before."""
    now, sender = timezone.now(), AccessToken(group.tokens[0])["user_id"]  # type: ignore[arg-type]
    said = [
        Line(
            UUID(sender), f"{number}: something that people say, and a line of text", now, f"before-{number}"
        )
        for number in range(lines)
    ]
    add_batch(conversation_id=group.conversation, lines=said)


def _make(size: int, prefix: str) -> Crowd:
    people = [
        User(username=f"{prefix}{number}", display_name=f"Load test {number}", password="!")
        for number in range(size)
    ]
    with transaction.atomic():
        User.objects.bulk_create(people, batch_size=1_000)
        group = create_group(
            creator_id=people[0].pk, participant_ids=[each.pk for each in people[1:]], name=GROUP
        )
    return Crowd([_token(each) for each in people], group.pk, people[0].pk)


def _token(user: User) -> str:
    token = AccessToken.for_user(user)
    token.set_exp(lifetime=LIFETIME)
    return str(token)


def _remove(people: QuerySet[User]) -> None:
    """These people and every group of theirs, which nobody else is in."""
    groups = Conversation.objects.filter(name=GROUP, participants__user__in=people).values_list(
        "pk", flat=True
    )
    ids = list(groups.distinct())
    Conversation.objects.filter(pk__in=ids).update(last_message=None)
    Message.objects.filter(conversation__in=ids).delete()
    Conversation.objects.filter(pk__in=ids).delete()
    people.delete()
