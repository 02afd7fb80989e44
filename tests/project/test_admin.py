"""The staff's pages: who may open and do what."""

from io import StringIO
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from conversations.models import BusinessAgent, BusinessCase, Conversation, Participant, User
from messaging.models import Message, Report
from messaging.services.reports import report
from tests import factories

pytestmark = pytest.mark.django_db

MODELS = (User, Conversation, Participant, BusinessAgent, BusinessCase, Message)


@pytest.fixture
def admin() -> User:
    return User.objects.create_superuser("the-admin", "a-long-password-1")


@pytest.fixture
def client(admin: User) -> Client:
    client = Client()
    client.force_login(admin)
    return client


@pytest.fixture
def story(settings: Settings) -> None:
    settings.DEMO_PASSWORD = "a-long-password-2"
    call_command("demo", stdout=StringIO())


def address(page: str, model: type[Any], *args: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.mark.usefixtures("story")
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_each_list_and_each_row_opens(client: Client, model: type[Any]) -> None:
    assert client.get(address("changelist", model)).status_code == 200
    for row in model.objects.all()[:5]:
        assert client.get(address("change", model, row.pk)).status_code == 200
        assert client.get(address("history", model, row.pk)).status_code == 200


@pytest.mark.usefixtures("story")
@pytest.mark.parametrize(
    "model", [Conversation, Participant, BusinessCase, Message], ids=lambda model: model.__name__
)
def test_what_only_services_may_change(client: Client, model: type[Any]) -> None:
    row = model.objects.first()
    assert client.get(address("add", model)).status_code == 403
    assert (
        client.post(address("change", model, row.pk), {"content": "forged", "name": "forged"}).status_code
        == 403
    )
    assert client.post(address("delete", model, row.pk), {"post": "yes"}).status_code == 403


def search(client: Client, model: type[Any], word: object) -> set[Any]:
    reply = client.get(address("changelist", model), {"q": str(word)})
    assert reply.status_code == 200
    return {row.pk for row in reply.context["cl"].result_list}


@pytest.mark.usefixtures("story")
def test_searches(client: Client) -> None:
    alice = User.objects.get(username="alice")
    garden = Conversation.objects.get(name="Community garden")
    said = Message.objects.get(conversation=garden, seq=3)
    case = BusinessCase.objects.get(status="open")
    User.objects.filter(pk=alice.pk).update(kaha_id="k-1")
    for word in (alice.pk, "k-1", "lic", "AL"):
        assert search(client, User, word) == {alice.pk}
    for word in (garden.pk, "y gard", "co"):
        assert search(client, Conversation, word) == {garden.pk}
    assert search(client, Conversation, "business:demo-shop") == set(
        Conversation.objects.filter(business_id="demo-shop").values_list("pk", flat=True)
    )
    assert len(search(client, Conversation, "type:direct")) == 2
    assert len(search(client, Participant, garden.pk)) == garden.participant_count
    assert search(client, Participant, alice.pk) == search(client, Participant, "alice")
    assert len(search(client, Message, garden.pk)) == garden.last_seq
    assert search(client, Message, f"{garden.pk}#3") == {said.pk}
    assert search(client, Message, alice.pk) == search(client, Message, "alice") != set()
    assert len(search(client, Message, "type:system")) == 3
    assert len(search(client, BusinessAgent, "demo-shop")) == 2
    assert search(client, BusinessCase, case.pk) == {case.pk}
    assert len(search(client, BusinessCase, "demo-shop")) == 3
    for model in MODELS:
        assert search(client, model, "no-such-thing") == set()
        assert search(client, model, "it's 100 % \\ odd") == set()


def test_a_new_account_and_its_password(client: Client) -> None:
    fields = {"username": "newcomer", "password1": "a-long-password-3", "password2": "a-long-password-3"}
    assert client.post(address("add", User), {**fields, "usable_password": "true"}).status_code == 302
    user = User.objects.get(username="newcomer")
    assert user.check_password("a-long-password-3")
    change = reverse("admin:auth_user_password_change", args=[user.pk])
    fields = {"password1": "another-password-4", "password2": "another-password-4", "usable_password": "true"}
    assert client.post(change, fields).status_code == 302
    user.refresh_from_db()
    assert user.check_password("another-password-4")


def test_names_that_differ_only_by_case_are_refused(client: Client) -> None:
    User.objects.create_user("Taken", "x")
    fields = {"username": "taken", "password1": "a-long-password-3", "password2": "a-long-password-3"}
    assert client.post(address("add", User), {**fields, "usable_password": "true"}).status_code == 200
    assert User.objects.filter(username__iexact="taken").count() == 1


def act(client: Client, model: type[Any], action: str, *rows: Any) -> None:
    chosen = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    assert client.post(address("changelist", model), chosen).status_code == 302


def test_accounts_are_closed_and_opened(client: Client, admin: User) -> None:
    people = [User.objects.create_user(name, "x") for name in ("one", "two")]
    act(client, User, "deactivate", admin, *people)
    assert list(User.objects.filter(is_active=False).order_by("username")) == people
    assert LogEntry.objects.count() == 2
    act(client, User, "activate", *people)
    assert not User.objects.filter(is_active=False).exists()


@pytest.mark.usefixtures("story")
def test_a_message_is_taken_down(client: Client) -> None:
    garden = Conversation.objects.get(name="Community garden")
    question, answer = Message.objects.filter(conversation=garden, seq__in=[4, 5]).order_by("seq")
    act(client, Message, "take_down", answer)
    for row in (question, answer, before := garden):
        row.refresh_from_db()
    assert (answer.content, answer.deleted_at is not None) == ("", True)
    assert (question.reply_count, before.version) == (2, question.version)
    assert LogEntry.objects.get().object_id == str(answer.pk)
    act(client, Message, "take_down", answer)
    garden.refresh_from_db()
    assert garden.version == question.version


@pytest.mark.usefixtures("story")
def test_reported_messages_are_taken_down_or_stand(client: Client) -> None:
    garden = Conversation.objects.get(name="Community garden")
    said = Message.objects.filter(conversation=garden).exclude(type="system").order_by("seq")
    bad, good = said[:2]
    people = Participant.objects.filter(conversation=garden).exclude(user__in=[bad.sender_id, good.sender_id])
    others = [seat.user_id for seat in people][:2]
    told = [(bad, others[0]), (good, others[0]), (bad, others[-1])]
    made = [
        report(reporter_id=by, conversation_id=garden.pk, seq=one.seq, reason="spam")[0] for one, by in told
    ]
    assert search(client, Report, "") == {one.pk for one in made}
    assert search(client, Report, others[0]) >= {made[0].pk, made[1].pk}
    for model_page in ("change", "history"):
        assert client.get(address(model_page, Report, made[0].pk)).status_code == 200
    act(client, Report, "take_down", made[0])
    act(client, Report, "dismiss", made[1])
    outcomes = dict(Report.objects.values_list("pk", "outcome"))
    assert outcomes == {made[0].pk: "taken_down", made[1].pk: "dismissed", made[2].pk: "taken_down"}
    for row in (bad, good):
        row.refresh_from_db()
    assert (bad.content, good.deleted_at) == ("", None)
    assert (search(client, Report, ""), search(client, Report, "closed")) == (set(), set(outcomes))
    assert LogEntry.objects.count() == 2


def staff(*permissions: str) -> Client:
    user = User.objects.create_user("staff", "x", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def test_staff_do_not_raise_themselves(admin: User) -> None:
    client = staff("view_user", "change_user")
    user = User.objects.get(username="staff")
    form = {
        "username": "staff",
        "display_name": "Staff",
        "is_active": "on",
        "is_staff": "on",
        "is_superuser": "on",
    }
    assert client.post(address("change", User, user.pk), form).status_code == 302
    user.refresh_from_db()
    assert (user.display_name, user.is_superuser, user.user_permissions.count()) == ("Staff", False, 2)


def test_staff_do_not_touch_superusers(admin: User) -> None:
    client = staff("view_user", "change_user")
    fields = {"password1": "another-password-4", "password2": "another-password-4", "usable_password": "true"}
    password = reverse("admin:auth_user_password_change", args=[admin.pk])
    assert client.post(password, fields).status_code == 403
    assert client.post(address("change", User, admin.pk), {"username": "the-admin"}).status_code == 403
    act(client, User, "deactivate", admin)
    admin.refresh_from_db()
    assert admin.is_active
    assert admin.check_password("a-long-password-1")


@pytest.mark.usefixtures("story")
def test_who_only_looks_takes_nothing_down() -> None:
    message = Message.objects.filter(deleted_at=None).earliest("pk")
    client = staff("view_message")
    client.post(
        address("changelist", Message), {"action": "take_down", "_selected_action": [str(message.pk)]}
    )
    message.refresh_from_db()
    assert message.deleted_at is None


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_others_stay_outside(model: type[Any]) -> None:
    client = Client()
    client.force_login(User.objects.create_user("nobody-special", "x"))
    for someone in (client, Client()):
        reply = someone.get(address("changelist", model))
        assert reply.status_code == 302
        assert reply["Location"].startswith(reverse("admin:login"))
    assert staff().get(address("changelist", model)).status_code == 403


def test_other_parameters_of_the_address_mean_nothing(client: Client, admin: User) -> None:
    """Neither sorting nor filtering by what has no index."""
    reply = client.get(
        address("changelist", User), {"o": "2", "password__startswith": "x", "is_staff__exact": "0"}
    )
    assert reply.status_code == 200
    assert [row.pk for row in reply.context["cl"].result_list] == [admin.pk]


def test_an_agent_named_and_dismissed_here_is_told_as_over_the_api(client: Client) -> None:
    agent = factories.person()
    facts = {"business_id": "acme", "user": str(agent.pk), "role": "agent"}
    with factories.noticed() as told:
        assert client.post(address("add", BusinessAgent), facts).status_code == 302
        row = BusinessAgent.objects.get(user=agent)
        room = factories.case(factories.person(), "acme", "help")
        factories.say(agent, room)
        assert client.post(address("delete", BusinessAgent, row.pk), {"post": "yes"}).status_code == 302
    changes = [(change, business) for user, change, business in told if user == str(agent.pk)]
    assert changes == [("agency_joined", "acme"), ("agency_left", "acme")]
    assert factories.view(agent, room) is None


def test_an_account_closed_in_its_form_is_signed_out(client: Client) -> None:
    user = factories.person()
    facts = {"username": user.username, "display_name": "", "avatar_url": "", "kaha_id": ""}
    with factories.noticed() as told:
        assert client.post(address("change", User, user.pk), facts).status_code == 302
    user.refresh_from_db()
    assert not user.is_active
    assert told == [(str(user.pk), "signed_out", None)]
