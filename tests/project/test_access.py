"""Every endpoint, tried by every kind of caller; what is refused changes nothing."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection, transaction
from django.urls import URLPattern, URLResolver, get_resolver

from conversations.models import CannedReply, User
from conversations.services import participants, sessions
from messaging.services.notes import write_note
from personal.jobs.erasing import KINDS
from personal.models import Job
from tests import factories
from tests.api import Api

# `shut` sits in the group with a closed account, `left` was removed from it, `membr` wrote its message 1 and is in the
# direct conversation; `custo` opened the case; `agent` and `chief` (an owner) answer for its business, `rival` for
# another one.

TABLE = """
                                                 anon  shut  other left  membr admin owner custo agent chief rival staff
POST   auth/register                             open 201
POST   auth/token                                open 200
POST   auth/token/refresh                        open 200
POST   auth/token/verify                         open 200
POST   auth/token/revoke                         open 204
POST   auth/ws-ticket                            signed-in 200
GET    users                                     signed-in 200
GET    users/me                                  signed-in 200
PATCH  users/me                                  signed-in 200
GET    users/me/blocks                           signed-in 200
PUT    users/me/blocks/{user}                    signed-in 204
DELETE users/me/blocks/{user}                    signed-in 204
GET    users/{user}                              signed-in 200
GET    users/by-kaha-id/{kaha}                   signed-in 200
GET    users/presence?ids={user}                 signed-in 200
GET    unread                                    signed-in 200
GET    conversations                             signed-in 200
POST   conversations                             signed-in 201
POST   sync                                      signed-in 200
POST   attachments                               signed-in 201
GET    search/messages?q=hello                   signed-in 200
GET    users/me/messages                         signed-in 200
POST   users/me/export                           signed-in 202

                                                 anon  shut  other left  membr admin owner custo agent chief rival staff
GET    conversations/{group}                     401   401   404   404   200   200   200   404   404   404   404   404
PATCH  conversations/{group}                     401   401   404   404   403   200   200   404   404   404   404   404
DELETE conversations/{group}                     401   401   404   404   403   403   204   404   404   404   404   404
GET    conversations/{group}/participants        401   401   404   404   200   200   200   404   404   404   404   404
POST   conversations/{group}/participants        401   401   404   404   403   201   201   404   404   404   404   404
PATCH  conversations/{group}/participants/{user} 401   401   404   404   403   403   200   404   404   404   404   404
DELETE conversations/{group}/participants/{user} 401   401   404   404   403   204   204   404   404   404   404   404
POST   conversations/{group}/leave               401   401   404   404   204   204   409   404   404   404   404   404
PATCH  conversations/{group}/membership          401   401   404   404   200   200   200   404   404   404   404   404
POST   conversations/{group}/read                401   401   404   404   200   200   200   404   404   404   404   404
GET    search/messages?q=a&conversation={group}  401   401   404   404   200   200   200   404   404   404   404   404
GET    conversations/{group}/changes             401   401   404   404   200   200   200   404   404   404   404   404
GET    conversations/{group}/stats               401   401   404   404   200   200   200   404   404   404   404   404
GET    conversations/{group}/messages            401   401   404   404   200   200   200   404   404   404   404   404
POST   conversations/{group}/messages            401   401   404   404   201   201   201   404   404   404   404   404
GET    conversations/{group}/messages/1          401   401   404   404   200   200   200   404   404   404   404   404
PATCH  conversations/{group}/messages/1          401   401   404   404   200   403   403   404   404   404   404   404
DELETE conversations/{group}/messages/1          401   401   404   404   200   200   200   404   404   404   404   404
GET    conversations/{group}/messages/1/replies  401   401   404   404   200   200   200   404   404   404   404   404
GET    conversations/{group}/messages/1/receipts 401   401   404   404   200   200   200   404   404   404   404   404
GET    conversations/{group}/messages/1/history  401   401   404   404   403   200   200   404   404   404   404   200
PUT    conversations/{group}/messages/1/reactions/{emoji} 401  401  404  404  200  200  200  404  404  404  404  404
DELETE conversations/{group}/messages/1/reactions/{emoji} 401  401  404  404  200  200  200  404  404  404  404  404
GET    attachments/{file}                        401   401   404   404   200   200   200   404   404   404   404   404
GET    attachments/{file}/thumbnail              401   401   404   404   200   200   200   404   404   404   404   404
GET    conversations/{group}/pins                401   401   404   404   200   200   200   404   404   404   404   404
PUT    conversations/{group}/pins/1              401   401   404   404   403   204   204   404   404   404   404   404
DELETE conversations/{group}/pins/1              401   401   404   404   403   204   204   404   404   404   404   404
POST   conversations/{group}/messages/1/report   401   401   404   404   409   201   201   404   404   404   404   404
POST   conversations/{group}/messages/batch      401   401   403   403   403   403   403   403   403   403   403   201
POST   conversations/{group}/assign              401   401   404   404   403   403   403   404   404   404   404   404
POST   conversations/{group}/status              401   401   404   404   403   403   403   404   404   404   404   404
POST   conversations/{group}/export              401   401   404   404   403   202   202   404   404   404   404   404
GET    jobs/{export}                             401   401   404   404   404   404   200   404   404   404   404   404
GET    jobs/{export}/result                      401   401   404   404   404   404   404   404   404   404   404   404
GET    jobs/{erasure}                            401   401   404   404   404   404   404   404   404   404   404   200
GET    jobs/{erasure}/result                     401   401   404   404   404   404   404   404   404   404   404   200
POST   users/{user}/erase                        401   401   403   403   403   403   403   403   403   403   403   202

                                                 anon  shut  other left  membr admin owner custo agent chief rival staff
GET    conversations/{direct}                    401   401   404   404   200   404   404   404   404   404   404   404
PATCH  conversations/{direct}                    401   401   404   404   403   404   404   404   404   404   404   404
DELETE conversations/{direct}                    401   401   404   404   403   404   404   404   404   404   404   404
POST   conversations/{direct}/participants       401   401   404   404   403   404   404   404   404   404   404   404
POST   conversations/{direct}/leave              401   401   404   404   409   404   404   404   404   404   404   404
POST   conversations/{direct}/export             401   401   404   404   202   404   404   404   404   404   404   404
POST   conversations/{direct}/messages           401   401   404   404   201   404   404   404   404   404   404   404
POST   conversations/{direct}/status             401   401   404   404   403   404   404   404   404   404   404   404

                                                 anon  shut  other left  membr admin owner custo agent chief rival staff
GET    conversations/{case}                      401   401   404   404   404   404   404   200   200   200   404   404
PATCH  conversations/{case}                      401   401   404   404   404   404   404   403   403   403   404   404
DELETE conversations/{case}                      401   401   404   404   404   404   404   403   403   403   404   404
GET    conversations/{case}/participants         401   401   404   404   404   404   404   200   200   200   404   404
POST   conversations/{case}/participants         401   401   404   404   404   404   404   403   403   403   404   404
POST   conversations/{case}/leave                401   401   404   404   404   404   404   204   404   404   404   404
PATCH  conversations/{case}/membership           401   401   404   404   404   404   404   200   200   200   404   404
POST   conversations/{case}/read                 401   401   404   404   404   404   404   200   200   200   404   404
GET    search/messages?q=a&conversation={case}   401   401   404   404   404   404   404   200   200   200   404   404
POST   conversations/{case}/export               401   401   404   404   404   404   404   403   202   202   404   404
GET    conversations/{case}/changes              401   401   404   404   404   404   404   200   200   200   404   404
GET    conversations/{case}/stats                401   401   404   404   404   404   404   200   200   200   404   404
GET    conversations/{case}/messages             401   401   404   404   404   404   404   200   200   200   404   404
POST   conversations/{case}/messages             401   401   404   404   404   404   404   201   201   201   404   404
PATCH  conversations/{case}/messages/1           401   401   404   404   404   404   404   200   403   403   404   404
DELETE conversations/{case}/messages/1           401   401   404   404   404   404   404   200   403   403   404   404
GET    conversations/{case}/messages/1/replies   401   401   404   404   404   404   404   200   200   200   404   404
GET    conversations/{case}/messages/1/receipts  401   401   404   404   404   404   404   200   200   200   404   404
GET    conversations/{case}/messages/1/history   401   401   404   404   404   404   404   403   200   200   404   200
PUT    conversations/{case}/messages/1/reactions/{emoji} 401  401  404  404  404  404  404  200  200  200  404  404
DELETE conversations/{case}/messages/1/reactions/{emoji} 401  401  404  404  404  404  404  200  200  200  404  404
GET    attachments/{scan}                        401   401   404   404   404   404   404   200   200   200   404   404
POST   conversations/{case}/messages/1/report    401   401   404   404   404   404   404   409   201   201   404   404
GET    conversations/{case}/pins                 401   401   404   404   404   404   404   200   200   200   404   404
PUT    conversations/{case}/pins/1               401   401   404   404   404   404   404   403   204   204   404   404
GET    conversations/{case}/notes                401   401   404   404   404   404   404   403   200   200   404   404
GET    conversations/{case}/notes/1              401   401   404   404   404   404   404   403   200   200   404   404
POST   conversations/{case}/snooze               401   401   404   404   404   404   404   403   200   200   404   404
POST   conversations/{group}/snooze              401   401   404   404   403   403   403   404   404   404   404   404
GET    business/{business}/canned-replies        401   401   404   404   404   404   404   404   200   200   404   404
POST   business/{business}/canned-replies        401   401   404   404   404   404   404   404   201   201   404   404
PATCH  business/{business}/canned-replies/{canned} 401 401   404   404   404   404   404   404   200   200   404   404
DELETE business/{business}/canned-replies/{canned} 401 401   404   404   404   404   404   404   204   204   404   404
PATCH  conversations/{case}/notes/1              401   401   404   404   404   404   404   403   200   403   404   404
DELETE conversations/{case}/notes/1              401   401   404   404   404   404   404   403   200   200   404   404
GET    conversations/{group}/notes               401   401   404   404   403   403   403   404   404   404   404   404
DELETE conversations/{case}/pins/1               401   401   404   404   404   404   404   403   204   204   404   404
POST   conversations/{case}/assign               401   401   404   404   404   404   404   403   200   200   404   404
POST   conversations/{case}/status               401   401   404   404   404   404   404   403   200   200   404   404

                                                 anon  shut  other left  membr admin owner custo agent chief rival staff
GET    business/{business}/agents                401   401   404   404   404   404   404   404   200   200   404   200
PUT    business/{business}/agents/{user}         401   401   404   404   404   404   404   404   403   200   404   200
DELETE business/{business}/agents/{clerk}        401   401   404   404   404   404   404   404   403   204   404   204
GET    business/{business}/conversations         401   401   404   404   404   404   404   404   200   200   404   404
GET    business/{business}/stats                 401   401   404   404   404   404   404   404   200   200   404   404

                                                 anon  shut  other left  membr admin owner custo agent chief rival staff
GET    webhooks                                  signed-in 200
POST   webhooks                                  401   401   404   404   404   404   404   404   403   201   404   201
PATCH  webhooks/{hook}                           401   401   404   404   404   404   404   404   403   200   404   200
DELETE webhooks/{hook}                           401   401   404   404   404   404   404   404   403   204   404   204
GET    webhooks/{hook}/deliveries                401   401   404   404   404   404   404   404   403   200   404   200
POST   webhooks/{hook}/deliveries/{delivery}/replay 401 401 404  404   404   404   404   404   403   202   404   202

                                                 anon  shut  other left  membr admin owner custo agent chief rival staff
GET    admin/database/metrics                    401   401   403   403   403   403   403   403   403   403   403   200
GET    admin/database/size                       401   401   403   403   403   403   403   403   403   403   403   200
GET    admin/database/index-suggestions          401   401   403   403   403   403   403   403   403   403   403   200
POST   admin/database/analyze-query              401   401   403   403   403   403   403   403   403   403   403   403
POST   admin/database/optimize                   401   401   403   403   403   403   403   403   403   403   403   403
GET    admin/database/optimize/{job}             401   401   403   403   403   403   403   403   403   403   403   404
DELETE admin/database/optimize/{job}             401   401   403   403   403   403   403   403   403   403   403   403
"""

ITEM = {"sender_id": "{member}", "content": "then", "sent_at": "2026-01-02T03:04:05Z", "client_id": "b"}
# `staff` asks for a plan without the permission for it: tests/dbperf/test_explaining.py has those who may.
BODIES: dict[str, Any] = {
    "POST auth/register": {"username": "new.comer", "password": "long and unusual 7"},
    "POST auth/token": {"username": "{username}", "password": "a good password"},
    "POST auth/token/refresh": {"refresh": "{refresh}"},
    "POST auth/token/verify": {"token": "{access}"},
    "POST auth/token/revoke": {"refresh": "{refresh}"},
    "PATCH users/me": {"display_name": "Somebody Else"},
    "POST conversations": {"type": "group", "name": "den", "participant_ids": ["{user}"]},
    "POST sync": {"cursors": {"{group}": 1}},
    "PATCH conversations/*": {"name": "another name"},
    "POST conversations/*/participants": {"user_ids": ["{stranger}"]},
    "PATCH conversations/*/participants/*": {"role": "admin"},
    "PATCH conversations/*/membership": {"pinned": True},
    "POST conversations/*/read": {"seq": 1},
    "POST conversations/*/messages": {"content": "hello"},
    "PATCH conversations/*/messages/*": {"content": "other words"},
    "POST conversations/*/messages/batch": {"messages": [ITEM]},
    "PATCH conversations/*/notes/*": {"content": "other words"},
    "POST conversations/*/messages/*/report": {"reason": "spam"},
    "POST conversations/*/assign": {"user_id": "{clerk}"},
    "POST conversations/*/status": {"status": "resolved"},
    "POST conversations/*/snooze": {"until": None},
    "POST business/*/canned-replies": {"shortcut": "bye", "content": "Until next time."},
    "PATCH business/*/canned-replies/*": {"content": "Good day."},
    "POST admin/database/analyze-query": {"sql": "SELECT 1"},
    "POST admin/database/optimize": {"operation": "analyze"},
    "PUT business/*/agents/*": {"role": "agent"},
    "POST webhooks": {
        "url": "https://hooks.example.org/x",
        "events": ["message.created"],
        "business_id": "{business}",
    },
    "PATCH webhooks/*": {"events": ["message.deleted"]},
}
OTHER_ADDRESSES = {"health", "health/live", "health/ready", "metrics", "api/schema", "api/docs", ""}


@dataclass(frozen=True)
class Row:
    """One line of the table: what each caller is answered."""

    method: str
    path: str
    expected: dict[str, int]

    @property
    def address(self) -> str:
        return f"{self.method} {_anonymous(self.path.partition('?')[0])}"


CALLERS = TABLE.split("\n")[1].split()


def _rows() -> Iterator[Row]:
    for line in filter(None, map(str.split, TABLE.splitlines())):
        match line:
            case [method, path, "open", status]:
                yield Row(method, path, dict.fromkeys(CALLERS, int(status)))
            case [method, path, "signed-in", status]:
                closed = dict.fromkeys(["anon", "shut"], 401)
                yield Row(method, path, dict.fromkeys(CALLERS, int(status)) | closed)
            case [*names] if names == CALLERS:
                continue
            case [method, path, *statuses]:
                yield Row(method, path, dict(zip(CALLERS, map(int, statuses), strict=True)))


ROWS = list(_rows())


def _anonymous(path: str) -> str:
    return re.sub(r"\{\w+\}|<\w+:\w+>|\b1\b", "*", path)


@pytest.fixture
def callers(db: None) -> dict[str, User]:
    return {
        **{
            name: factories.person(name)
            for name in CALLERS
            if name not in {"anon", "agent", "chief", "rival"}
        },
        "agent": factories.agent("acme"),
        "chief": factories.agent("acme", role="owner"),
        "rival": factories.agent("other"),
    }


@pytest.fixture
def names(callers: dict[str, User]) -> dict[str, str]:
    """What the placeholders of the table stand for."""
    user = factories.person("friend", kaha_id="kaha-friend")
    user.set_password("a good password")
    user.save()
    owner, member = callers["owner"], callers["membr"]
    inside = [callers[name] for name in ("membr", "admin", "left", "shut")]
    group = factories.group(owner, *inside, user)
    participants.set_role(actor_id=owner.pk, conversation_id=group, user_id=callers["admin"].pk, role="admin")
    participants.remove_participant(actor_id=owner.pk, conversation_id=group, user_id=callers["left"].pk)
    files = {"file": factories.file(member, factories.PNG), "scan": factories.file(callers["custo"])}
    factories.say(member, group, attachments=[files["file"].pk])
    User.objects.filter(pk=callers["shut"].pk).update(is_active=False)
    User.objects.filter(pk=callers["staff"].pk).update(is_staff=True)
    _, tokens = sessions.sign_in(username=user.username, password="a good password")
    case = factories.case(callers["custo"], content="help")
    write_note(agent_id=callers["agent"].pk, conversation_id=case, content="for us")
    delivery = factories.delivery(factories.webhook(callers["chief"]), case)
    factories.say(callers["custo"], case, attachments=[files["scan"].pk])
    export = Job.objects.create(kind="conversation_export", asked_by=owner, conversation_id=group)
    done = {"state": "done", "ended_at": export.created_at, "result": dict.fromkeys(KINDS, 0)}
    erasure = Job.objects.create(kind="erasure", asked_by=owner, subject=factories.person("erased"), **done)
    return {
        "export": str(export.pk),
        "erasure": str(erasure.pk),
        "canned": str(CannedReply.objects.create(business_id="acme", shortcut="hi", content="Hi!").pk),
        "hook": str(delivery.webhook_id),
        "delivery": str(delivery.key),
        "job": "999",
        "user": str(user.pk),
        "username": user.username,
        "kaha": "kaha-friend",
        "emoji": "\N{THUMBS UP SIGN}",
        "member": str(member.pk),
        "stranger": str(factories.person("stranger").pk),
        "clerk": str(factories.agent("acme").pk),
        "business": "acme",
        "group": str(group),
        "direct": str(factories.direct(member, user)),
        "case": str(case),
        **{name: str(file.pk) for name, file in files.items()},
        **tokens._asdict(),
    }


def _filled(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {_filled(key, names): _filled(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, names) for item in value]
    return value.format(**names) if isinstance(value, str) else value


Digests = set[tuple[Any, ...]]

# A thread of each process, this one's too, adds to these every half minute what statements were traced meanwhile.
BY_THE_WAY = {"dbperf_endpointhour", "dbperf_origin", "dbperf_originhour", "dbperf_snapshot"}


def _digests() -> Digests:
    """Of every row of every table that requests write. Planned once a session: there are many tables and few rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_prepared_statements WHERE name = 'digests'")
        if not cursor.fetchall():
            tables = set(connection.introspection.table_names(cursor)) - BY_THE_WAY
            kept = sorted(name for name in tables if not name.startswith("django_"))
            digest = "SELECT '{0}', count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {0} t"
            cursor.execute("PREPARE digests AS " + " UNION ALL ".join(digest.format(name) for name in kept))
        cursor.execute("EXECUTE digests")
        return set(cursor.fetchall())


def _try(row: Row, caller: User | None, names: dict[str, str], before: Digests) -> tuple[int, set[str]]:
    """The status, and the tables that were changed although it was refused; undone afterwards."""
    body = _filled(BODIES.get(row.address), names)
    with transaction.atomic():
        asked, path = Api(caller), "/" + row.path.format(**names)
        response = asked.upload() if path == "/attachments" else asked.call(row.method, path, body)
        refused = response.status_code >= 400
        changed = {line[0] for line in _digests() ^ before} if refused else set()
        transaction.set_rollback(True)
    return response.status_code, changed


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.path}")
def test_access(row: Row, callers: dict[str, User], names: dict[str, str]) -> None:
    before = _digests()
    tried = {name: _try(row, callers.get(name), names, before) for name in CALLERS}
    assert {name: status for name, (status, _) in tried.items()} == row.expected
    assert {name: changed for name, (_, changed) in tried.items() if changed} == {}
    assert _digests() == before  # what was tried was undone


def _addresses(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver) and (
            route == "admin/database/" or not route.startswith("admin/")
        ):
            yield from _addresses(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route, pattern.callback


def test_the_table_is_complete() -> None:
    found, others = set(), set()
    for route, view in _addresses(get_resolver().url_patterns):
        if route.startswith(("api/v1/", "admin/database/")):
            path = _anonymous(route.removeprefix("api/v1/"))
            found |= {f"{method.upper()} {path}" for method in view.actions if method != "head"}
        else:
            others.add(route)
    assert found == {row.address for row in ROWS}
    assert {route for route in others if not route.startswith("^")} == OTHER_ADDRESSES
