"""Files encrypted where they lie: nothing of them is read, changed or exchanged there, and keys can be turned over."""

import json
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from conversations.models import User
from messaging import files, sealing, tasks
from messaging.models import Attachment
from messaging.sealing import Damaged
from messaging.views.attachments import pieces_of
from tests import factories
from tests.api import Api, problem, read

OLD, NEW = {"old": b"o" * 32}, {"new": b"n" * 32}
WORDS = b"meet me at the bridge at midnight, " * 6_000  # several pieces


@pytest.fixture(autouse=True)
def stored(settings: Settings, tmp_path: Path) -> Path:
    """The folder of a storage of this test's own; files are encrypted under the old key."""
    here = settings.STORAGES["attachments"]
    options = {**here["OPTIONS"], "location": tmp_path / "files"}
    settings.STORAGES = {**settings.STORAGES, "attachments": {**here, "OPTIONS": options}}
    settings.ENCRYPTION_KEYS = OLD
    return tmp_path / "files"


@pytest.fixture
def ann(db: None) -> User:
    return factories.person("ann")


def lies(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def content(attachment: Attachment, part: files.Part = "file") -> bytes:
    attachment.refresh_from_db()
    return b"".join(files.read(attachment, part=part))


# --- pieces

KEY = b"k" * 32
ABOUT = b"this"


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[place : place + size] for place in range(0, len(data), size)]


@given(st.integers(1, 3 * 16 + 1))
def test_what_was_sealed_is_what_is_read(size: int) -> None:
    pieces = cut(bytes(range(size)), 16)
    assert b"".join(
        sealing.unseal(sealing.seal(pieces, key=KEY, about=ABOUT), key=KEY, about=ABOUT)
    ) == b"".join(pieces)


def test_whatever_is_done_to_the_pieces_is_noticed() -> None:
    sealed = list(sealing.seal(cut(b"abcdefgh", 2), key=KEY, about=ABOUT))
    others = list(sealing.seal(cut(b"ABCDEFGH", 2), key=b"l" * 32, about=ABOUT))
    one, two, *rest, last = sealed
    changed: list[list[bytes]] = [
        [],
        sealed[:-1],
        sealed[:1],
        sealed[1:],
        [two, one, *rest, last],
        [one, *rest, last],
        [one, one, two, *rest, last],
        [*sealed, last],
        [*sealed, b""],
        [others[0], *sealed[1:]],
        [*sealed[:-1], last[:-1]],
        [bytes([one[0] ^ 1]), *sealed[1:]],
    ]
    for pieces in changed:
        with pytest.raises(Damaged):
            list(sealing.unseal(pieces, key=KEY, about=ABOUT))
    with pytest.raises(Damaged):
        list(sealing.unseal(sealed, key=KEY, about=b"that"))


def test_no_two_parts_share_a_stream_of_the_cipher() -> None:
    """The same words at the same place of two parts: were key and nonce the same, so were the bytes but for the tag."""
    this, that = (next(sealing.seal([b"x" * 64], key=KEY, about=about)) for about in (ABOUT, b"that"))
    assert this[:64] != that[:64]


def test_a_key_is_good_for_its_file_alone() -> None:
    one, other = uuid4(), uuid4()
    made = sealing.new_key(one)
    assert made is not None
    kept, key = made
    assert sealing.open_key(one, kept) == key
    assert key not in kept.sealed
    for file, given_key in (
        (other, kept),
        (one, kept._replace(sealed=kept.sealed[:-1])),
        (one, kept._replace(sealed=b"")),
        (one, kept._replace(sealed=bytes([kept.sealed[0] ^ 1]) + kept.sealed[1:])),
    ):
        with pytest.raises(Damaged):
            sealing.open_key(file, given_key)


# --- files


def test_nothing_of_a_file_can_be_read_where_it_lies(ann: User, stored: Path) -> None:
    told = read(Api(ann).upload(WORDS), 201)
    picture = factories.file(ann, factories.PNG)
    assert len(lies(stored)) == 3
    assert not any(b"bridge" in path.read_bytes() or b"PNG" in path.read_bytes() for path in lies(stored))
    response: Any = Api(ann).get(f"/attachments/{told['id']}")
    assert (b"".join(response.streaming_content), response["Content-Length"]) == (WORDS, str(len(WORDS)))
    assert content(picture) == factories.PNG
    assert content(picture, "thumbnail")[8:12] == b"WEBP"
    Attachment.objects.update(removed_at="2026-01-01T00:00:00Z")
    assert tasks.purge_attachments() == 2
    assert lies(stored) == []


def test_one_file_in_the_place_of_another_or_cut_off_is_not_there(ann: User, stored: Path) -> None:
    one, other = factories.file(ann, WORDS), factories.file(ann, WORDS)
    here, there = (next(path for path in lies(stored) if file.pk.hex in path.name) for file in (one, other))
    kept, sealed = here.read_bytes(), Attachment.objects.values("key_name", "sealed_key").get(pk=other.pk)
    here.write_bytes(there.read_bytes())
    problem(Api(ann).get(f"/attachments/{one.pk}"), 404)
    here.write_bytes(kept)
    Attachment.objects.filter(pk=one.pk).update(**sealed)
    problem(Api(ann).get(f"/attachments/{one.pk}"), 404)
    there.write_bytes(there.read_bytes()[: 2 * (sealing.PIECE + sealing.TAG)])
    with pytest.raises(Damaged):
        content(other)


def test_without_its_key_a_file_is_not_there_for_now(ann: User, settings: Settings) -> None:
    file = factories.file(ann)
    settings.ENCRYPTION_KEYS = NEW
    assert problem(Api(ann).get(f"/attachments/{file.pk}"), 503)["code"] == "storage_unavailable"
    settings.ENCRYPTION_KEYS = NEW | OLD
    assert content(file) == b"hello"


# --- turning keys over


def run(*arguments: str) -> Any:
    output = StringIO()
    try:
        call_command("rotate_keys", "--json", *arguments, stdout=output, stderr=StringIO())
        said = ""
    except CommandError as error:
        said = str(error)
    return {**json.loads(output.getvalue()), "said": said}


def test_keys_are_turned_over_without_the_files(
    ann: User, settings: Settings, stored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("messaging.services.keys.BATCH", 2)
    old = [factories.file(ann, WORDS) for _ in range(5)]
    before = {path: path.read_bytes() for path in lies(stored)}
    settings.ENCRYPTION_KEYS = NEW | OLD
    factories.file(ann)
    untouched = {"rotated": 0, "written": 0, "left": [], "under": {}, "lie": {}}
    assert run("--dry-run") == {
        "rotated": 0,
        "sealed": 0,
        "left": [],
        "under": {"old": 5, "new": 1},
        "messages": untouched,
        "said": "",
    }
    assert run() == {
        "rotated": 5,
        "sealed": 0,
        "left": [],
        "under": {"new": 6},
        "messages": untouched,
        "said": "",
    }
    assert {path: path.read_bytes() for path in before} == before
    settings.ENCRYPTION_KEYS = NEW
    assert {content(file) for file in old} == {WORDS}
    assert run()["rotated"] == 0


def test_what_cannot_be_opened_is_said_and_left(ann: User, settings: Settings) -> None:
    lost, damaged, good = (factories.file(ann) for _ in range(3))
    Attachment.objects.filter(pk=lost.pk).update(key_name="gone")
    Attachment.objects.filter(pk=damaged.pk).update(sealed_key=b"x" * 60)
    settings.ENCRYPTION_KEYS = NEW | OLD
    done = run()
    assert (done["rotated"], sorted(done["left"])) == (1, sorted([str(lost.pk), str(damaged.pk)]))
    assert "2 could not be read" in done["said"]
    assert done["under"] == {"gone": 1, "old": 1, "new": 1}
    assert content(good) == b"hello"


def test_files_from_before_are_encrypted(ann: User, settings: Settings, stored: Path) -> None:
    settings.ENCRYPTION_KEYS = {}
    with pytest.raises(CommandError, match="no key to encrypt with"):
        call_command("rotate_keys")
    plain, picture, lost = factories.file(ann, WORDS), factories.file(ann, factories.PNG), factories.file(ann)
    next(path for path in lies(stored) if path.name == lost.pk.hex).unlink()
    settings.ENCRYPTION_KEYS = NEW
    factories.file(ann)
    done = run("--seal")
    assert (done["sealed"], done["left"], done["under"]) == (2, [str(lost.pk)], {"none": 1, "new": 3})
    assert [path.suffix for path in lies(stored)] == [".sealed"] * 4
    assert (content(plain), content(picture)) == (WORDS, factories.PNG)
    assert content(picture, "thumbnail")[8:12] == b"WEBP"


def test_who_opens_a_file_while_it_is_encrypted_finds_it(ann: User, settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = {}
    file = factories.file(ann, WORDS)
    settings.ENCRYPTION_KEYS = NEW
    assert files.sealed_key(file) is None  # as a reader has its row
    assert run("--seal")["sealed"] == 1
    with pytest.raises(FileNotFoundError):
        files.read(file)
    assert b"".join(pieces_of(file, "file")) == WORDS
