"""Who may do what, as tables: no database."""

from collections.abc import Callable

import pytest

from conversations import policies
from conversations.exceptions import ChatError, Conflict, Forbidden
from conversations.models import Conversation
from messaging import policies as speech
from messaging.models import Message
from tests.factories import unsaved

ROLES = ["owner", "admin", "member", "agent", "customer"]


def _refusals(rule: Callable[..., None], *cases: tuple[str, ...]) -> set[tuple[str, ...]]:
    """Which of these the rule forbids."""
    refused = set()
    for case in cases:
        try:
            rule(*case)
        except Forbidden:
            refused.add(case)
    return refused


def test_owners_and_admins_moderate() -> None:
    refused = _refusals(policies.require_moderator, *((role,) for role in ROLES))
    assert refused == {("member",), ("agent",), ("customer",)}


def test_only_owners_do_what_owners_do() -> None:
    refused = _refusals(policies.require_owner, *((role,) for role in ROLES))
    assert refused == {("admin",), ("member",), ("agent",), ("customer",)}


def test_only_agents_do_what_agents_do() -> None:
    refused = _refusals(policies.require_agent, *((role,) for role in ROLES))
    assert refused == {("owner",), ("admin",), ("member",), ("customer",)}


def test_owners_give_every_role_of_a_group_and_admins_that_of_members() -> None:
    pairs = [(actor, wanted) for actor in ROLES for wanted in ROLES]
    allowed = set(pairs) - _refusals(policies.require_grant, *pairs)
    assert allowed == {("owner", "owner"), ("owner", "admin"), ("owner", "member"), ("admin", "member")}


def test_admins_remove_those_below_them_and_owners_anybody() -> None:
    pairs = [(actor, target) for actor in ("owner", "admin", "member") for target in ROLES[:3]]
    allowed = set(pairs) - _refusals(policies.require_removable, *pairs)
    assert allowed == {("owner", "owner"), ("owner", "admin"), ("owner", "member"), ("admin", "member")}


@pytest.mark.parametrize(
    ("type", "role", "other_owners", "others", "code"),
    [
        ("direct", "member", 0, 1, "direct_conversation"),
        ("group", "owner", 0, 3, "last_owner"),
        ("group", "owner", 1, 3, None),
        ("group", "owner", 0, 0, None),
        ("group", "admin", 1, 3, None),
        ("business", "customer", 0, 1, None),
        ("business", "agent", 0, 1, None),
    ],
)
def test_who_may_leave(type: str, role: str, other_owners: int, others: int, code: str | None) -> None:
    try:
        policies.require_leavable(Conversation(type=type), role, other_owners=other_owners, others=others)
        refused = None
    except Conflict as error:
        refused = error.code
    assert refused == code


def _message(**fields: object) -> Message:
    return Message(**{"sender_id": unsaved(1), "type": "text", "content": "x", **fields})


def test_only_its_sender_edits_a_message_that_stands() -> None:
    sender, other = unsaved(1), unsaved(2)
    speech.require_editable(_message(), actor_id=sender)
    with pytest.raises(Forbidden):
        speech.require_editable(_message(), actor_id=other)
    with pytest.raises(Forbidden):
        speech.require_editable(_message(type="system"), actor_id=sender)
    with pytest.raises(Conflict):
        speech.require_editable(_message(deleted_at="2026-01-01"), actor_id=sender)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("own", "type"), [(True, "text"), (False, "text"), (True, "system")])
def test_who_deletes_a_message(role: str, own: bool, type: str) -> None:
    allowed = role in {"owner", "admin"} or (own and type == "text")
    actor = unsaved(1 if own else 2)
    try:
        speech.require_deletable(_message(type=type), actor_id=actor, role=role)
    except Forbidden:
        assert not allowed
    else:
        assert allowed


@pytest.mark.parametrize("type", Message.Type.values)
def test_people_send_every_type_but_that_of_notices(type: str) -> None:
    if type == "system":
        with pytest.raises(ChatError):
            speech.require_sayable(type)
    else:
        speech.require_sayable(type)
