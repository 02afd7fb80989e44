"""What is kept in a real Redis: made once by those who ask together, and by everybody when Redis is away."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.test import override_settings
from pytest_django import Settings

from chatbackend.embedded.processes import free_port
from conversations import kept as module
from conversations.kept import kept

pytestmark = pytest.mark.usefixtures("django_db_setup")


@pytest.fixture
def key() -> Iterator[str]:
    module._away["until"] = 0.0
    yield f"test:{uuid4()}"
    module._away["until"] = 0.0


class Maker:
    """Makes a different reply each time, when it is let."""

    def __init__(self) -> None:
        self.made = 0
        self.let = threading.Event()
        self.let.set()

    def __call__(self) -> str:
        self.made += 1
        mine = f"reply {self.made}"
        assert self.let.wait(10)
        return mine


def test_made_once_and_by_its_key(key: str) -> None:
    make = Maker()
    assert [kept(key, make), kept(key, make), kept(key + "1", make)] == ["reply 1", "reply 1", "reply 2"]


def test_those_who_ask_together_wait_for_one(key: str) -> None:
    make = Maker()
    make.let.clear()
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(kept, key, make) for _ in range(8)]
        threading.Timer(0.3, make.let.set).start()
        assert {each.result(timeout=10) for each in asked} == {"reply 1"}
    assert make.made == 1


def test_a_maker_that_fails_leaves_nothing_behind(key: str) -> None:
    def fail() -> str:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011 - its own
        kept(key, fail)
    assert cache.get(module._making(key)) is None
    make = Maker()
    assert (kept(key, make), make.made) == ("reply 1", 1)


def test_a_maker_that_died_is_not_waited_for_long(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_S", 0.1)
    cache.add(module._making(key), 1, timeout=600)
    assert kept(key, Maker()) == "reply 1"


def test_without_redis_everybody_makes_it(key: str, settings: Settings) -> None:
    nowhere = deepcopy(settings.CACHES)
    nowhere["default"]["LOCATION"] = f"redis://127.0.0.1:{free_port()}/2"
    make = Maker()
    with override_settings(CACHES=nowhere):
        assert [kept(key, make), kept(key, make)] == ["reply 1", "reply 2"]


def test_a_duration_of_nothing_turns_it_off(key: str, settings: Settings) -> None:
    never = deepcopy(settings.CACHES)
    never["default"] |= {"TIMEOUT": 0, "LOCATION": f"redis://127.0.0.1:{free_port()}/2"}
    make = Maker()
    with override_settings(CACHES=never):
        assert [kept(key, make), kept(key, make)] == ["reply 1", "reply 2"]
    assert module._away["until"] == 0.0  # Redis was not asked
