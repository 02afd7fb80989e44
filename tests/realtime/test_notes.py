"""Notes are heard by agents, at once and without a gap; the customer's socket is as silent as if there were none."""

from typing import Any
from uuid import UUID

import pytest

from conversations.models import User
from conversations.services import business
from messaging.consumers.notes import FAR
from messaging.services.notes import delete_note, edit_note, write_note
from tests import factories
from tests.realtime.client import Client, Frame
from tests.realtime.conftest import Join
from tests.server import Server


@pytest.fixture
def agent(transactional_db: None) -> User:
    """Who answers for the business."""
    return factories.agent()


@pytest.fixture
def case(alice: User, agent: User) -> UUID:
    """Alice's."""
    return factories.case(alice, content="help")


def note(agent: User, case: UUID, content: str = "psst") -> None:
    write_note(agent_id=agent.pk, conversation_id=case, content=content)


def told(frames: list[Frame]) -> list[tuple[str, int, int]]:
    """Events of notes, their versions and what each builds on."""
    noted = [one for one in frames if one["event"].startswith("note.")]
    return [(one["event"], one["notes_version"], one["notes_prev"]) for one in noted]


def up_to(client: Client, version: int) -> list[Frame]:
    """All that comes up to a version of the notes."""
    return client.until(lambda one: one.get("notes_version") == version)


def resumed(client: Client, **fields: Any) -> list[Frame]:
    """All that comes up to the end of the replay."""
    client.say(op="resume", ref="again", **{"cursors": {}, **fields})
    return client.until(lambda one: one.get("ref") == "again")[:-1]


def test_agents_of_all_processes_hear_them_and_nobody_else(
    alice: User, agent: User, case: UUID, join: Join, other: Server
) -> None:
    both = factories.agent()  # answers for the business, and has the customer's seat in a case of their own
    own = factories.case(both, content="me too")
    a, b, c = join(agent), join(factories.agent(), at=other), join(both, at=other)
    customer, rival = join(alice, at=other), join(factories.agent("other"))
    sent = {"conversation": case, "client_id": "1", "content": "psst", "internal": True}
    a.do("typing", conversation=case, on=True)
    customer.hear("typing", on=True)
    first = a.do("send", **sent)
    assert (first["internal"], first["number"], first["duplicate"]) == (True, 1, False)
    assert a.do("send", **sent) == {**first, "duplicate": True}
    edit_note(agent_id=agent.pk, conversation_id=case, number=1, content="other")
    delete_note(agent_id=agent.pk, conversation_id=case, number=1)
    every = [("note.created", 1, 0), ("note.updated", 2, 1), ("note.deleted", 3, 2)]
    assert told(up_to(b, 3)) == told(up_to(c, 3)) == every
    assert told(up_to(a, 3)) == every[1:]  # the first came before its ack
    a.do("send", **{**sent, "client_id": "2"})
    assert told(up_to(b, 4)) == told(up_to(c, 4)) == [("note.created", 4, 3)]
    assert customer.heard_by_now() == []  # nor the end of the typing, which saying something tells
    assert customer.ask("send", **sent)["error"]["code"] == "forbidden"
    assert c.ask("send", **{**sent, "conversation": own})["error"]["code"] == "forbidden"
    refused = a.ask("send", **sent, mentions=[alice.pk])["error"]
    assert refused["code"] == "not_in_a_note"
    note(agent, own)
    assert b.hear("note.created")["conversation"] == str(own)
    assert c.heard_by_now() == rival.heard_by_now() == customer.heard_by_now() == []
    again = join(alice, past=True)
    assert again.hello["heads"] == customer.hello["heads"]
    assert told(resumed(again, cursors={str(case): 1})) == []
    assert [one["event"] for one in resumed(again, notes={str(case): 0})] == ["note.reset"]


def test_who_was_away_is_told_what_they_missed(alice: User, agent: User, join: Join) -> None:
    cases = [factories.case(alice, content="help") for _ in range(3)]
    near, far, same = map(str, cases)
    for number in range(3):
        note(agent, cases[0], str(number))
    edit_note(agent_id=agent.pk, conversation_id=cases[0], number=1, content="edited")
    for _ in range(FAR + 1):
        note(agent, cases[1])
    note(agent, cases[2])
    a = join(agent, past=True)
    frames = resumed(a, notes={near: 1, far: 0, same: 1, str(agent.pk): 4})
    assert told([one for one in frames if one["conversation"] == near]) == [
        ("note.created", 2, 1),
        ("note.created", 3, 2),
        ("note.updated", 4, 3),
    ]
    reset = {one["conversation"] for one in frames if one["event"] == "note.reset"}
    assert reset == {far, str(agent.pk)}
    assert len(frames) == 5
    note(agent, cases[0], "live")
    note(agent, cases[1], "live")
    assert told(up_to(a, FAR + 2)) == [("note.created", 5, 4), ("note.created", FAR + 2, FAR + 1)]
    assert resumed(a, notes={near: 5, far: FAR + 2}) == []


def test_who_is_dismissed_falls_silent_at_once(agent: User, case: UUID, join: Join, other: Server) -> None:
    leaving, staff = factories.agent(), factories.person("staff", is_staff=True)
    a, b = join(agent, at=other), join(leaving, at=other)  # one hub: what a hears, b would have heard
    note(agent, case)
    assert told(up_to(b, 1)) == [("note.created", 1, 0)]
    business.remove_agent(actor=staff, business_id="acme", user_id=leaving.pk)
    note(agent, case)
    up_to(a, 2)
    assert told(b.heard_by_now()) == []
    refused = b.ask("send", conversation=case, client_id="1", content="psst", internal=True)
    assert refused["error"]["code"] == "not_found"
