"""What is found, and what never is."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.exceptions import ChatError
from conversations.models import User
from conversations.services import business, conversations, participants
from messaging import terms
from messaging.models import Message
from messaging.queries import history, recent
from messaging.queries import search as queries
from messaging.queries.history import Window
from messaging.queries.search import Search
from messaging.services import bulk, messages
from messaging.services import search as service
from messaging.services.bulk import Line
from messaging.services.search import Wanted, find_messages
from tests import factories
from tests.api import Api, pages, problem, read
from tests.factories import Json

pytestmark = pytest.mark.django_db
examples = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def found(user: User, q: str, **query: Any) -> list[Json]:
    """The first page as clients read it."""
    results: list[Json] = read(Api(user).get("/search/messages", q=q, **query))["results"]
    return results


def contents(user: User, q: str, **query: Any) -> list[str]:
    return [one["content"] for one in found(user, q, **query)]


def alone(*said: str) -> User:
    """Somebody who said all this to themselves, in this order."""
    user = factories.person()
    room = factories.group(user)
    for content in said:
        factories.say(user, room, content)
    return user


# --- words

MATCHES = [
    ("parcel", "The PARCEL came", True),
    ("PARCEL", "the parcel came", True),
    ("parcel came", "it came, the parcel", True),
    ("parcel lost", "the parcel came", False),
    ("parcels", "one parcel", True),  # endings
    ("the", "the parcel", True),  # no word is too common to be looked for
    ('"to be or not to be"', "To be, or not to be?", True),
    ('"the parcel"', "parcel the", False),
    ('"parcel came', "the parcel came", True),  # a quote left open ends with the text
    ("parcel -lost", "the parcel came", True),
    ("parcel -came", "the parcel came", False),
    ('parcel -"has come"', "the parcel has come", False),
    ("lost or parcel", "the parcel came", True),
    ("lost OR found", "the parcel came", False),
    ("parc", "the parcel came", True),  # the beginning of a word
    ('"parc"', "the parcel came", False),
    ("arcel", "the parcel came", False),
    ("cafe", "Un café crème", True),  # accents
    ("Ångström", "angstrom", True),
    ("strasse", "Straße", True),
    ("\uff21\uff22\uff23", "abc", True),  # full width
    ("bar", "see foo-bar/baz_qux", True),
    ("qux", "see foo-bar/baz_qux", True),
    ("foo-bar", "see foo-bar/baz", True),
    ("foo-bar", "bar foo", False),
    ("example.com", "https://www.example.com/a/b?c=1#d", True),
    ("index.html", "/var/www/index.html", True),
    ("bob@example.com", "write to bob@example.com", True),
    ("5.2.19", "Django 5.2.19 is out", True),
    ("don't", "I don't know", True),
    ("b", "<b>bold</b>", True),  # no tag is taken for markup and left out
    ("C++", "C++ or Rust", True),
    ("京都", "東京都知事", True),  # inside a run
    ("東京都", "東京都知事", True),
    ("都京", "東京都知事", False),
    ("東知", "東京都知事", False),
    ("事", "東京都知事", True),  # one sign
    ("猫 東京", "東京の猫です", True),
    ("-京都 知事", "東京都知事", False),
    ("สวัสดี", "พูดว่าสวัสดีครับ", True),
    ("한국", "대한국민", True),
    ("カナ", "ﾊﾝｶｸｶﾅ", True),  # half width
    ("tower東京", "東京 tower", True),
    ("🎉", "done 🎉🎉", True),
    ("नमस्ते", "सबको नमस्ते", True),
    ("привет", "Привет, мир", True),
]


@pytest.mark.parametrize(("q", "content", "match"), MATCHES)
def test_what_matches(q: str, content: str, match: bool) -> None:
    assert contents(alone(content, "something else"), q) == [content] * match


@pytest.mark.parametrize(
    "q", ["-parcel", "or", "or or", "-", '""', '-"', "& | ! :* <->", "...", "\\", "'", "''", "(", "⟨⟩"]
)
def test_what_says_nothing_finds_nothing(q: str) -> None:
    assert contents(alone("the parcel came"), q) == []


@examples
@given(q=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60))
def test_nothing_that_can_be_typed_is_an_error(q: str) -> None:
    _ask(factories.person(), q)


@pytest.fixture(scope="module")
def odd() -> str:
    return "'\"\\&|!():*<->\x01\x02\x7f-or %s %(q)s ;--"


@examples
@given(data=st.data())
def test_odd_signs_are_no_error_either(data: st.DataObject, odd: str) -> None:
    q = "".join(data.draw(st.lists(st.sampled_from([*odd, " ", "a", "京"]), max_size=30)))
    _ask(factories.person(), q)


def _ask(user: User, q: str, **more: Any) -> list[tuple[UUID, int]]:
    page = find_messages(Wanted(viewer=user.pk, terms=terms.read(q), limit=200, **more))
    return [(hit.conversation, hit.seq) for hit in page.hits]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "required"),
        ({"q": "x" * 201}, "max_length"),
        ({"q": "a " * 17}, "too_many_terms"),
        ({"q": "a", "conversation": "1"}, "invalid"),
        ({"q": "a", "sender": "me"}, "invalid"),
        ({"q": "a", "type": "song"}, "invalid_choice"),
        ({"q": "a", "sort": "oldest"}, "invalid_choice"),
        ({"q": "a", "since": "yesterday"}, "invalid"),
        ({"q": "a", "limit": 201}, "max_value"),
    ],
)
def test_input_at_fault(query: dict[str, Any], code: str) -> None:
    refused = problem(Api(factories.person()).get("/search/messages", **query), 400)
    assert [error["code"] for error in refused["errors"]] == [code]


def test_every_unspaced_sign_is_one_to_the_database_too() -> None:
    """The class of characters stands in Python and in the function that writes words."""
    edges = [sign for sign in terms.UNSPACED if sign != "-"]
    with connection.cursor() as cursor:
        for sign in edges:
            query = terms.read(sign * 2).exact
            cursor.execute(
                "SELECT chat_search_words(%s::text) @@ to_tsquery('chat_search', %s::text)",
                [f"a{sign * 3}b", query],
            )
            assert cursor.fetchone() == (True,), hex(ord(sign))


# --- who may find what

WORDS = ("apple", "pear")
ACTS = ("say", "say", "say", "edit", "delete", "leave", "join", "dismiss", "name", "end", "close")


class World:
    """People, an agent, and conversations of every kind, in which things happen or are refused."""

    def __init__(self) -> None:
        ann, bob, cid = self.people = factories.persons(3)
        self.business = f"shop-{ann.username}"
        self.agent, self.boss = factories.agent(self.business), factories.agent(self.business, role="owner")
        self.rooms = [
            factories.group(ann, bob),
            factories.group(cid, bob),
            factories.direct(ann, cid),
            factories.case(bob, self.business, content="apple"),
        ]
        self.viewers = [*self.people, self.agent, self.boss, factories.person()]

    def do(self, act: str, person: int, room: int, word: str) -> None:
        who, where = self.people[person].pk, self.rooms[room]
        owner = (self.people[0], self.people[2])[room % 2].pk
        own = Message.objects.filter(conversation=where, sender=who, type="text", deleted_at=None)
        seq = own.order_by("-seq").values_list("seq", flat=True).first() or 1
        message: Any = {"conversation_id": where, "seq": seq}
        agent: Any = {"actor": self.boss, "business_id": self.business, "user_id": self.agent.pk}
        with suppress(ChatError):
            match act:
                case "say":
                    messages.send_message(sender_id=who, conversation_id=where, content=f"{word} pie")
                case "edit":
                    messages.edit_message(actor_id=who, **message, content=f"{word} cake")
                case "delete":
                    messages.delete_message(actor_id=who, **message)
                case "leave":
                    participants.leave(user_id=who, conversation_id=where)
                case "join":
                    participants.add_participants(actor_id=owner, conversation_id=where, user_ids=[who])
                case "dismiss":
                    business.remove_agent(**agent)
                case "name":
                    business.put_agent(**agent, role="agent")
                case "end":
                    conversations.delete_conversation(actor_id=owner, conversation_id=where)
                case "close":
                    User.objects.filter(pk=who).update(is_active=False)

    def readable(self, viewer: User, word: str) -> set[tuple[UUID, int]]:
        """What this person's histories show that has the word: read message by message."""
        return {
            (room, one["seq"])
            for room in self.rooms
            if history.message_history(viewer=viewer.pk, conversation_id=room, window=Window(1))
            for one in factories.said(viewer, room)
            if word in one["content"].split() and one["type"] != "system"
        }


acts = st.tuples(st.sampled_from(ACTS), st.integers(0, 2), st.integers(0, 3), st.sampled_from(WORDS))


@settings(examples, max_examples=15)
@given(happened=st.lists(acts, max_size=25))
def test_people_find_exactly_what_they_may_read(happened: list[tuple[str, int, int, str]]) -> None:
    world = World()
    for act in happened:
        world.do(*act)
    for viewer in world.viewers:
        for word in WORDS:
            ways = [set(_ask(viewer, q)) for q in (word, f"{word} {word}")]  # looked up at once, and walked
            assert ways == [world.readable(viewer, word)] * 2
            assert ways[0] == _indexed(world, viewer, word)
            for room in world.rooms:
                there = {place for place in world.readable(viewer, word) if place[0] == room}
                assert set(_ask(viewer, word, conversation=room)) == there


def _indexed(world: World, viewer: User, word: str) -> set[tuple[UUID, int]]:
    """What the index of words finds that was told of every conversation there is."""
    wanted = Search(viewer=viewer.pk, query=f"'{word}'", depth=200, limit=200)
    return {(hit.conversation, hit.seq) for hit in queries.indexed(wanted, conversations=world.rooms).hits}


def test_an_absent_and_a_forbidden_conversation_look_alike() -> None:
    ann = alone("hello")
    foreign = factories.group(factories.person())
    for room in (foreign, uuid4()):
        assert (
            problem(Api(ann).get("/search/messages", q="hello", conversation=room), 404)["code"]
            == "not_found"
        )


def test_somebody_without_conversations_finds_nothing() -> None:
    assert found(factories.person(), "hello") == []


# --- narrowing and order


@pytest.fixture
def talk() -> tuple[User, User, UUID]:
    """Eighty messages of two people, every tenth with the word, one a minute."""
    ann, bob = factories.persons(2)
    room = factories.group(ann, bob)
    lines = [
        Line(
            sender=(ann, bob)[number // 10 % 2].pk,
            content=f"{'apple ' * (number % 10 == 0)}number {number}",
            sent_at=datetime(2026, 1, 1, 10, tzinfo=UTC) + timedelta(minutes=number),
            client_id=str(number),
        )
        for number in range(1, 81)
    ]
    bulk.add_batch(conversation_id=room, lines=lines)
    return ann, bob, room


def _seqs(user: User, q: str, **query: Any) -> list[int]:
    return [one["seq"] for one in found(user, q, **query)]


def test_narrowing(talk: tuple[User, User, UUID]) -> None:
    ann, bob, room = talk
    other = factories.group(ann)
    factories.say(ann, other, "apple", type="image")
    assert _seqs(ann, "apple", conversation=room) == [80, 70, 60, 50, 40, 30, 20, 10]
    assert _seqs(ann, "apple", conversation=other) == [1]
    assert _seqs(ann, "apple", sender=bob.pk) == [70, 50, 30, 10]
    assert _seqs(ann, "apple", type="image") == [1]
    assert _seqs(ann, "apple", since="2026-01-01T10:30:00Z", until="2026-01-01T10:40:00Z") == [40, 30]
    assert _seqs(ann, "apple", since="2026-01-01T12:30:00+02:00", until="2026-01-01T10:30:00") == [30]
    assert _seqs(ann, "apple", until="2026-01-01T10:00:00Z") == []


def test_notices_are_found_by_those_who_ask_for_them() -> None:
    boss = factories.agent(role="owner")
    case = factories.case(factories.person(), content="help")
    business.set_case_status(actor_id=boss.pk, conversation_id=case, status="resolved")
    notice = factories.said(boss, case)[-1]["content"].split()[-1]
    assert found(boss, notice) == []
    assert [one["type"] for one in found(boss, notice, type="system")] == ["system"]


@pytest.mark.parametrize("sort", ["newest", "relevance"])
def test_pages_hold_everything_once(talk: tuple[User, User, UUID], sort: str) -> None:
    ann, _, room = talk
    whole = found(ann, "apple or number", sort=sort, limit=200)
    cut = [
        one
        for page in pages(Api(ann), "/search/messages", q="apple or number", sort=sort, limit=7)
        for one in page
    ]
    assert len(whole) == 80
    assert cut == whole
    assert {one["conversation"] for one in whole} == {str(room)}


def test_pages_are_not_moved_by_what_is_said_meanwhile(talk: tuple[User, User, UUID]) -> None:
    ann, _, room = talk
    for sort in ("newest", "relevance"):
        first = read(Api(ann).get("/search/messages", q="apple", sort=sort, limit=3))
        factories.say(ann, room, "apple apple apple")
        second = read(Api(ann).get("/search/messages", q="apple", sort=sort, limit=5, cursor=first["next"]))
        shown = [one["seq"] for one in (*first["results"], *second["results"])]
        assert len(shown) == len(set(shown)) == 8
        assert shown.count(81) <= 1


def test_relevance_puts_what_is_about_it_first() -> None:
    user = alone("apple apple apple", "an apple in a long message about other things", "apple apple")
    assert contents(user, "apple", sort="relevance")[-1] == "an apple in a long message about other things"


def test_words_of_the_first_page_are_taken_the_same_way_on_the_next() -> None:
    user = alone("apples here", "applesauce", "apple pie", "more applesauce")
    cut = [
        one["content"] for page in pages(Api(user), "/search/messages", q="applesau", limit=1) for one in page
    ]
    assert cut == ["more applesauce", "applesauce"]


def test_cursors_of_another_order_are_refused(talk: tuple[User, User, UUID]) -> None:
    api = Api(talk[0])
    for sort, other in (("newest", "relevance"), ("relevance", "newest")):
        cursor = read(api.get("/search/messages", q="apple", sort=sort, limit=1))["next"]
        refused = problem(api.get("/search/messages", q="apple", sort=other, cursor=cursor), 400)
        assert refused["code"] == "bad_cursor"


# --- the ways


def _search(user: User, **more: Any) -> Search:
    return Search(**{"viewer": user.pk, "query": "'apple'", "depth": 9, "limit": 9, **more})


@pytest.mark.parametrize("budget", [32, 64, 512])
def test_a_walk_finds_the_newest_without_a_gap(talk: tuple[User, User, UUID], budget: int) -> None:
    ann, _, room = talk
    other = factories.group(ann)
    factories.say(ann, other, "apple elsewhere")
    scope, walked = queries.walk(_search(ann), budget=budget)
    known = queries.indexed(_search(ann), conversations=scope.conversations)
    assert set(scope.conversations) == {room, other}
    assert scope.messages == 81
    assert known.number == 9
    assert scope.complete == (budget > 32)
    assert walked.number >= 3
    assert walked.hits == known.hits[: walked.number]


def test_a_walk_leaves_quiet_conversations_beyond_the_liveliest_to_the_index(
    talk: tuple[User, User, UUID],
) -> None:
    ann, _, _ = talk
    rooms = [factories.group(ann) for _ in range(queries.LIVELIEST)]
    for room in rooms:
        factories.say(ann, room, "apple today")
    scope, walked = queries.walk(_search(ann, depth=500, limit=500), budget=4_096)
    assert not scope.complete
    assert walked.number <= queries.LIVELIEST
    assert len(_ask(ann, "apple")) == 200  # a page of as many
    assert [len(page) for page in pages(Api(ann), "/search/messages", q="apple", limit=200)] == [200, 8]


def test_every_way_leads_to_the_same(talk: tuple[User, User, UUID], monkeypatch: pytest.MonkeyPatch) -> None:
    ann = talk[0]
    usual = {q: _ask(ann, q) for q in ("apple", "number -apple", "7", "absent", "ap")}
    monkeypatch.setattr(service, "RARE", -1)
    for stroll, farthest in ((32, 0), (32, 32_768), (64, 64)):
        monkeypatch.setattr(service, "STROLL", stroll)
        monkeypatch.setattr(service, "FARTHEST", farthest)
        assert {q: _ask(ann, q) for q in usual} == usual


@pytest.mark.parametrize(("rare", "stroll"), [(10_000, 512), (-1, 32), (-1, 512)])
def test_beginnings_of_words_are_found_only_where_the_word_is_nowhere(
    talk: tuple[User, User, UUID], monkeypatch: pytest.MonkeyPatch, rare: int, stroll: int
) -> None:
    monkeypatch.setattr(service, "RARE", rare)
    monkeypatch.setattr(service, "STROLL", stroll)
    ann, _, room = talk
    said = ("quin", "quince", "quince")
    then = datetime(2025, 1, 1, tzinfo=UTC)
    lines = [Line(ann.pk, word, then, f"{place} {word}") for place, word in enumerate(said)]
    bulk.add_batch(conversation_id=room, lines=lines)
    assert contents(ann, "quin") == ["quin"]
    assert contents(ann, "quinc") == ["quince", "quince"]
    assert contents(ann, "qui") == ["quince", "quince", "quin"]


@pytest.mark.parametrize(("rare", "statements"), [(10_000, 2), (1, 4), (-1, 4)])
def test_pages_of_beginnings_that_no_walk_ends(
    talk: tuple[User, User, UUID],
    monkeypatch: pytest.MonkeyPatch,
    rare: int,
    statements: int,
    django_assert_num_queries: Any,
) -> None:
    """Those who look the word up find that there is none, and of what begins so few, or too many to look up."""
    monkeypatch.setattr(service, "RARE", rare)
    monkeypatch.setattr(service, "STROLL", 32)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE messages")
    expected = queries.guess(_search(talk[0], query="'ap'", partial="'ap':*"))
    assert expected == (1, 2)
    with django_assert_num_queries(statements):
        assert len(_ask(talk[0], "ap")) == 8
    cut = [len(page) for page in pages(Api(talk[0]), "/search/messages", q="ap", limit=7)]
    assert cut == [7, 1]


@pytest.fixture
def recent_index(talk: tuple[User, User, UUID]) -> Iterator[datetime]:
    """The index over what was sent since the day of the talk, as a rotation leaves it."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # no index is made while checks are due
        cursor.execute(
            f"CREATE INDEX {recent.NAME}_20260101 ON messages USING gin (conversation_id uuid_ops, words)"
            " WHERE deleted_at IS NULL AND sent_at >= '2026-01-01 00:00+00'"
        )
    recent.forget()
    yield datetime(2026, 1, 1, tzinfo=UTC)
    recent.forget()


def test_the_last_days_have_an_index_of_their_own(
    talk: tuple[User, User, UUID],
    recent_index: datetime,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: Any,
) -> None:
    ann, _, _ = talk
    monkeypatch.setattr(service, "STROLL", 32)
    monkeypatch.setattr(service, "FARTHEST", 0)
    monkeypatch.setattr(service, "FEW", 0)
    monkeypatch.setattr(service, "RARE", -1)
    whole = _ask(ann, "apple")
    with django_assert_num_queries(
        3
    ):  # how common it is, the walk, and what it tells is known of the last days
        first = find_messages(Wanted(viewer=ann.pk, terms=terms.read("apple"), limit=7))
    assert [(hit.conversation, hit.seq) for hit in first.hits] == whole[:7]
    with django_assert_num_queries(4):  # not enough of them: the index over all
        assert _ask(ann, "apple") == whole


def test_the_day_is_looked_for_once_a_minute(recent_index: datetime, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert recent.since() == recent.since() == recent_index
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {recent.NAME}_20260101")
    assert recent.since() == recent_index  # a search that believes it still finds the same
    recent.forget()
    assert recent.since() is None


def test_the_index_is_asked_again_who_may_read(talk: tuple[User, User, UUID]) -> None:
    """Conversations are given to it by name; one that was left in between is not searched."""
    ann, _, room = talk
    foreign = factories.group(factories.person())
    assert queries.indexed(_search(ann), conversations=[room, foreign]).number == 8
    assert queries.indexed(_search(factories.person()), conversations=[room]).number == 0


@pytest.mark.parametrize("rows", [1, 20])
def test_a_search_is_few_statements_whatever_the_data(
    rows: int, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    ann, others = factories.person(), factories.persons(rows)
    for other in others:
        room = factories.group(ann, other)
        for _ in range(rows):
            factories.say(other, room, "apple")
    for q in ("apple", "ap"):
        with django_assert_num_queries(2):  # how common it is, and the index: of words that begin so, too
            assert _ask(ann, q)
    monkeypatch.setattr(service, "RARE", -1)
    for q in ("apple apple", "ap ap", "nobody saidthis"):
        with django_assert_num_queries(1):  # the walk
            _ask(ann, q)
    for q in ("apple", "ap"):
        with django_assert_num_queries(2):
            assert _ask(ann, q)


def test_a_search_that_the_walk_does_not_end_takes_one_statement_more(
    talk: tuple[User, User, UUID], monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    monkeypatch.setattr(service, "STROLL", 32)
    monkeypatch.setattr(service, "FARTHEST", 0)
    with django_assert_num_queries(2):
        assert len(_ask(talk[0], "apple apple")) == 8


# --- highlights

HIGHLIGHTS = [
    ("cafe", "Un Café crème", ["Un ", "*Café", " crème"]),
    ("parcel", "Parcels, parcels", ["*Parcels", ", ", "*parcels"]),
    ("bold", "<b>bold</b> <script>", ["<b>", "*bold", "</b> <script>"]),
    ("京都 parcel", "parcel 東京都", ["*parcel", " 東", "*京都"]),
    ("apple", "an \x01apple\x02", ["an \x01", "*apple", "\x02"]),
    ("appl", "apples", ["*apples"]),
    ("bar", "foo-bar/baz", ["foo-", "*bar", "/baz"]),
    ('"two words"', "here two words", ["here ", "*two", " ", "*words"]),
    ("needle", "x " * 150 + "needle" + " y" * 150, ["…", "x " * 29, "*needle", " y" * 88, "…"]),
]


@pytest.mark.parametrize(("q", "content", "pieces"), HIGHLIGHTS)
def test_highlights(q: str, content: str, pieces: list[str]) -> None:
    (one,) = found(alone(content), q)
    assert ["*" * piece["hit"] + piece["text"] for piece in one["highlight"]] == pieces
    assert one["content"] == content


@examples
@given(
    content=st.text(st.sampled_from("apple 京e\u0301\x01\x02<&\U0001f389"), min_size=1, max_size=400).filter(
        str.strip
    )
)
def test_the_pieces_are_the_content(content: str) -> None:
    for one in found(alone(content), "apple or 京 or e"):
        pieces = [piece for piece in one["highlight"] if piece["text"] != "…"]
        assert "".join(piece["text"] for piece in pieces) in content
        assert all(piece["text"] for piece in pieces)
        assert all(one["hit"] != other["hit"] for one, other in pairwise(pieces))


# --- what changes


def test_what_was_edited_is_found_by_its_new_words() -> None:
    user = alone("apple")
    room = UUID(found(user, "apple")[0]["conversation"])
    messages.edit_message(actor_id=user.pk, conversation_id=room, seq=1, content="pear")
    assert (contents(user, "apple"), contents(user, "pear")) == ([], ["pear"])


def test_what_was_taken_back_is_not_found() -> None:
    user = alone("apple", "apple pie")
    room = UUID(found(user, "apple")[0]["conversation"])
    messages.delete_message(actor_id=user.pk, conversation_id=room, seq=1)
    Message.objects.filter(conversation=room, seq=1).update(content="apple")  # as if it had kept its words
    assert contents(user, "apple") == ["apple pie"]
