"""Accounts for people of another chat server, under ids that follow from theirs: a second import finds them again."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID, uuid5

from django.db import connection, transaction

from conversations.exceptions import NotFound
from conversations.models import User
from conversations.services.bulk import NO_PASSWORD
from conversations.services.users import IMPORTED, MAX_USERNAME

MAX_DISPLAY_NAME = 80


class Newcomer(NamedTuple):
    """Somebody of an export: the id that an account of theirs has here, and what it is called."""

    id: UUID
    username: str
    display_name: str
    closed: bool


def accounts_named(usernames: Sequence[str]) -> dict[str, UUID]:
    """The accounts of people who are here already. Raises NotFound. Uses index: users_username_key."""
    known = dict(User.objects.active().filter(username__in=usernames).values_list("username", "pk"))
    if unknown := [name for name in usernames if name not in known]:
        raise NotFound(f"No such user: {', '.join(unknown[:5])}")
    return known


@transaction.atomic
def make_accounts(people: Sequence[Newcomer]) -> int:
    """Makes the accounts that are not there yet, without a password; returns how many.

    They are known by their ids alone: nobody gets what was said elsewhere by registering a name. The advisory lock
    keeps two imports from choosing the same names. Uses index: users_pkey, users_username_key.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('import_chat accounts', 0))")
    there = set(User.objects.filter(pk__in=[one.id for one in people]).values_list("pk", flat=True))
    new = [one for one in people if one.id not in there]
    names = _free_names(new)
    User.objects.bulk_create(
        User(
            id=one.id,
            username=names[one.id],
            display_name=one.display_name[:MAX_DISPLAY_NAME],
            password=NO_PASSWORD,
            is_active=not one.closed,
        )
        for one in new
    )
    return len(new)


def _free_names(people: Sequence[Newcomer]) -> dict[UUID, str]:
    """Their own name where nobody has it in any spelling, else `name@import`, else that with a part of their id."""
    wished = {one.id: _wishes(one) for one in people}
    taken = _taken([name for names in wished.values() for name in names])
    spelled: set[str] = set()
    chosen: dict[UUID, str] = {}
    for key, names in wished.items():
        free = (name for name in names if name not in taken and name.upper() not in spelled)
        chosen[key] = next(free, names[-1])
        spelled.add(chosen[key].upper())
    return chosen


def _wishes(one: Newcomer) -> tuple[str, str, str]:
    marked = f"-{one.id.hex[-12:]}{IMPORTED}"
    return (
        one.username[:MAX_USERNAME],
        one.username[: MAX_USERNAME - len(IMPORTED)] + IMPORTED,
        one.username[: MAX_USERNAME - len(marked)] + marked,
    )


def _taken(names: Sequence[str]) -> set[str]:
    """Those that somebody has in some spelling, as PostgreSQL compares them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT name FROM unnest(%s::text[]) AS name
            WHERE upper(name) IN (SELECT upper(username) FROM users)""",
            [list(names)],
        )
        return {name for (name,) in cursor.fetchall()}


def id_of(namespace: UUID, *parts: str) -> UUID:
    """The id that something of an export has here: the same whenever it is asked for."""
    return uuid5(namespace, "\0".join(parts))


def mapped(people: Mapping[str, str]) -> dict[str, UUID]:
    """Accounts by e-mail address, in lower case, out of usernames by e-mail address. Raises NotFound."""
    known = accounts_named(list(dict.fromkeys(people.values())))
    return {email.casefold(): known[name] for email, name in people.items()}
