"""Erasing somebody: nothing of them is left, everything else is as it was, and everybody is told."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from conversations.contents import opened
from conversations.exceptions import Unauthenticated
from conversations.models import (
    AuditEntry,
    BusinessCase,
    Conversation,
    LastSeen,
    Participant,
    User,
)
from conversations.services import business, conversations, participants, users
from conversations.services.erasing import NOBODY, Noted
from messaging import files
from messaging.models import Message, Report
from messaging.queries import changes, erasing
from personal import tasks
from personal.exceptions import Lost
from personal.jobs import erasing as erasing_job
from personal.jobs import turns, working
from personal.jobs.erasing import KINDS, erase
from personal.jobs.turns import Turn
from personal.models import Job
from tests import factories
from tests.api import Api, problem, read
from tests.personal.conftest import asked, done, receipt
from tests.personal.scene import SECRET, Scene, in_order, left_of, texts
from tests.server import ROOT

pytestmark = pytest.mark.django_db


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
