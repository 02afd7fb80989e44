"""What PostgreSQL itself refuses, what it keeps an index for, and that every step has a way back."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, connections, models, transaction
from django.utils import timezone

from conversations.models import (
    Block,
    BusinessAgent,
    BusinessCase,
    CannedReply,
    Conversation,
    Participant,
    Presence,
    SocketProcess,
    User,
)
from messaging.models import Attachment, Mention, Message, Note, Notebook, Reaction, Report, Revision
from tests import factories, scratch
from webhooks.models import Webhook, WebhookCursor, WebhookDelivery

APPS = ("conversations", "messaging", "webhooks")
MODELS = [model for app in APPS for model in apps.get_app_config(app).get_models()]
TABLES = [model._meta.db_table for model in MODELS]
AUTOMATIC = re.compile(r"(\w+_pkey|\w+_[0-9a-f]{8}(_like|_uniq|_fk_\w+)?|\w+_key|\w+_fk_\w+)")

Found = dict[str, tuple[Any, ...]]


@pytest.fixture(scope="module", params=scratch.servers())
def alias(request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """A migrated database of its own, on each PostgreSQL that this machine has."""
    with django_db_blocker.unblock(), scratch.migrated_on(request.param, "models") as alias:
        yield alias


def _rows(alias: str, sql: str) -> Found:
    with connections[alias].cursor() as cursor:
        cursor.execute(sql, {"tables": TABLES})
        return {row[0]: row[1:] for row in cursor.fetchall()}


def _indexes(alias: str) -> Found:
    return _rows(
        alias,
        """SELECT i.relname, t.relname, pg_get_indexdef(x.indexrelid), x.indisunique, x.indisvalid
        FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
        WHERE t.relname = ANY (%(tables)s::text[])""",
    )


def _constraints(alias: str) -> Found:
    return _rows(
        alias,
        """SELECT c.conname, t.relname, pg_get_constraintdef(c.oid), c.contype::text, c.convalidated
        FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid
        WHERE t.relname = ANY (%(tables)s::text[]) AND c.contype <> 'n'""",
    )


def _columns(alias: str) -> Found:
    return _rows(
        alias,
        """SELECT table_name || '.' || column_name, data_type, is_nullable, character_maximum_length
        FROM information_schema.columns WHERE table_name = ANY (%(tables)s::text[])""",
    )


def _declared(*kinds: type[models.Index | models.BaseConstraint]) -> dict[str, str]:
    """Name and table of what `Meta` declares."""
    return {
        str(one.name): model._meta.db_table
        for model in MODELS
        for one in (*model._meta.constraints, *model._meta.indexes)
        if isinstance(one, kinds)
    }


@pytest.mark.parametrize(
    ("kind", "found"),
    [(models.Index, _indexes), (models.UniqueConstraint, _indexes), (models.CheckConstraint, _constraints)],
)
def test_what_meta_declares_is_there_and_valid(alias: str, kind: type[models.Index], found: Any) -> None:
    there = {name: row[0] for name, row in found(alias).items() if row[-1]}
    declared = _declared(kind)
    assert {name: there.get(name) for name in declared} == declared


def test_nothing_is_there_that_meta_does_not_declare(alias: str) -> None:
    declared = _declared(models.Index, models.BaseConstraint)
    there = _indexes(alias).keys() | _constraints(alias).keys()
    assert [name for name in sorted(there - declared.keys()) if not AUTOMATIC.fullmatch(name)] == []


def test_every_migration_has_a_way_back(alias: str) -> None:
    before = [_columns(alias), _indexes(alias), _constraints(alias)]
    scratch.migrate(alias, "conversations", "zero")
    assert [_columns(alias), _indexes(alias)] == [{}, {}]
    scratch.migrate(alias)
    assert [_columns(alias), _indexes(alias), _constraints(alias)] == before
    assert all(before)


def test_models_and_migrations_agree() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.slow
@pytest.mark.parametrize("server", scratch.servers())
def test_sending_and_reading_work_on_every_server(server: str) -> None:
    if server != scratch.OWN:  # the run itself is the test of its own
        scratch.run_tests_on(server, "tests/messaging/test_send.py", "tests/conversations/test_access.py")


def _group(**fields: Any) -> Conversation:
    return Conversation.objects.create(**{"type": "group", **fields})


def _message(**fields: Any) -> Message:
    given = {"conversation": _group(), "sender": factories.person(), "seq": 1, "version": 1}
    return Message.objects.create(**{**given, "created_version": 1, **fields})


def _seat(**fields: Any) -> Participant:
    given = {"conversation": _group(), "user": factories.person()}
    return Participant.objects.create(**{**given, **fields})


def _case(**fields: Any) -> BusinessCase:
    return BusinessCase.objects.create(conversation=_group(type="business", business_id="b"), **fields)


def _canned(**fields: Any) -> CannedReply:
    return CannedReply.objects.create(**{"business_id": "b", "shortcut": "hi", "content": "Hi!", **fields})


def _agents(role: str) -> None:
    BusinessAgent.objects.create(business_id="b", user=factories.person(), role=role)


def _webhook(**fields: Any) -> Webhook:
    return Webhook.objects.create(url="https://a.example/", events=["message.created"], secret="x", **fields)


def _delivery(**fields: Any) -> None:
    given = {"conversation_id": UUID(int=7), "event": "message.created", "version": 1, "payload": "{}"}
    WebhookDelivery.objects.create(webhook=_webhook(), **given, **fields)


def _attachment(**fields: Any) -> None:
    Attachment.objects.create(**{"owner": factories.person(), "name": "a.txt", "size": 1, **fields})


def _report(**fields: Any) -> None:
    Report.objects.create(
        **{"message": _message(), "reporter": factories.person(), "reason": "spam", **fields}
    )


def _blocked_by_oneself() -> None:
    ann = factories.person()
    Block.objects.create(user=ann, blocked=ann)


BROKEN: dict[str, list[Callable[[], object]]] = {
    "conversations_type": [lambda: _group(type="crowd")],
    "conversations_direct_has_key": [lambda: _group(type="direct"), lambda: _group(direct_key="a:b")],
    "conversations_business_has_id": [lambda: _group(type="business"), lambda: _group(business_id="b")],
    "conversations_counters": [
        lambda: _group(last_seq=-1),
        lambda: _group(version=0, facts_version=0),
        lambda: _group(facts_version=2),
        lambda: _group(participant_count=-1),
    ],
    "conversations_slow_mode": [
        lambda: _group(slow_mode_s=0),
        lambda: _group(slow_mode_s=21_601),
        lambda: _group(type="direct", direct_key="c:d", slow_mode_s=5),
    ],
    "participants_role": [lambda: _seat(role="king")],
    "participants_counters": [
        lambda: _seat(last_read_seq=-1),
        lambda: _seat(last_sent_seq=-1),
        lambda: _seat(joined_version=2),
    ],
    "business_agents_role": [lambda: _agents("boss")],
    "cases_status": [lambda: _case(status="lost")],
    "cases_priority": [lambda: _case(priority="none")],
    "cases_resolved_has_time": [
        lambda: _case(status="resolved"),
        lambda: _case(resolved_at=timezone.now()),
    ],
    "cases_snoozed_is_open": [
        lambda: _case(snoozed_until=timezone.now()),
        lambda: _case(snoozed_seq=1),
        lambda: _case(snoozed_until=timezone.now(), snoozed_seq=-1),
        lambda: _case(
            status="resolved", resolved_at=timezone.now(), snoozed_until=timezone.now(), snoozed_seq=1
        ),
    ],
    "canned_replies_say_something": [lambda: _canned(shortcut=""), lambda: _canned(content="")],
    "messages_has_sender": [lambda: _message(sender=None)],
    "messages_type": [lambda: _message(type="shout")],
    "messages_counters": [
        lambda: _message(seq=0),
        lambda: _message(reply_count=-1),
        lambda: _message(created_version=2),
    ],
    "attachments_removed_is_free": [lambda: _attachment(message=_message(), removed_at=timezone.now())],
    "attachments_key_has_name": [lambda: _attachment(key_name="k"), lambda: _attachment(sealed_key=b"x")],
    "attachments_size": [lambda: _attachment(size=-1)],
    "blocks_not_oneself": [_blocked_by_oneself],
    "notebooks_counters": [
        lambda: Notebook.objects.create(conversation=_group(), last_number=-1),
        lambda: Notebook.objects.create(conversation=_group(), last_number=2, version=1),
    ],
    "notes_counters": [
        lambda: _note(number=0),
        lambda: _note(after_seq=-1),
        lambda: _note(created_version=2),
    ],
    "reports_reason": [lambda: _report(reason="boring")],
    "reports_closed_has_time": [
        lambda: _report(outcome="dismissed"),
        lambda: _report(closed_at=timezone.now()),
    ],
    "webhooks_disabled_has_reason": [
        lambda: _webhook(disabled_at=timezone.now()),
        lambda: _webhook(disabled_why="gone"),
    ],
    "webhooks_old_secret_has_end": [
        lambda: _webhook(old_secret="x"),
        lambda: _webhook(old_until=timezone.now()),
    ],
    "webhook_deliveries_settled_has_time": [
        lambda: _delivery(state="delivered"),
        lambda: _delivery(settled_at=timezone.now()),
    ],
}


def test_each_check_is_tried() -> None:
    assert BROKEN.keys() == _declared(models.CheckConstraint).keys()


@pytest.mark.django_db
@pytest.mark.parametrize("name", BROKEN)
def test_each_check_refuses_what_breaks_it(name: str) -> None:
    for broken in BROKEN[name]:
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            broken()


def _twice(**fields: Any) -> None:
    given = {"conversation": _group(), "sender": factories.person(), "client_id": "1", **fields}
    for seq in (1, 2):
        _message(seq=seq, **given)


def _mentioned_twice() -> None:
    given = {"conversation": _group(), "user": factories.person(), "seq": 1}
    for _ in range(2):
        Mention.objects.create(**given)


def _reacted_twice() -> None:
    message, user = _message(conversation=_group()), factories.person()
    for version in (1, 2):
        Reaction.objects.create(message=message, user=user, emojis=[], version=version)


def _here_twice() -> None:
    given = {
        "user": factories.person(),
        "process": SocketProcess.objects.create(id=UUID(int=7), seen_at=timezone.now()),
    }
    for active in (True, False):
        Presence.objects.create(active=active, changed_at=timezone.now(), **given)


def _heard_twice() -> None:
    given = {"webhook": _webhook(), "conversation": _group(), "version": 1, "known": 1}
    for _ in range(2):
        WebhookCursor.objects.create(**given)


def _replaced_twice() -> None:
    now = timezone.now()
    _same(Revision.objects.create, message=_message(), version=2, written_at=now, replaced_at=now)


def _reported_twice() -> None:
    _same(Report.objects.create, message=_message(), reporter=factories.person(), reason="spam")


def _blocked_twice() -> None:
    _same(Block.objects.create, user=factories.person(), blocked=factories.person())


def _note(**fields: Any) -> Note:
    book = fields.pop("notebook", None) or Notebook.objects.create(conversation=_group(), version=1)
    given = {
        "notebook": book,
        "number": 1,
        "version": 1,
        "created_version": 1,
        "after_seq": 0,
        "content": "x",
    }
    return Note.objects.create(**{"sender": factories.person(), **given, **fields})


def _noted_twice(**fields: Any) -> None:
    book, sender = Notebook.objects.create(conversation=_group()), factories.person()
    for number in (1, 2):
        _note(**{"notebook": book, "sender": sender, "number": number, **fields})


def _same(make: Any, **given: Any) -> None:
    for _ in range(2):
        make(**given)


def _two_spellings() -> None:
    for username in ("zoe", "ZOE"):
        User.objects.create_user(username, "one that works")


REPEATED: dict[str, list[Callable[[], None]]] = {
    "messages_unique_seq": [lambda: _same(_message, conversation=_group())],
    "messages_unique_client_id": [lambda: _twice(), lambda: _twice(sender=None, type="system")],
    "participants_unique_user": [lambda: _same(_seat, conversation=_group(), user=factories.person())],
    "business_agents_unique_user": [
        lambda: _same(BusinessAgent.objects.create, business_id="b", user=factories.person())
    ],
    "canned_replies_unique_shortcut": [lambda: _same(_canned)],
    "mentions_unique": [_mentioned_twice],
    "presences_unique_user": [_here_twice],
    "reactions_unique_user": [_reacted_twice],
    "message_revisions_unique": [_replaced_twice],
    "notes_unique_number": [lambda: _noted_twice(number=1)],
    "notes_unique_client_id": [lambda: _noted_twice(client_id="1")],
    "reports_unique": [_reported_twice],
    "blocks_unique": [_blocked_twice],
    "webhook_cursors_unique": [_heard_twice],
    "users_unique_kaha_id": [lambda: _same(factories.person, kaha_id="k")],
    "users_unique_spelling": [_two_spellings],
}


def test_each_unique_constraint_is_tried() -> None:
    assert REPEATED.keys() == _declared(models.UniqueConstraint).keys()


@pytest.mark.django_db
@pytest.mark.parametrize("name", REPEATED)
def test_each_unique_constraint_refuses_a_second(name: str) -> None:
    for repeated in REPEATED[name]:
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            repeated()


@pytest.mark.django_db
def test_what_may_be_absent_may_be_absent_often() -> None:
    _same(factories.person, kaha_id=None)
    _twice(client_id=None)
    assert User.objects.filter(kaha_id=None).count() > 2


def test_a_direct_key_is_the_same_from_both_sides_and_fits() -> None:
    one, other = factories.unsaved(1), factories.unsaved(2**128 - 1)
    key = Conversation.direct_key_of(one, other)
    assert key == Conversation.direct_key_of(other, one)
    assert len(key) == 73
