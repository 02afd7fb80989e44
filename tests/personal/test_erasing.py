"""Erasing somebody: nothing of them is left, everything else is as it was, and everybody is told."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from chatbackend.management.commands.check_integrity import RULES
from conversations.contents import opened
from conversations.exceptions import Unauthenticated
from conversations.models import (
    AuditEntry,
    BusinessAgent,
    BusinessCase,
    Conversation,
    LastSeen,
    Participant,
    User,
)
from conversations.queries.integrity import faults
from conversations.services import blocks, business, conversations, participants, sessions, users
from conversations.services.erasing import NOBODY, Noted
from messaging import files
from messaging.jobs import purge_deleted
from messaging.models import Message, Report
from messaging.queries import changes, erasing
from messaging.services import messages, notes, pins, reactions, reports
from personal import tasks
from personal.exceptions import Lost
from personal.jobs import erasing as erasing_job
from personal.jobs import turns, working
from personal.jobs.erasing import KINDS, erase
from personal.jobs.exporting import export
from personal.jobs.turns import Turn
from personal.models import Job
from tests import factories
from tests.api import Api, problem, read
from tests.factories import Json
from tests.personal.conftest import asked, done, result
from tests.server import ROOT
from webhooks.jobs.spreading import spread
from webhooks.models import Webhook, WebhookDelivery
from webhooks.queries import erasing as deliveries

pytestmark = pytest.mark.django_db
SECRET = "marigold"  # in everything that is theirs


class Scene(NamedTuple):
    """Somebody who did everything that one can do here, and those they did it with."""

    mary: User
    ann: User
    agent: User
    staff: User
    rooms: dict[str, UUID]
    tokens: sessions.Tokens


@pytest.fixture
def scene(settings: Settings) -> Scene:
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


def receipt(scene: Scene) -> Json:
    job = done(scene.staff, asked(scene.staff, f"/users/{scene.mary.pk}/erase"))
    assert (job["state"], job["progress"], job["why"]) == ("done", 100, None)
    found: Json = read(Api(scene.staff).get(f"/jobs/{job['job']}/result"))
    return found


def test_nothing_of_them_is_left_and_everything_is_in_order(scene: Scene, stored: Path) -> None:
    assert set(left_of(SECRET)) >= {
        "users", "messages", "message_revisions", "attachments", "notes", "reports", "webhook_deliveries",
        "conversations", "django_admin_log",
    }  # fmt: skip
    told = receipt(scene)
    assert left_of(SECRET) == {}
    in_order()
    assert not [path for path in stored.rglob("*") if path.is_file()]
    assert told == dict.fromkeys(KINDS, 0) | {
        "account": 1, "sign_ins": 1, "agencies": 1, "cases": 1, "seats": 5, "messages": 6, "notices": 2, "notes": 1,
        "reactions": 1, "files": 2, "reports": 3, "blocks": 1, "presence": 1, "addresses": 1, "webhooks": 1,
        "deliveries": 2, "log_entries": 1,
    }  # fmt: skip
    assert SECRET not in str(Job.objects.values())
    assert not AuditEntry.objects.filter(actor=scene.mary.pk).exclude(address=None).exists()


def test_others_find_everything_else_where_it_was(scene: Scene) -> None:
    unread = Api(scene.ann).get("/unread")
    assert read(unread)["total"] > 0
    receipt(scene)
    group = factories.said(scene.ann, scene.rooms["group"])
    assert [(one["seq"], one["content"]) for one in group] == [
        (1, "first"), (2, ""), (3, "an answer"), (4, ""), (5, ""),
    ]  # fmt: skip
    assert [one["deleted_at"] is None for one in group] == [True, False, True, False, False]
    assert (group[0]["reply_count"], group[0]["reactions"]) == (
        0,
        [{"emoji": "👍", "count": 1, "mine": True}],
    )
    assert {one["sender"]["display_name"] for one in group} == {scene.ann.name, NOBODY}
    assert factories.view(scene.ann, scene.rooms["group"])["pins"] == [1]  # type: ignore[index]
    assert scene.mary.pk not in factories.roles(scene.rooms["group"])
    assert "owner" in factories.roles(scene.rooms["group"]).values()
    assert read(Api(scene.ann).get("/unread"))["total"] == 0  # all of it was theirs, or notices
    case = [one["content"] for one in factories.said(scene.ann, scene.rooms["case"])]
    assert case == [
        "my case", "", f"{scene.agent.name} assigned this to {NOBODY}", f"{NOBODY} set the status to pending",
        f"{scene.staff.name} unassigned this",
    ]  # fmt: skip
    assert BusinessCase.objects.get(pk=scene.rooms["case"]).assignee is None
    direct = factories.view(scene.ann, scene.rooms["direct"])
    assert direct is not None
    assert direct["peer"]["display_name"] == NOBODY
    assert Conversation.objects.get(pk=scene.rooms["alone"]).deleted_at is not None
    assert Report.objects.get(reporter=scene.ann).outcome == Report.Outcome.TAKEN_DOWN


def test_their_ways_in_are_closed_before_a_worker_comes(scene: Scene) -> None:
    access = Api(token=scene.tokens.access)
    read(access.get("/users/me"))
    with factories.noticed() as heard:
        job = asked(scene.staff, f"/users/{scene.mary.pk}/erase")
    assert (str(scene.mary.pk), "signed_out", None) in heard
    problem(access.get("/users/me"), 401)
    problem(Api().post("/auth/token/refresh", {"refresh": scene.tokens.refresh}), 401)
    problem(Api().post("/auth/token", {"username": scene.mary.username, "password": "a good password"}), 401)
    problem(Api(scene.ann).get(f"/users/{scene.mary.pk}"), 404)
    assert SECRET not in str(User.objects.filter(pk=scene.mary.pk).values())
    assert asked(scene.staff, f"/users/{scene.mary.pk}/erase")["job"] == job["job"]


def test_everybody_is_told_in_order_and_who_was_away_hears_the_same(scene: Scene) -> None:
    room = scene.rooms["group"]
    before = Conversation.objects.get(pk=room).version
    with factories.heard() as heard:
        receipt(scene)
    mine = [one for one in heard if one["conversation"] == str(room)]
    assert [one["version"] for one in mine] == list(range(before + 1, before + 1 + len(mine)))
    assert all(one["prev"] == (one["version"] or 0) - 1 for one in mine)
    told = {factories.frame(one)["event"] for one in mine}
    assert told == {
        "participant.updated",
        "participant.left",
        "message.deleted",
        "message.updated",
        "conversation.updated",
    }
    assert SECRET not in str([opened(one["frame"]) for one in heard])
    replay = changes.changes_since(conversation_id=room, after=before, limit=200)
    assert replay[-1].version == mine[-1]["version"]
    assert {one.event for one in replay} >= {"message.deleted", "participant.left"}


def test_again_changes_nothing(scene: Scene) -> None:
    receipt(scene)
    apart = ("personal_jobs", "audit_entries")
    before = texts(without=apart)
    with factories.heard() as heard:
        again = receipt(scene)
    assert set(again.values()) == {0}
    assert texts(without=apart) == before
    assert heard == []


def test_a_worker_that_dies_anywhere_is_gone_on_from(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "PAGE", 2)
    asked(scene.staff, f"/users/{scene.mary.pk}/erase")
    deaths = 0
    while dies(monkeypatch):
        deaths += 1
        assert deaths < 200
        in_order()
    assert deaths > 3
    assert left_of(SECRET) == {}
    found = Job.objects.get()
    assert (found.state, found.result["messages"], found.result["seats"]) == ("done", 6, 5)


def test_however_much_they_said_a_statement_reads_a_part(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of what is emptied already, which no statement finds by itself."""
    monkeypatch.setattr(erasing, "LOOKED_THROUGH", 2)
    receipt(scene)
    assert left_of(SECRET) == {}
    gone = Message.objects.filter(sender=scene.mary, deleted_at__isnull=False).count()
    with CaptureQueriesContext(connection) as asked_for:
        found, place = erasing.said(sender=scene.mary.pk, before=None)
        steps = 1
        while place is not None:
            assert all(one.notice for one in found)
            found, place = erasing.said(sender=scene.mary.pk, before=place)
            steps += 1
    assert gone >= 6
    assert steps == len(asked_for) > gone // 2


def dies(monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a worker came to where it is killed: after a few of their things, in the transaction of the last."""
    noted, left = turns.Turn.noted, [3]

    def note(turn: Turn, kind: str, number: int) -> None:
        noted(turn, kind, number)
        left[0] -= number
        if left[0] < 0:
            raise SystemExit

    Job.objects.update(busy_until=timezone.now())
    with monkeypatch.context() as patched:
        patched.setattr(turns.Turn, "noted", note)
        try:
            working.work(within_s=60)
        except SystemExit:
            return True
    return False


def test_exports_go_with_whom_they_are_of(scene: Scene, stored: Path) -> None:
    own = done(scene.mary, asked(scene.mary, "/users/me/export"))
    room = scene.rooms["direct"]
    copy = done(scene.ann, asked(scene.ann, f"/conversations/{room}/export"))
    apart = done(scene.ann, asked(scene.ann, "/users/me/export"))
    assert receipt(scene)["exports"] == 2
    assert not Job.objects.filter(pk=own["job"]).exists()
    told = read(Api(scene.ann).get(f"/jobs/{copy['job']}"))
    assert (told["state"], told["result_url"]) == ("expired", None)
    result(scene.ann, apart)
    anew = done(scene.ann, asked(scene.ann, f"/conversations/{room}/export"))
    assert SECRET.encode() not in result(scene.ann, anew)
    receipt(scene)
    result(scene.ann, anew)


def test_an_export_asked_for_while_it_goes_on_goes_too(scene: Scene, stored: Path) -> None:
    """It reads what is not yet taken away: of those that were made of it, none is kept, and the others begin anew."""
    group, mary, ann = scene.rooms["group"], scene.mary.pk, scene.ann.pk
    participants.set_role(actor_id=mary, conversation_id=group, user_id=ann, role="admin")
    asked(scene.staff, f"/users/{mary}/erase")
    erasure = turns.claim()
    assert erasure is not None
    jobs = {
        name: asked(scene.ann, f"/conversations/{scene.rooms[name]}/export") for name in ("direct", "group")
    }
    made = turns.claim()
    assert made is not None
    export(made)
    Job.objects.filter(state="queued").update(state="running", turn=factories.unsaved(1))
    erase(erasure)
    told = {name: read(Api(scene.ann).get(f"/jobs/{job['job']}"))["state"] for name, job in jobs.items()}
    assert told == {"direct": "expired", "group": "queued"}


def test_exports_of_cases_go_where_they_only_wrote_notes_or_moved_them(scene: Scene, stored: Path) -> None:
    other = factories.agent()
    noted, moved, given, apart = (factories.case(scene.ann, content="help") for _ in range(4))
    notes.write_note(agent_id=scene.mary.pk, conversation_id=noted, content=SECRET)
    business.set_case_status(actor_id=scene.mary.pk, conversation_id=moved, status="pending")
    business.assign_case(actor_id=other.pk, conversation_id=given, assignee_id=scene.mary.pk)
    rooms = (noted, moved, given)
    jobs = [done(other, asked(other, f"/conversations/{room}/export")) for room in rooms]
    kept = done(scene.agent, asked(scene.agent, f"/conversations/{apart}/export"))
    assert receipt(scene)["exports"] == len(rooms)
    assert {read(Api(other).get(f"/jobs/{job['job']}"))["state"] for job in jobs} == {"expired"}
    result(scene.agent, kept)


def test_an_export_that_is_being_written_meanwhile_is_gone_too(
    scene: Scene, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(scene.mary, "/users/me/export")
    turn, write = turns.claim(), files.write
    assert turn is not None

    def late(*args: Any, **more: Any) -> None:
        receipt(scene)
        write(*args, **more)

    monkeypatch.setattr(files, "write", late)
    with pytest.raises(Lost):
        export(turn)
    assert not [path for path in stored.rglob("*") if path.is_file()]


def test_what_never_gets_on_has_failed_in_the_end(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: Any) -> None:
        raise ValueError

    monkeypatch.setattr(erasing_job, "STEPS", (broken,))
    job = asked(scene.staff, f"/users/{scene.mary.pk}/erase")
    for _ in range(turns.ATTEMPTS):
        assert done(scene.staff, job)["state"] == "queued"
        Job.objects.update(busy_until=timezone.now())
    told = done(scene.staff, job)
    assert (told["state"], told["why"]) == ("failed", "broken")


def test_what_comes_anew_in_every_round_is_not_said_to_be_done(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = [erasing_job.MOST_ROUNDS]

    def more(*, noted: Noted, **_: Any) -> None:
        left[0] -= 1
        noted("presence", int(left[0] >= 0))

    monkeypatch.setattr(erasing_job, "STEPS", (more,))
    job = asked(scene.staff, f"/users/{scene.mary.pk}/erase")
    assert done(scene.staff, job)["state"] == "queued"
    assert turns.claim() is None  # after a while
    Job.objects.update(busy_until=timezone.now())
    assert done(scene.staff, job)["state"] == "done"


def test_webhooks_tell_it_and_keep_nothing(scene: Scene) -> None:
    hook = factories.webhook(scene.staff, None)
    Webhook.objects.filter(pk=hook.pk).update(looked_at=timezone.now() - timedelta(hours=1))
    factories.say(scene.mary, scene.rooms["group"], SECRET)
    assert spread(hook.pk) > 0
    assert SECRET in str(list(WebhookDelivery.objects.filter(webhook=hook).values_list("payload")))
    receipt(scene)
    spread(hook.pk)
    told = WebhookDelivery.objects.filter(webhook=hook)
    assert SECRET not in str(list(told.values_list("payload")))
    assert told.filter(event="message.deleted", state="pending").exists()
    assert told.filter(event="message.created", seq=6).get().state == "withdrawn"


def test_webhooks_keep_no_names_of_rooms_nor_words_of_notices(scene: Scene) -> None:
    hook = factories.webhook(scene.staff, None)
    Webhook.objects.filter(pk=hook.pk).update(looked_at=timezone.now() - timedelta(hours=1))
    mary, ann = scene.mary.pk, scene.ann.pk
    conversations.open_case(customer_id=mary, business_id="acme", name=f"{SECRET}'s parcel", content="help")
    factories.group(scene.mary, name=SECRET)
    case = factories.case(scene.ann, content="my case")
    business.assign_case(actor_id=scene.agent.pk, conversation_id=case, assignee_id=mary)
    purged = factories.group(scene.ann, scene.mary, name="of Ann")
    factories.say(scene.mary, purged, SECRET)
    spread(hook.pk)
    WebhookDelivery.objects.filter(webhook=hook).update(state="failed", settled_at=timezone.now())
    conversations.delete_conversation(actor_id=ann, conversation_id=purged)
    assert sum(gone.conversations for gone in purge_deleted(before=timezone.now())) == 1
    told = WebhookDelivery.objects.filter(webhook=hook)
    assert (
        len(told.filter(event="conversation.created", payload__contains=SECRET)) == 3
    )  # one for whose case it is
    receipt(scene)
    assert SECRET not in str(list(told.values_list("payload")))
    assert told.filter(event="conversation.created", payload__contains='"name":"of Ann"').exists()
    spread(hook.pk)
    notice = told.filter(conversation_id=case, event="message.updated").get()
    assert f"assigned this to {NOBODY}" in notice.payload
    before = texts(without=("personal_jobs", "audit_entries"))
    assert receipt(scene)["deliveries"] == 0
    assert texts(without=("personal_jobs", "audit_entries")) == before


def test_deliveries_are_looked_through_where_there_are_any(scene: Scene) -> None:
    """Their ids only grow, and most were purged long ago."""
    hook = factories.webhook(scene.staff, None)
    factories.delivery(hook, scene.rooms["group"], id=300_000)
    with CaptureQueriesContext(connection) as asked_for:
        receipt(scene)
    assert sum("webhook_deliveries" in one["sql"] for one in asked_for) < 40


def test_deliveries_look_their_messages_up_one_by_one(scene: Scene) -> None:
    """A subplan may be hashed, which reads all messages for a thousand deliveries."""
    seen: list[tuple[str, Any]] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        deliveries.forget_messages(scene.mary.pk, after=0, until=1_000)
    ((sql, params),) = seen
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}", params)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "messages m" in plan
    assert "SubPlan" not in plan


def test_names_of_what_was_theirs_alone_go_also_where_they_had_left(scene: Scene) -> None:
    mary = scene.mary.pk
    ended, left, pictured = (factories.group(scene.mary, name=SECRET) for _ in range(3))
    conversations.delete_conversation(actor_id=mary, conversation_id=ended)
    participants.leave(user_id=mary, conversation_id=left)
    picture = f"https://x.org/{SECRET}.png"
    conversations.update_conversation(actor_id=mary, conversation_id=pictured, avatar_url=picture)
    others = factories.group(scene.ann, scene.mary, name="of Ann")
    conversations.delete_conversation(actor_id=scene.ann.pk, conversation_id=others)
    receipt(scene)
    assert left_of(SECRET) == {}
    assert Conversation.objects.get(pk=others).name == "of Ann"
    in_order()


def test_what_was_under_way_when_the_account_was_closed_brings_nothing_back(
    scene: Scene, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    was, keep = User.objects.get(pk=scene.mary.pk), files.keep

    def late(*args: Any, **more: Any) -> None:
        receipt(scene)
        keep(*args, **more)

    with monkeypatch.context() as patched:
        patched.setattr(files, "keep", late)
        with pytest.raises(Unauthenticated):
            factories.file(scene.mary, SECRET.encode(), name=f"{SECRET}.txt")
    with pytest.raises(Unauthenticated):
        factories.file(scene.mary, SECRET.encode(), name=f"{SECRET}.txt")
    with pytest.raises(Unauthenticated):
        users.update_profile(user=was, display_name=SECRET)
    assert left_of(SECRET) == {}
    assert not [path for path in stored.rglob("*") if path.is_file()]


def test_who_is_not_erased(scene: Scene) -> None:
    for user in (scene.staff, factories.person(is_superuser=True)):
        refused = Api(scene.staff).post(f"/users/{user.pk}/erase")
        assert problem(refused, 409)["code"] == "staff_account"
    problem(Api(scene.ann).post(f"/users/{scene.mary.pk}/erase"), 403)
    problem(Api(scene.staff).post("/users/0199d3a1-7b4e-7c21-9c0e-5d1f2a3b4c5d/erase"), 404)
    job = asked(scene.staff, f"/users/{scene.mary.pk}/erase")
    problem(Api(scene.ann).get(f"/jobs/{job['job']}"), 404)


def test_when_they_were_here_last_is_not_learnt_late(scene: Scene) -> None:
    receipt(scene)
    LastSeen.objects.create(user=scene.mary, seen_at=timezone.now(), changed_at=timezone.now())
    tasks.purge()
    assert not LastSeen.objects.filter(user=scene.mary).exists()


def test_sealed_notices_are_said_again_sealed(settings: Settings, scene: Scene) -> None:
    settings.ENCRYPT_MESSAGES = True
    business.set_case_status(actor_id=scene.mary.pk, conversation_id=scene.rooms["case"], status="open")
    receipt(scene)
    notices = Message.objects.filter(conversation=scene.rooms["case"], type="system").order_by("seq")
    assert [(one.content[0], one.said) for one in notices][2] == ("\x1a", f"{NOBODY} set the status to open")


POLICY = ROOT / "docs" / "reference" / "erasure.md"


def test_the_policy_names_everything_that_names_somebody() -> None:
    """Who adds a reference to accounts says there what becomes of it, and sees to it."""
    references = {
        f"{model._meta.db_table}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.get_fields()
        if field.many_to_one and field.related_model is User and field.concrete
    }
    documented = set(re.findall(r"^\| `(\w+\.\w+)` \|", POLICY.read_text(), re.MULTILINE))
    assert references <= documented
    known = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    assert {name.partition(".")[0] for name in documented} <= known


def test_the_receipt_is_explained() -> None:
    table = POLICY.read_text().partition("## The receipt")[2]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(KINDS)


def test_a_heir_is_an_admin_before_a_member() -> None:
    mary, ann, ben = factories.persons(3)
    room = factories.group(mary, ann, ben)
    participants.set_role(actor_id=mary.pk, conversation_id=room, user_id=ben.pk, role="admin")
    staff = factories.person(is_staff=True)
    done(staff, asked(staff, f"/users/{mary.pk}/erase"))
    assert factories.roles(room) == {ann.pk: "member", ben.pk: "owner"}
    assert Participant.objects.get(conversation=room, user=mary).left_at is not None


def test_a_worker_that_lost_its_turn_erases_nothing_more(scene: Scene) -> None:
    asked(scene.staff, f"/users/{scene.mary.pk}/erase")
    lost = turns.claim()
    assert lost is not None
    Job.objects.update(turn=factories.unsaved(1))
    before = texts()
    with pytest.raises(Lost):
        erase(lost)
    assert texts() == before
