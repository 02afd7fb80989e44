"""The audit log: who did what, from where, in the transaction that did it."""

import logging
import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from conversations.jobs import purge_expired
from conversations.models import AuditEntry, User
from conversations.services import audit
from conversations.services.audit import Action
from tests import factories
from tests.api import Api, problem, read
from tests.server import ROOT

pytestmark = pytest.mark.django_db
PASSWORD = "a good password"
TOLD = ("action", "actor", "subject", "detail")


@pytest.fixture
def ann() -> User:
    user = factories.person("ann")
    user.set_password(PASSWORD)
    user.save()
    return user


def entries() -> list[tuple[Any, ...]]:
    return list(AuditEntry.objects.order_by("pk").values_list(*TOLD))


def test_signing_in_and_out(ann: User) -> None:
    given = {"username": ann.username, "password": PASSWORD}
    tokens = read(Api().post("/auth/token", given))
    problem(Api().post("/auth/token", {**given, "password": "wrong"}), 401)
    problem(Api().post("/auth/token", {"username": "hunter2", "password": "wrong"}), 401)
    problem(Api().post("/auth/token/revoke", {"refresh": "no token"}), 401)
    read(Api().post("/auth/token/revoke", {"refresh": tokens["refresh"]}), 204)
    session = entries()[0][3]["session"]
    assert entries() == [
        (Action.SIGNED_IN, ann.pk, "", {"session": session}),
        (Action.SIGN_IN_REFUSED, None, str(ann.pk), {}),
        (Action.SIGN_IN_REFUSED, None, "", {}),
        (Action.SIGNED_OUT, ann.pk, "", {"session": session}),
    ]
    assert {(one.address, one.request_id) for one in AuditEntry.objects.all()} == {
        ("127.0.0.1", "from-a-test")
    }
    assert not [one for one in AuditEntry.objects.values() if "hunter2" in str(one) or "wrong" in str(one)]


def test_the_address_is_that_of_the_trusted_proxies(ann: User, settings: Settings) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    for forwarded in ("198.51.100.7, 203.0.113.9", "2001:db8::7", "nonsense"):
        given = {"username": ann.username, "password": PASSWORD}
        Client(headers={"X-Forwarded-For": forwarded}).post(
            "/api/v1/auth/token", given, content_type="application/json"
        )
    found = AuditEntry.objects.order_by("pk").values_list("address", flat=True)
    assert list(found) == ["203.0.113.9", "2001:db8::7", None]


def test_in_the_admin(ann: User) -> None:
    User.objects.filter(pk=ann.pk).update(is_staff=True)
    client = Client()
    for name, password in ((ann.username, "wrong"), ("hunter2", "wrong"), (ann.username, PASSWORD)):
        client.post("/admin/login/", {"username": name, "password": password})
    assert [one[:3] for one in entries()] == [
        (Action.STAFF_SIGN_IN_REFUSED, None, str(ann.pk)),
        (Action.STAFF_SIGN_IN_REFUSED, None, ""),
        (Action.STAFF_SIGNED_IN, ann.pk, ""),
    ]


def test_what_is_done_to_others(ann: User, settings: Settings) -> None:
    settings.WEBHOOK_KEYS = ["a key of the tests, long enough for it"]
    settings.REGISTRATION_OPEN = True
    ben, staff = factories.person("ben"), factories.person("staff", is_staff=True)
    room = factories.group(ann, ben)
    made = read(Api().post("/auth/register", {"username": "carl.new", "password": "long and unusual 7"}), 201)
    agent = f"/business/acme/agents/{ben.pk}"
    read(Api(staff).put(agent, {"role": "agent"}))
    read(Api(staff).delete(agent), 204)
    problem(Api(ann).put(agent, {"role": "owner"}), 404)
    read(Api(ann).patch(f"/conversations/{room}/participants/{ben.pk}", {"role": "admin"}))
    item = {"sender_id": str(ben.pk), "content": "x", "client_id": "1", "sent_at": "2026-01-01T00:00:00Z"}
    read(Api(staff).post(f"/conversations/{room}/messages/batch", {"messages": [item]}), 201)
    hook = read(
        Api(staff).post("/webhooks", {"url": "https://x.example.org/", "events": ["message.created"]}), 201
    )
    read(Api(staff).patch(f"/webhooks/{hook['id']}", {"events": ["message.deleted"], "active": False}))
    read(Api(staff).delete(f"/webhooks/{hook['id']}"), 204)
    export = read(Api(ann).post(f"/conversations/{room}/export"), 202)
    assert read(Api(ann).post(f"/conversations/{room}/export"), 202) == export
    erasure = read(Api(staff).post(f"/users/{ben.pk}/erase"), 202)
    read(Api(ann).delete(f"/conversations/{room}"), 204)
    told = {"conversation": str(room), "role": "admin"}
    assert entries() == [
        (Action.REGISTERED, UUID(made["id"]), "", {}),
        (Action.AGENT_NAMED, staff.pk, str(ben.pk), {"business": "acme", "role": "agent"}),
        (Action.AGENT_DISMISSED, staff.pk, str(ben.pk), {"business": "acme"}),
        (Action.ROLE_GIVEN, ann.pk, str(ben.pk), told),
        (Action.MESSAGES_IMPORTED, staff.pk, str(room), {"number": 1}),
        (Action.WEBHOOK_MADE, staff.pk, hook["id"], {"business": None}),
        (Action.WEBHOOK_CHANGED, staff.pk, hook["id"], {"changed": ["events", "active"]}),
        (Action.WEBHOOK_DELETED, staff.pk, hook["id"], {}),
        (Action.EXPORT_ASKED, ann.pk, str(room), {"job": export["job"]}),
        (Action.ERASURE_ASKED, staff.pk, str(ben.pk), {"job": erasure["job"]}),
        (Action.CONVERSATION_DELETED, ann.pk, str(room), {}),
    ]


def test_a_line_is_logged_for_what_was_committed(
    caplog: pytest.LogCaptureFixture, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    actor = factories.unsaved(1)
    with caplog.at_level(logging.INFO, "chatbackend.audit"), django_capture_on_commit_callbacks(execute=True):
        audit.keep(Action.AGENT_NAMED, actor=actor, subject="x", role="owner")
        with transaction.atomic():
            audit.keep(Action.AGENT_DISMISSED, actor=actor)
            transaction.set_rollback(True)
    assert caplog.messages == [f"agent_named actor={actor} subject=x address=None role=owner"]


@pytest.mark.parametrize(("days", "left"), [(30, 1), (0, 2)])
def test_it_is_kept_for_a_while(settings: Settings, days: int, left: int) -> None:
    settings.AUDIT_KEEP_DAYS = days
    now = timezone.now()
    for age in (29, 31):
        AuditEntry.objects.create(action=Action.SIGNED_IN, at=now - timedelta(days=age))
    purge_expired(now=now)
    assert AuditEntry.objects.count() == left


def test_staff_look_through_it(client: Client) -> None:
    staff = factories.person(is_staff=True, is_superuser=True)
    actor, subject = factories.unsaved(1), factories.unsaved(2)
    audit.keep(Action.AGENT_NAMED, actor=actor, subject=subject, role="owner")
    audit.keep(Action.SIGNED_IN, actor=actor)
    client.force_login(staff)
    for word, found in ((str(actor), 2), (str(subject), 1), ("signed_in", 1), ("", 3), ("nothing", 0)):
        page = client.get("/admin/conversations/auditentry/", {"q": word}).content.decode()
        assert page.count('<th class="field-at') == found, word
    entry = AuditEntry.objects.get(subject=str(subject))
    assert (
        client.post(f"/admin/conversations/auditentry/{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    )
    client.force_login(factories.person(is_staff=True))
    assert client.get("/admin/conversations/auditentry/").status_code == 403


def test_every_action_is_explained() -> None:
    page = (
        (ROOT / "docs/explanation/security.md")
        .read_text()
        .partition("## The audit log")[2]
        .partition("\n## ")[0]
    )
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(Action.values)
