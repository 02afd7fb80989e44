"""Notes among the agents of a case, of which its customer can learn nothing."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from conversations import access
from conversations.exceptions import Conflict, Forbidden, NotFound
from conversations.models import BusinessAgent, Conversation, User
from conversations.services import business, users
from messaging.consumers.notes import missed
from messaging.models import Note, Notebook
from messaging.queries import notes as queries
from messaging.records import Noted
from messaging.services.notes import delete_note, edit_note, write_note
from tests import factories
from tests.api import Api, pages, problem, read
from tests.factories import frame
from tests.project.test_access import ROWS, Digests, _digests
from tests.races import Rival
from webhooks.jobs import spreading
from webhooks.models import WebhookDelivery

pytestmark = pytest.mark.django_db


@pytest.fixture
def customer() -> User:
    return factories.person("customer")


@pytest.fixture
def agent() -> User:
    return factories.agent()


@pytest.fixture
def chief() -> User:
    return factories.agent(role="owner")


@pytest.fixture
def case(customer: User, agent: User) -> UUID:
    made = factories.case(customer, content="help")
    factories.say(agent, made, "How?")
    return made


def noted(user: User, case: UUID, content: str = "called twice", **more: Any) -> Noted:
    return write_note(agent_id=user.pk, conversation_id=case, content=content, **more)


def changed(before: Digests) -> set[str]:
    """The tables that are not as they were, to the last column."""
    return {line[0] for line in _digests() ^ before}


def listed(user: User, case: UUID, **query: Any) -> list[tuple[int, int, str]]:
    found = read(Api(user).get(f"/conversations/{case}/notes", **query))["results"]
    return [(one["number"], one["after_seq"], one["content"]) for one in found]


def test_a_note_is_written_edited_and_taken_back_apart_from_all_else(
    agent: User, chief: User, case: UUID
) -> None:
    before, path = _digests(), f"/conversations/{case}"
    given = {"content": "called twice", "internal": True, "client_id": "n1"}
    made = read(Api(agent).post(f"{path}/messages", given), 201)
    assert (made["internal"], made["number"], made["version"], made["after_seq"]) == (True, 1, 1, 2)
    assert read(Api(agent).post(f"{path}/messages", {**given, "content": "again"})) == made
    other = read(Api(chief).post(f"{path}/messages", given), 201)  # of somebody else: another note
    assert (other["number"], other["sender"]["id"]) == (2, str(chief.pk))
    edited = read(Api(agent).patch(f"{path}/notes/1", {"content": "called 3 times"}))
    assert (edited["content"], edited["version"], edited["number"]) == ("called 3 times", 3, 1)
    assert edited["edited_at"] is not None
    problem(Api(chief).patch(f"{path}/notes/1", {"content": "mine"}), 403)
    gone = read(Api(chief).delete(f"{path}/notes/1"))
    assert (gone["content"], gone["version"]) == ("", 4)
    assert read(Api(agent).delete(f"{path}/notes/1")) == gone
    assert read(Api(agent).get(f"{path}/notes/1")) == gone
    assert problem(Api(agent).patch(f"{path}/notes/1", {"content": "x"}), 409)["code"] == "note_deleted"
    problem(Api(agent).delete(f"{path}/notes/2"), 403)  # of somebody else, by no owner
    problem(Api(agent).get(f"{path}/notes/3"), 404)
    assert changed(before) == {"notes", "notebooks"}


def test_they_stand_between_the_messages(agent: User, customer: User, case: UUID) -> None:
    early = factories.case(customer)
    noted(agent, early, "nobody has said anything")
    assert listed(agent, early) == [(1, 0, "nobody has said anything")]
    for number in range(3):
        noted(agent, case, f"a{number}")
        factories.say(customer, case)
    noted(agent, case, "last")
    every = [(1, 2, "a0"), (2, 3, "a1"), (3, 4, "a2"), (4, 5, "last")]
    assert listed(agent, case) == every
    assert listed(agent, case, from_seq=3, to_seq=4) == every[1:3]
    found = pages(Api(agent), f"/conversations/{case}/notes", limit=3)
    assert [[one["number"] for one in page] for page in found] == [[1, 2, 3], [4]]
    assert read(Api(agent).get(f"/conversations/{case}/notes"))["version"] == 4


@pytest.mark.parametrize(
    "more",
    [
        {"type": "image"},
        {"metadata": {"a": 1}},
        {"reply_to": 1},
        {"mentions": [str(uuid4())]},
        {"attachments": [str(uuid4())]},
    ],
)
def test_a_note_is_words(more: dict[str, Any], agent: User, case: UUID) -> None:
    before = _digests()
    given = {"content": "called", "internal": True, **more}
    assert problem(Api(agent).post(f"/conversations/{case}/messages", given), 400)["code"] == "not_in_a_note"
    for wrong in ({"content": " ", "internal": True}, {"content": "x", "internal": "yes"}):
        problem(Api(agent).post(f"/conversations/{case}/messages", wrong), 400)
    assert changed(before) == set()


def test_nobody_else_writes_or_reads_any(agent: User, customer: User, case: UUID) -> None:
    own = factories.case(agent)  # where they sit on the other side
    rival, dismissed, closed = factories.agent("other"), factories.agent(), factories.agent()
    BusinessAgent.objects.filter(user=dismissed).delete()
    users.set_active(user_ids=[closed.pk], active=False)
    room, direct = factories.group(agent, customer), factories.direct(agent, customer)
    noted(agent, case)
    before = _digests()
    for user, conversation, status in [
        (customer, case, 403),
        (agent, own, 403),
        (agent, room, 403),
        (customer, direct, 403),
        (rival, case, 404),
        (dismissed, case, 404),
        (closed, case, 401),
        (factories.person(is_staff=True), case, 404),
        (agent, uuid4(), 404),
    ]:
        path = f"/conversations/{conversation}"
        _refuse(Api(user), path, status)
        assert queries.open_to(user.pk, [conversation]) == {}
        with pytest.raises((Forbidden, NotFound)):
            write_note(agent_id=user.pk, conversation_id=conversation, content="x")
    assert changed(before) <= {"users"}  # the one of the staff was made
    assert queries.open_to(agent.pk, [case, own, room, direct]) == {case: 1}


def _refuse(api: Api, path: str, status: int) -> None:
    problem(api.post(f"{path}/messages", {"content": "psst", "internal": True}), status)
    problem(api.get(f"{path}/notes"), status)
    problem(api.get(f"{path}/notes/1"), status)
    problem(api.patch(f"{path}/notes/1", {"content": "x"}), status)
    problem(api.delete(f"{path}/notes/1"), status)


Seen = dict[str, tuple[int, bytes]]
OF_A_CASE = {
    "conversations": "id",
    "messages": "conversation_id",
    "participants": "conversation_id",
    "business_cases": "conversation_id",
}
READS = [row for row in ROWS if row.method == "GET" and not row.path.startswith("admin/")]


def _everything(user: User, case: UUID, file: UUID) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Every address that reads, and those that read by POST, of this case or of everything."""
    names = {"case": case, "group": case, "direct": case, "scan": file, "file": file, "business": "acme"}
    names |= {
        "user": user.pk,
        "kaha": "x",
        **dict.fromkeys(["hook", "export", "erasure", "canned"], factories.unsaved(1)),
    }
    api = Api(user)
    for row in READS:
        path = "/" + row.path.format(**names)
        yield path, partial(api.get, path)
    for word in ("zebra", "help", "called"):
        yield word, partial(api.get, "/search/messages", q=word)
        yield f"inbox {word}", partial(api.get, "/conversations", search=word)
    for after in (0, 2):
        yield f"changes {after}", partial(api.get, f"/conversations/{case}/changes", after=after)
        yield f"sync {after}", partial(api.post, "/sync", {"cursors": {str(case): after}})
    yield "sync", partial(api.post, "/sync", {"cursors": {}})
    yield "read", partial(api.post, f"/conversations/{case}/read", {"seq": 1})


def _seen(user: User, case: UUID, file: UUID) -> Seen:
    found = {}
    for name, ask in _everything(user, case, file):
        with transaction.atomic():
            response = ask()
            transaction.set_rollback(True)
        found[name] = (response.status_code, response.getvalue())
    return found


def test_to_the_customer_nothing_is_different_to_the_last_byte(
    agent: User, chief: User, customer: User, case: UUID
) -> None:
    file = factories.file(customer)
    factories.say(customer, case, "here", attachments=[file.pk])
    hook = factories.webhook(chief)
    spreading.spread(hook.pk)
    before, mine = _seen(customer, case, file.pk), _seen(agent, case, file.pk)
    rows = _rows_of(case)
    for number in range(3):
        noted(agent, case, f"zebra {number}")
    edit_note(agent_id=agent.pk, conversation_id=case, number=1, content="zebra called")
    delete_note(agent_id=agent.pk, conversation_id=case, number=2)
    assert _seen(customer, case, file.pk) == before
    notes = {name for name in mine if name.endswith(("/notes", "/notes/1"))}
    other = _seen(agent, case, file.pk)  # nor to agents, but for the notes themselves
    of_the_moment = {"/business/acme/stats"}
    assert {name for name in mine if mine[name] != other[name]} - of_the_moment == notes
    assert len(notes) == 2
    assert _rows_of(case) == rows  # not even written again as they were
    spreading.spread(hook.pk)
    assert not WebhookDelivery.objects.exists()
    said = read(Api(customer).post(f"/conversations/{case}/messages", {"content": "well?"}), 201)
    assert said["seq"] == 4  # after three messages and three notes


def _rows_of(case: UUID) -> list[Any]:
    """Which transaction wrote what belongs to a case, and where it stands."""
    found = []
    for table, column in OF_A_CASE.items():
        rows = "SELECT xmin::text, ctid::text, t::text FROM {} t WHERE {} = %s ORDER BY 2"
        with connection.cursor() as cursor:
            cursor.execute(rows.format(table, column), [case])
            found += cursor.fetchall()
    return found


def test_agents_are_told_on_a_line_of_its_own(agent: User, customer: User, case: UUID) -> None:
    rival = factories.agent("other")
    with factories.heard() as envelopes:
        noted(agent, case, client_id="1")
        noted(agent, case, client_id="1")
        edit_note(agent_id=agent.pk, conversation_id=case, number=1, content="called twice")
        edit_note(agent_id=agent.pk, conversation_id=case, number=1, content="other")
        delete_note(agent_id=agent.pk, conversation_id=case, number=1)
        with pytest.raises(Conflict):
            edit_note(agent_id=agent.pk, conversation_id=case, number=1, content="x")
        with pytest.raises(NotFound):
            noted(rival, case)
    assert [(one["conversation"], one["business"], one["without"]) for one in envelopes] == [
        (f"{case}.notes", "acme", [str(customer.pk)])
    ] * 3
    frames = [frame(one) for one in envelopes]
    assert [(one["event"], one["notes_version"], one["notes_prev"]) for one in frames] == [
        ("note.created", 1, 0),
        ("note.updated", 2, 1),
        ("note.deleted", 3, 2),
    ]
    assert {one["conversation"] for one in frames} == {str(case)}


def test_what_was_missed(agent: User, customer: User, case: UUID) -> None:
    for number in range(3):
        noted(agent, case, str(number))
    edit_note(agent_id=agent.pk, conversation_id=case, number=1, content="edited")
    found = missed(case, 2)
    assert [(one.event, one.version) for one in found.changes or ()] == [
        ("note.created", 3),
        ("note.updated", 4),
    ]
    assert (found.head, found.business, found.without) == (4, "acme", [str(customer.pk)])
    Notebook.objects.all().delete()
    assert not Note.objects.exists()
    assert not (gone := missed(case, 2)).too_much
    assert gone.head is not None  # it would be asked for again and again


def test_the_sweep_asks_for_notes_of_its_own_businesses(agent: User, case: UUID) -> None:
    noted(agent, case)
    noted(factories.agent("other"), factories.case(factories.person(), "other"))
    (found,) = queries.recent(back=60, businesses=["acme"])
    assert (found.conversation, found.version, found.floor, found.business) == (f"{case}.notes", 1, 1, "acme")
    assert queries.recent(back=60, businesses=["nobody"]) == []


def test_a_history_costs_what_it_did(agent: User, case: UUID) -> None:
    def statements(path: str) -> int:
        with CaptureQueriesContext(connection) as found:
            read(Api(agent).get(f"/conversations/{case}/{path}"))
        return len(found)

    before = statements("messages")
    for _ in range(5):
        noted(agent, case)
    assert statements("messages") == before
    few = statements("notes")
    for _ in range(20):
        noted(agent, case)
    assert statements("notes") == few


@pytest.mark.django_db(transaction=True)
def test_two_at_once_have_two_numbers_and_a_dismissal_waits(
    agent: User, chief: User, customer: User, case: UUID
) -> None:
    other = factories.agent()
    with transaction.atomic():
        noted(agent, case)
        rival = Rival(write_note, agent_id=chief.pk, conversation_id=case, content="second").await_blocked()
        leaving = Rival(
            business.remove_agent, actor=chief, business_id="acme", user_id=agent.pk
        ).await_blocked()
        Rival(factories.say, sender=customer, conversation=case, content="is not kept waiting").result()
    rival.result()
    leaving.result()
    noted(other, case)
    with transaction.atomic():
        delete_note(agent_id=chief.pk, conversation_id=case, number=3)
        late = Rival(
            edit_note, agent_id=other.pk, conversation_id=case, number=3, content="back again"
        ).await_blocked()
    with pytest.raises(Conflict):
        late.result()
    # The place of the second is as of the lock.
    assert listed(chief, case) == [(1, 2, "called twice"), (2, 3, "second"), (3, 3, "")]
    with pytest.raises(NotFound):
        noted(agent, case)
    with pytest.raises(NotFound):
        access.get_conversation(user_id=agent.pk, conversation_id=case)
    assert Conversation.objects.get(pk=case).last_seq == 3
