"""Which words find what, and what is shown of it."""

from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from messaging import terms
from messaging.models import Message
from messaging.services import messages
from tests import factories
from tests.api import Api, problem
from tests.messaging.finding import alone, ask, contents, examples, found

pytestmark = pytest.mark.django_db


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
    ask(factories.person(), q)


@pytest.fixture(scope="module")
def odd() -> str:
    return "'\"\\&|!():*<->\x01\x02\x7f-or %s %(q)s ;--"


@examples
@given(data=st.data())
def test_odd_signs_are_no_error_either(data: st.DataObject, odd: str) -> None:
    q = "".join(data.draw(st.lists(st.sampled_from([*odd, " ", "a", "京"]), max_size=30)))
    ask(factories.person(), q)


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
