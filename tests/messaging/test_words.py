"""In which language endings are taken off."""

import io

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from conversations.models import User
from messaging.languages import STEMMED_LANGUAGES
from messaging.queries import words
from tests import factories
from tests.api import Api, read

pytestmark = pytest.mark.django_db


def _found(user: User, q: str) -> list[str]:
    return [one["content"] for one in read(Api(user).get("/search/messages", q=q))["results"]]


def _reindex(settings: Settings, language: str) -> str:
    settings.SEARCH_LANGUAGE = language
    output = io.StringIO()
    call_command("reindex_search", stdout=output, stderr=io.StringIO())
    return output.getvalue().strip()


def test_another_language(settings: Settings) -> None:
    user = factories.person()
    room = factories.group(user)
    factories.say(user, room, "die Häuser")
    factories.say(user, room, "nothing that changes")
    assert _found(user, '"haus"') == []
    assert _reindex(settings, "german") == "german: 2 messages changed"
    factories.say(user, room, "viele Häusern")
    assert _found(user, '"haus"') == ["viele Häusern", "die Häuser"]
    assert _reindex(settings, "german") == "german: 0 messages changed"


def test_no_language(settings: Settings) -> None:
    user = factories.person()
    factories.say(user, factories.group(user), "two parcels")
    assert _found(user, '"parcel"') == ["two parcels"]
    assert _reindex(settings, "simple") == "simple: 1 messages changed"
    assert _found(user, '"parcel"') == []
    assert _found(user, '"parcels"') == ["two parcels"]


def test_every_language_is_one_to_the_database() -> None:
    for language in STEMMED_LANGUAGES:
        words.use_language(language)
    with pytest.raises(ValueError, match="klingon"):
        words.use_language("klingon")


def test_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    user = factories.person()
    room = factories.group(user)
    for number in range(7):
        factories.say(user, room, f"parcels {number}")
    words.use_language("simple")
    monkeypatch.setattr(words, "BATCH", 3)
    assert sum(words.rewrite(words.last_id())) == 7
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM messages WHERE words <> chat_search_words(content)")
        assert cursor.fetchone() == (0,)
