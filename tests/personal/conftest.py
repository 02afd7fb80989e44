"""A storage of the test's own, and what a worker does with what was asked for."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import orjson
import pytest
from pytest_django import Settings

from conversations.models import User
from personal.jobs import working
from tests.api import Api, read
from tests.factories import Json
from tests.personal.scene import Scene, made


@pytest.fixture(autouse=True)
def stored(settings: Settings, tmp_path: Path) -> Path:
    """The folder in which it keeps its files, encrypted."""
    here = settings.STORAGES["attachments"]
    options = {**here["OPTIONS"], "location": tmp_path / "files"}
    settings.STORAGES = {**settings.STORAGES, "attachments": {**here, "OPTIONS": options}}
    settings.ENCRYPTION_KEYS = {"old": b"o" * 32}
    return tmp_path / "files"


def asked(user: User, path: str) -> Json:
    """A job that was taken."""
    found: Json = read(Api(user).post(path), 202)
    return found


def done(user: User, job: Json) -> Json:
    """The same after a worker was at it."""
    working.work(within_s=60)
    found: Json = read(Api(user).get(f"/jobs/{job['job']}"))
    return found


def result(user: User, job: Json) -> bytes:
    """What came of it."""
    response = Api(user).get(f"/jobs/{job['job']}/result")
    assert response.status_code == 200, response.content
    return b"".join(response.streaming_content)  # type: ignore[attr-defined]


class Unpacked:
    """A ZIP, by the names in it."""

    def __init__(self, packed: bytes) -> None:
        with ZipFile(BytesIO(packed)) as archive:
            assert archive.testzip() is None
            self.files = {name: archive.read(name) for name in archive.namelist()}

    def lines(self, name: str) -> list[Json]:
        """The objects of a file of JSON Lines."""
        return [orjson.loads(line) for line in self.files[name].splitlines()]

    def text(self, name: str) -> str:
        return self.files[name].decode()

    def has(self, words: str) -> bool:
        """Whether these words stand in any of the files."""
        return any(words.encode() in content for content in self.files.values())


Export = Callable[[User, str], Unpacked]


@pytest.fixture
def exported() -> Export:
    """Asks, has it made and fetches it."""

    def export(user: User, path: str) -> Unpacked:
        job = done(user, asked(user, path))
        assert (job["state"], job["progress"], job["why"]) == ("done", 100, None)
        packed = result(user, job)
        assert len(packed) == job["size"]
        return Unpacked(packed)

    return export


@pytest.fixture
def scene(settings: Settings) -> Scene:
    """Somebody to be erased, and those they did everything with."""
    return made(settings)


def receipt(scene: Scene) -> Json:
    """What their erasure says that it did, once it is done."""
    job = done(scene.staff, asked(scene.staff, f"/users/{scene.mary.pk}/erase"))
    assert (job["state"], job["progress"], job["why"]) == ("done", 100, None)
    found: Json = read(Api(scene.staff).get(f"/jobs/{job['job']}/result"))
    return found
