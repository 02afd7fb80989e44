"""Somebody who did everything that one can do here, and what is looked through for them afterwards."""

from typing import NamedTuple
from uuid import UUID

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from chatbackend.management.commands.check_integrity import RULES
from conversations.models import (
    BusinessAgent,
    Conversation,
    LastSeen,
    User,
)
from conversations.queries.integrity import faults
from conversations.services import blocks, business, participants, sessions
from messaging.services import messages, notes, pins, reactions, reports
from tests import factories
from tests.api import Api, read
from webhooks.models import Webhook

SECRET = "marigold"  # in everything that is theirs


class Scene(NamedTuple):
    """Somebody who did everything that one can do here, and those they did it with."""

    mary: User
    ann: User
    agent: User
    staff: User
    rooms: dict[str, UUID]
    tokens: sessions.Tokens


def made(settings: Settings) -> Scene:
    """Everything that there is to erase."""
    settings.WEBHOOK_KEYS = ["a key of the tests, long enough for it"]
    mary = factories.person(
        SECRET, display_name=f"Mary {SECRET}", kaha_id=f"kaha-{SECRET}", avatar_url=f"https://x.org/{SECRET}"
    )
    mary.set_password("a good password")
    mary.save()
    ann, agent, staff = factories.person("ann"), factories.agent(), factories.person("staff", is_staff=True)
    rooms = {
        "group": factories.group(mary, ann, factories.person("ben")),
        "direct": factories.direct(mary, ann),
        "alone": factories.group(mary, name=SECRET),
        "own case": factories.case(mary, content=f"help {SECRET}"),
        "case": factories.case(ann, content="my case"),
    }
    Conversation.objects.filter(pk=rooms["own case"]).update(name=f"{SECRET}'s parcel")
    _talk(mary, ann, rooms["group"])
    factories.say(mary, rooms["direct"], SECRET)
    factories.say(mary, rooms["alone"], SECRET)
    _answer(mary, ann, agent, rooms["case"])
    _more(mary, ann, rooms["group"])
    signed_in = read(Api().post("/auth/token", {"username": mary.username, "password": "a good password"}))
    tokens = sessions.Tokens(signed_in["access"], signed_in["refresh"])
    sessions.issue_ticket(user=mary)
    return Scene(mary, ann, agent, staff, rooms, tokens)


def _talk(mary: User, ann: User, room: UUID) -> None:
    factories.say(ann, room, "first", client_id="a")
    sent = factories.file(mary, SECRET.encode(), name=f"{SECRET}.txt")
    metadata = {"about": SECRET}
    factories.say(mary, room, SECRET, reply_to=1, attachments=[sent.pk], metadata=metadata, client_id=SECRET)
    messages.edit_message(actor_id=mary.pk, conversation_id=room, seq=2, content=f"{SECRET} again")
    factories.say(ann, room, "an answer", reply_to=2, mentions=[mary.pk])
    factories.say(mary, room, f"{SECRET} twice", reply_to=1, mentions=[ann.pk])
    reactions.react(actor_id=mary.pk, conversation_id=room, seq=1, emoji="👍", on=True)
    reactions.react(actor_id=ann.pk, conversation_id=room, seq=1, emoji="👍", on=True)
    reactions.react(actor_id=ann.pk, conversation_id=room, seq=4, emoji="🎉", on=True)
    for seq in (1, 2):
        pins.pin(actor_id=mary.pk, conversation_id=room, seq=seq, on=True)
    factories.say(mary, room, SECRET, client_id=f"{SECRET}-2")
    messages.delete_message(actor_id=mary.pk, conversation_id=room, seq=5)


def _answer(mary: User, ann: User, agent: User, case: UUID) -> None:
    BusinessAgent.objects.create(business_id="acme", user=mary)
    factories.say(mary, case, f"{SECRET} here")
    notes.write_note(agent_id=mary.pk, conversation_id=case, content=SECRET, client_id=SECRET)
    business.assign_case(actor_id=agent.pk, conversation_id=case, assignee_id=mary.pk)
    business.set_case_status(actor_id=mary.pk, conversation_id=case, status="pending")


def _more(mary: User, ann: User, room: UUID) -> None:
    reports.report(reporter_id=mary.pk, conversation_id=room, seq=1, reason="spam", note=SECRET)
    reports.report(reporter_id=ann.pk, conversation_id=room, seq=2, reason="spam", note=f"{SECRET} said so")
    blocks.block(user_id=mary.pk, blocked_id=ann.pk)
    factories.file(mary, b"not sent", name=f"{SECRET}.png")
    participants.update_membership(user_id=mary.pk, conversation_id=room, pinned=True, notify="none")
    LastSeen.objects.create(user=mary, seen_at=timezone.now(), changed_at=timezone.now())
    hook = factories.webhook(factories.person(is_staff=True), None)
    Webhook.objects.filter(pk=hook.pk).update(owner=mary)
    told = f'{{"data":{{"user":{_person(mary)}}}}}'
    factories.delivery(hook, room, event="participant.joined", seq=None, payload=told)
    factories.delivery(
        hook, room, seq=2, payload=f'{{"content":"{SECRET}"}}', state="pending", settled_at=None
    )
    kind = ContentType.objects.get_for_model(User)
    LogEntry.objects.create(
        user=ann, content_type=kind, object_id=str(mary.pk), object_repr=str(mary), action_flag=2
    )


def _person(user: User) -> str:
    return (
        f'{{"id":"{user.pk}","kaha_id":"{user.kaha_id}","username":"{user.username}",'
        f'"display_name":"Mary\\"{SECRET}","avatar_url":"{user.avatar_url}"}}'
    )


def texts(*, without: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    with connection.cursor() as cursor:
        tables = [name for name in connection.introspection.table_names(cursor) if name not in without]
        found = {}
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t ORDER BY 1')  # noqa: S608 - names of our own tables
            found[table] = [line for (line,) in cursor.fetchall()]
    return found


def left_of(words: str) -> dict[str, list[str]]:
    """Where these words stand yet."""
    found = {table: [row for row in rows if words in row] for table, rows in texts().items()}
    return {table: rows for table, rows in found.items() if rows}


def in_order() -> None:
    rooms = list(Conversation.objects.values_list("pk", flat=True))
    assert [fault for rule in RULES for fault in faults(rule, rooms)] == []
