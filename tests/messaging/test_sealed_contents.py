"""Messages that lie encrypted: who takes part reads them, nobody reads, changes or exchanges them where they lie."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from conversations import content_keys, contents
from conversations.contents import DAMAGED, KEY_GONE, MARK
from conversations.models import ContentKey, User
from conversations.queries.statement import one
from messaging.models import Message, Note, Report, Revision
from messaging.services import bulk, messages, notes
from tests import factories
from tests.api import Api, problem, read

OLD, NEW = {"old": b"o" * 32}, {"new": b"n" * 32}
LIKE_A_TOKEN = f"{MARK}AAAAAAAA.{'A' * 60}"


@pytest.fixture(autouse=True)
def sealed(settings: Settings) -> Iterator[None]:
    """What is said is sealed under the old key."""
    settings.ENCRYPTION_KEYS, settings.ENCRYPT_MESSAGES = OLD, True
    content_keys.forget()
    yield
    content_keys.forget()


@pytest.fixture
def pair(db: None) -> tuple[User, User, UUID]:
    ann, bob = factories.persons(2)
    return ann, bob, factories.direct(ann, bob)


def stored(room: UUID, seq: int) -> str:
    return Message.objects.values_list("content", flat=True).get(conversation=room, seq=seq)


def indexed() -> int:
    """Messages with words to search for."""
    return int(one("SELECT count(*) FROM messages WHERE words <> ''::tsvector", {})[0])


def put(room: UUID, seq: int, content: str) -> None:
    Message.objects.filter(conversation=room, seq=seq).update(content=content)


def shown(viewer: User, room: UUID) -> list[str]:
    page = read(Api(viewer).get(f"/conversations/{room}/messages"))["results"]
    return [message["content"] for message in page]


def rotate(*arguments: str) -> Any:
    output = StringIO()
    try:
        call_command("rotate_keys", "--json", *arguments, stdout=output, stderr=StringIO())
    except CommandError as error:
        return {**json.loads(output.getvalue())["messages"], "said": str(error)}
    return json.loads(output.getvalue())["messages"]


# --- what lies there, and what is read


@pytest.mark.django_db
def test_nothing_that_was_said_lies_there(pair: tuple[User, User, UUID]) -> None:
    ann, bob, room = pair
    said = ["Pelican crossing", "=?", MARK, LIKE_A_TOKEN, 'q"\\\x01\x1a\x7f\u2028é漢🦩', "x" * 10_000]
    for content in said:
        factories.say(ann, room, content, client_id=f"c|{len(content)}")
    assert shown(bob, room) == said
    lying = [stored(room, seq) for seq in range(1, len(said) + 1)]
    assert all(one.startswith(MARK) and one[9:11] != ".=" for one in lying)
    assert not any(content in one for content in said if len(content) > 2 for one in lying)
    assert len(set(lying)) == len(said)
    assert ContentKey.objects.count() == 1
    assert indexed() == 0


@pytest.mark.django_db
def test_the_same_words_again_and_other_words(pair: tuple[User, User, UUID]) -> None:
    ann, _, room = pair
    api = Api(ann)
    factories.say(ann, room, "first words", client_id="1")
    before = stored(room, 1)
    assert api.patch(f"/conversations/{room}/messages/1", {"content": "first words"}).status_code == 200
    assert stored(room, 1) == before
    assert not Revision.objects.exists()
    changed = read(api.patch(f"/conversations/{room}/messages/1", {"content": "second words"}))
    assert (changed["content"], changed["edited_at"] is None) == ("second words", False)
    assert Revision.objects.get().content == before
    group = factories.group(ann)
    factories.say(ann, group, "earlier words")
    messages.edit_message(actor_id=ann.pk, conversation_id=group, seq=1, content="later words")
    (earlier,) = read(api.get(f"/conversations/{group}/messages/1/history"))["results"]
    assert earlier["content"] == "earlier words"
    again = read(api.post(f"/conversations/{room}/messages", {"content": "else", "client_id": "1"}))
    assert (again["seq"], again["content"]) == (1, "second words")


@given(content=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), name=st.text())
def test_words_are_what_they_were(content: str, name: str) -> None:
    """Without a database: the key is at hand."""
    key = content_keys.Key("AAAAAAAA", AESGCM(b"k" * 32))
    about = contents.about(UUID(int=7), None, name.replace(MARK, ""))
    for words in (content, MARK + content):
        for stored in (contents.sealed(key, words, about), contents.spelt(words)):
            if stored.startswith(MARK):
                assert contents.told(json.dumps(about + stored)).read(key.cipher) == words
            else:
                assert stored == words


@pytest.mark.django_db
def test_nobody_is_taken_for_a_token(pair: tuple[User, User, UUID], settings: Settings) -> None:
    """Neither in words that are not sealed, nor in anything else that people write."""
    ann, bob, room = pair
    factories.say(ann, room, "the secret")
    token = stored(room, 1)
    settings.ENCRYPT_MESSAGES = False
    forged = f"{contents.about(room, ann.pk, None)}{token}"
    User.objects.filter(pk=ann.pk).update(display_name=forged[:80])
    for seq, content in enumerate((token, f'{MARK}"{forged}"', f"{MARK}=", "plain"), start=2):
        written = factories.say(ann, room, content, metadata={"content": f'{MARK}"{forged}"'})
        assert json.loads(contents.opened(written.body))["content"] == content
        assert (stored(room, seq) == content) is (content == "plain")
    page = read(Api(bob).get(f"/conversations/{room}/messages"))["results"]
    said = ["the secret", token, f'{MARK}"{forged}"', f"{MARK}=", "plain"]
    assert [one["content"] for one in page] == said
    assert {one["metadata"]["content"] for one in page[1:]} == {f'{MARK}"{forged}"'}
    assert {one["sender"]["display_name"] for one in page} == {forged[:80]}


# --- what somebody does to it where it lies


@pytest.mark.django_db
def test_words_in_anothers_place_and_changed_ones_are_not_read(
    pair: tuple[User, User, UUID], caplog: pytest.LogCaptureFixture
) -> None:
    ann, bob, room = pair
    elsewhere = factories.group(ann, bob)
    factories.say(ann, room, "pay Ann")
    factories.say(bob, room, "pay Bob")
    factories.say(ann, room, "named", client_id="n")
    factories.say(ann, elsewhere, "elsewhere")
    mine, his, named, other = (stored(*place) for place in ((room, 1), (room, 2), (room, 3), (elsewhere, 1)))
    flipped = mine[:-1] + ("A" if mine[-1] != "A" else "Q")
    for wrong in (his, named, other, flipped, mine[:-6], f"{mine[:10]}{mine[14:]}"):
        put(room, 1, wrong)
        assert shown(bob, room) == [DAMAGED, "pay Bob", "named"], wrong
    agent = factories.agent()
    case = factories.case(ann)
    factories.say(agent, case, "to everybody")
    notes.write_note(agent_id=agent.pk, conversation_id=case, content="a difficult customer")
    put(case, 1, Note.objects.get().content)
    assert DAMAGED in shown(ann, case)
    assert "a difficult customer" not in shown(ann, case)
    put(room, 1, mine)
    assert shown(bob, room) == ["pay Ann", "pay Bob", "named"]
    assert str(room) in caplog.text


@pytest.mark.django_db
def test_without_its_key_a_message_says_so(
    pair: tuple[User, User, UUID], settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    ann, bob, room = pair
    for _ in range(3):
        factories.say(ann, room, "unreadable")
    settings.ENCRYPTION_KEYS = NEW
    content_keys.forget()
    with caplog.at_level(logging.ERROR):
        assert shown(bob, room) == [KEY_GONE] * 3
        assert shown(ann, room) == [KEY_GONE] * 3
    assert [record.getMessage().count("lacks old") for record in caplog.records] == [1]
    factories.say(ann, room, "readable")
    assert shown(bob, room) == [*[KEY_GONE] * 3, "readable"]
    changed = read(Api(ann).patch(f"/conversations/{room}/messages/1", {"content": "said anew"}))
    assert changed["content"] == "said anew"
    settings.ENCRYPTION_KEYS = OLD | NEW
    ContentKey.objects.filter(key_name="new").delete()
    content_keys.forget()
    assert shown(bob, room) == [KEY_GONE, "unreadable", "unreadable", KEY_GONE]
    ContentKey.objects.update(sealed_key=b"x" * 60)
    content_keys.forget()
    assert shown(bob, room)[1] == KEY_GONE


# --- other doors


@pytest.mark.django_db
def test_search_says_that_it_is_off(pair: tuple[User, User, UUID], settings: Settings) -> None:
    ann, _, room = pair
    factories.say(ann, room, "a heron")
    refused = problem(Api(ann).get("/search/messages", q="heron"), 409)
    assert refused["code"] == "search_off"
    settings.ENCRYPT_MESSAGES = False
    factories.say(ann, room, "a plain heron")
    (hit,) = read(Api(ann).get("/search/messages", q="heron"))["results"]
    assert hit["content"] == "a plain heron"
    for q in ("-stork", "heron or -stork", stored(room, 1)[10:20]):
        assert {hit["seq"] for hit in read(Api(ann).get("/search/messages", q=q))["results"]} <= {2}


@pytest.mark.django_db
def test_staff_read_in_the_admin(pair: tuple[User, User, UUID]) -> None:
    ann, bob, room = pair
    factories.say(ann, room, "a heron " * 20, client_id="h")
    message = Message.objects.get()
    report = Report.objects.create(message=message, reporter=bob, reason="spam")
    staff = User.objects.create_superuser("the-admin", "a-long-password-1")
    client = Client()
    client.force_login(staff)
    for model, row in ((Message, message), (Report, report)):
        page = client.get(reverse(f"admin:messaging_{model._meta.model_name}_changelist")).content.decode()
        assert ("a heron " * 20)[:100] in page
        assert message.content[1:20] not in page
        detail = reverse(f"admin:messaging_{model._meta.model_name}_change", args=[row.pk])
        assert client.get(detail).status_code == 200
    page = client.get(reverse("admin:messaging_message_change", args=[message.pk])).content.decode()
    assert "a heron a heron" in page
    assert message.content[1:20] not in page


@pytest.mark.django_db
def test_many_at_once_take_one_key(pair: tuple[User, User, UUID]) -> None:
    ann, bob, room = pair
    lines = [bulk.Line(ann.pk, f"line {number}", timezone.now(), str(number)) for number in range(30)]
    bulk.add_batch(conversation_id=room, lines=lines)
    assert shown(bob, room) == [f"line {number}" for number in range(30)]
    assert not Message.objects.filter(content__contains="line").exists()
    assert ContentKey.objects.count() == 1


# --- keys and what lies under them


@pytest.mark.django_db
def test_keys_are_turned_over_without_the_messages(pair: tuple[User, User, UUID], settings: Settings) -> None:
    ann, bob, room = pair
    factories.say(ann, room, "from before")
    before = stored(room, 1)
    settings.ENCRYPTION_KEYS = NEW | OLD
    assert rotate("--dry-run")["under"] == {"old": 1}
    assert rotate() == {
        "rotated": 1,
        "written": 0,
        "left": [],
        "under": {"new": 1},
        "lie": {"sealed": 1, "plain": 0},
    }
    settings.ENCRYPTION_KEYS = NEW
    content_keys.forget()
    assert (shown(bob, room), stored(room, 1)) == (["from before"], before)
    ContentKey.objects.update(key_name="gone")
    done = rotate()
    assert (done["left"], done["under"]) == ([ContentKey.objects.get().pk], {"gone": 1})
    assert "1 could not be read" in done["said"]


@pytest.mark.django_db
def test_what_was_said_before_is_sealed_and_opened_again(
    pair: tuple[User, User, UUID], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("messaging.services.contents.BATCH", 2)
    monkeypatch.setattr("messaging.queries.contents.BATCH", 2)
    ann, bob, room = pair
    settings.ENCRYPT_MESSAGES = False
    said = ["a heron", f"{MARK}heron", "edited heron", "", "deleted heron"]
    file = factories.file(ann)
    for content in said:
        factories.say(ann, room, content or "", attachments=[] if content else [file.pk])
    messages.edit_message(actor_id=ann.pk, conversation_id=room, seq=3, content="another heron")
    messages.delete_message(actor_id=ann.pk, conversation_id=room, seq=5)
    agent = factories.agent()
    case = factories.case(ann)
    notes.write_note(agent_id=agent.pk, conversation_id=case, content="noted heron")
    was, versions = shown(bob, room), list(Message.objects.order_by("pk").values_list("version", flat=True))
    plain = list(Message.objects.order_by("pk").values_list("content", flat=True))
    assert rotate("--seal")["written"] == 0  # messages are not to be
    settings.ENCRYPT_MESSAGES = True
    done = rotate("--seal")
    assert (done["written"], done["lie"]) == (5, {"sealed": 5, "plain": 0})
    assert shown(bob, room) == was == ["a heron", f"{MARK}heron", "another heron", "", ""]
    assert not Message.objects.filter(content__contains="heron").exists()
    assert not Revision.objects.filter(content__contains="heron").exists()
    assert indexed() == 0
    assert list(Message.objects.order_by("pk").values_list("version", flat=True)) == versions
    beside = f"/conversations/{case}/notes"
    assert "heron" not in Note.objects.get().content
    assert read(Api(agent).get(beside))["results"][0]["content"] == "noted heron"
    assert rotate("--seal")["written"] == 0
    with pytest.raises(CommandError, match="would be sealed again"):
        call_command("rotate_keys", "--unseal")
    put(room, 1, stored(room, 1)[:-4])
    settings.ENCRYPT_MESSAGES = False
    done = rotate("--unseal")
    assert (done["written"], done["lie"]) == (4, {"sealed": 1, "plain": 4})
    assert len(done["left"]) == 1
    assert "1 could not be read" in done["said"]
    assert list(Message.objects.order_by("pk").values_list("content", flat=True))[1:] == plain[1:]
    assert Note.objects.get().content == "noted heron"
    (hit,) = read(Api(bob).get("/search/messages", q="another"))["results"]
    assert hit["seq"] == 3


@pytest.mark.django_db(transaction=True)
def test_a_key_whose_making_was_undone_is_not_used() -> None:
    ann = factories.person()
    room = factories.group(ann)
    with transaction.atomic():
        factories.say(ann, room, "undone")
        transaction.set_rollback(True)
    assert not ContentKey.objects.exists()
    factories.say(ann, room, "done")
    factories.say(ann, room, "done with the same")
    (key,) = ContentKey.objects.all()
    content_keys.forget()
    assert shown(ann, room) == ["done", "done with the same"]
    ContentKey.objects.filter(pk=key.pk).update(made_at="2026-01-01T00:00:00Z")
    content_keys.forget()
    factories.say(ann, room, "the next day")
    assert ContentKey.objects.count() == 2
    content_keys.forget()
    with CaptureQueriesContext(connection) as asked:
        assert (shown(ann, room)[0], shown(ann, room)[-1]) == ("done", "the next day")
    assert sum("content_keys" in one["sql"] for one in asked.captured_queries) == 1
