"""Many people at once, for imports: they have accounts and seats, and never sign in. No events: the caller tells."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction

from conversations.exceptions import Conflict
from conversations.models import Conversation, Participant, User
from conversations.services.users import IMPORTED, MAX_USERNAME

BATCH = 500
NO_PASSWORD = "!imported"  # begins with `!`: no password fits; tells imported accounts from people's own


@transaction.atomic
def import_people(names: Iterable[str]) -> dict[str, UUID]:
    """An account for each name, made where there is none yet.

    A name that is somebody's own account (they can sign in, or the platform knows them) becomes `name@import`: what
    was said elsewhere is never put into that person's mouth. Raises Conflict where that one is taken, too.
    Uses index: users_username_key.
    """
    named = {name: name[:64] for name in names}
    taken = _own_accounts(named.values())
    usernames = {
        name: f"{short[: MAX_USERNAME - len(IMPORTED)]}{IMPORTED}" if short in taken else short
        for name, short in named.items()
    }
    if stuck := sorted(_own_accounts(usernames.values())):
        raise Conflict(f"Somebody has the username {stuck[0]}.", code="username_taken")
    User.objects.bulk_create(
        (User(username=username, password=NO_PASSWORD) for username in dict.fromkeys(usernames.values())),
        batch_size=BATCH,
        ignore_conflicts=True,
    )
    ids = _ids(usernames.values())
    return {name: ids[username] for name, username in usernames.items()}


def _own_accounts(usernames: Iterable[str]) -> set[str]:
    known = User.objects.filter(username__in=list(usernames))
    return set(known.exclude(password=NO_PASSWORD, kaha_id=None).values_list("username", flat=True))


def _ids(usernames: Iterable[str]) -> dict[str, UUID]:
    return dict(User.objects.filter(username__in=list(usernames)).values_list("username", "pk"))


def seat_people(conversation: Conversation, joined: Mapping[UUID, datetime]) -> int:
    """Seats people who never had a seat here, each at a version of its own; returns how many were new.

    The caller holds the conversation's lock. Uses index: participants_unique_user.
    """
    seats = Participant.objects.filter(conversation=conversation, user__in=list(joined))
    known = set(seats.values_list("user_id", flat=True))
    new = [user for user in joined if user not in known]
    Participant.objects.bulk_create(
        (
            Participant(
                conversation=conversation,
                user_id=user,
                joined_at=joined[user],
                version=conversation.version + place,
                joined_version=conversation.version + place,
            )
            for place, user in enumerate(new, start=1)
        ),
        batch_size=BATCH,
    )
    conversation.version += len(new)
    conversation.participant_count += len(new)
    conversation.save(update_fields=["version", "participant_count"])
    return len(new)


def read_everything(conversation: Conversation, users: Iterable[UUID]) -> int:
    """Moves read positions to the newest message; returns how many moved. Uses index: participants_unique_user."""
    behind = Participant.objects.filter(
        conversation=conversation, user__in=list(users), last_read_seq__lt=conversation.last_seq
    )
    return behind.update(last_read_seq=conversation.last_seq)
