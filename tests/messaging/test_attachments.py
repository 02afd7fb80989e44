"""Files: taken in within bounds, seen by who may read the message, harmless in a browser, gone with it."""

import zlib
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone
from PIL import ExifTags, Image
from pytest_django import Settings

from conversations.exceptions import Invalid
from conversations.models import Conversation, User
from conversations.services import conversations, participants
from messaging import kinds, pictures, policies, tasks
from messaging.jobs import purge_deleted
from messaging.models import Attachment, Message
from messaging.services import messages
from tests import factories
from tests.api import BASE, Api, problem, read
from tests.factories import Json
from tests.races import Rival

pytestmark = pytest.mark.django_db
PAGE = b"<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def stored(settings: Settings, tmp_path: Path) -> Path:
    """The folder of a storage of this test's own."""
    options = {**settings.STORAGES["attachments"]["OPTIONS"], "location": tmp_path / "files"}
    settings.STORAGES = {
        **settings.STORAGES,
        "attachments": {**settings.STORAGES["attachments"], "OPTIONS": options},
    }
    return tmp_path / "files"


@pytest.fixture
def ann() -> User:
    return factories.person("ann")


@pytest.fixture
def ben() -> User:
    return factories.person("ben")


@pytest.fixture
def room(ann: User, ben: User) -> UUID:
    return factories.group(ann, ben)


def fetched(user: User, attachment: Any, status: int = 200) -> Any:
    response: Any = Api(user).get(f"/attachments/{attachment}")
    assert response.status_code == status
    return response


def lies(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def test_a_file_reaches_those_in_the_conversation_and_is_nothing_that_a_browser_runs(
    ann: User, ben: User, room: UUID, stored: Path
) -> None:
    sent: Json = {"file": SimpleUploadedFile("../../Zo\u0308e\u202efdp.html", PAGE, content_type="text/html")}
    told = read(Api(ann).upload(**sent), 201)
    url = f"/api/v1/attachments/{told['id']}"
    assert told == {
        "id": told["id"], "name": "Zöefdp.html", "content_type": "text/plain", "size": len(PAGE),
        "width": None, "height": None, "thumbnail_url": None, "url": url,
    }  # fmt: skip
    with factories.heard() as envelopes:
        said = read(Api(ann).post(f"/conversations/{room}/messages", {"attachments": [told["id"]]}), 201)
    assert said["attachments"] == [told]
    assert [factories.frame(one)["data"] for one in envelopes] == [said]
    assert factories.said(ben, room) == [said]
    response = fetched(ben, told["id"])
    assert b"".join(response.streaming_content) == PAGE
    assert {name: response[name] for name in HARMLESS} == HARMLESS
    assert response["Content-Disposition"] == "attachment; filename*=utf-8''Z%C3%B6efdp.html"
    assert (response["Content-Type"], response["Content-Length"]) == (
        "application/octet-stream",
        str(len(PAGE)),
    )
    (path,) = [path for path in stored.rglob("*") if path.is_file()]
    assert (path.name, oct(path.stat().st_mode & 0o777)) == (UUID(told["id"]).hex, "0o600")


HARMLESS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def test_nobody_else_can_tell_that_a_file_is_there(ann: User, ben: User, room: UUID) -> None:
    file, eve = factories.file(ann), factories.person("eve")
    unknown = problem(Api(eve).get(f"/attachments/{uuid4()}"), 404)

    def refused(*people: User) -> bool:
        return all(problem(Api(user).get(f"/attachments/{file.pk}"), 404) == unknown for user in people)

    fetched(ann, file.pk)
    assert refused(ben, eve)
    factories.say(ann, room, attachments=[file.pk])
    fetched(ben, file.pk)
    assert refused(eve)
    participants.remove_participant(actor_id=ann.pk, conversation_id=room, user_id=ben.pk)
    assert refused(ben)
    conversations.delete_conversation(actor_id=ann.pk, conversation_id=room)
    assert refused(ann, ben, eve)


Place = Callable[[User, User, UUID], list[UUID]]


def _of_somebody_else(ann: User, ben: User, room: UUID) -> list[UUID]:
    return [factories.file(ben).pk]


def _sent_before(ann: User, ben: User, room: UUID) -> list[UUID]:
    file = factories.file(ann).pk
    factories.say(ann, room, attachments=[file])
    return [factories.file(ann).pk, file]


def _taken_back(ann: User, ben: User, room: UUID) -> list[UUID]:
    file = factories.file(ann).pk
    seq = factories.say(ann, room, attachments=[file]).seq
    messages.delete_message(actor_id=ann.pk, conversation_id=room, seq=seq)
    return [file]


def _too_old(ann: User, ben: User, room: UUID) -> list[UUID]:
    file = factories.file(ann).pk
    Attachment.objects.update(uploaded_at=timezone.now() - timedelta(hours=24, seconds=1))
    return [file]


def _unknown(ann: User, ben: User, room: UUID) -> list[UUID]:
    return [uuid4()]


@pytest.mark.parametrize("place", [_of_somebody_else, _sent_before, _taken_back, _too_old, _unknown])
def test_a_file_that_is_not_the_senders_to_send_leaves_everything_as_it_was(
    place: Place, ann: User, ben: User, room: UUID
) -> None:
    files = place(ann, ben, room)
    before = _state(room)
    given = {"content": "look", "attachments": [str(file) for file in files]}
    refused = problem(Api(ann).post(f"/conversations/{room}/messages", given), 400)
    assert [(one["field"], one["code"]) for one in refused["errors"]] == [
        ("attachments", "unknown_attachment")
    ]
    assert _state(room) == before


def _state(room: UUID) -> Any:
    counters = Conversation.objects.values_list("last_seq", "version").get(pk=room)
    return (
        counters,
        Message.objects.count(),
        set(Attachment.objects.values_list("pk", "message", "removed_at")),
    )


def test_bounds_of_what_a_message_carries(ann: User, room: UUID) -> None:
    files = [factories.file(ann, name=f"{number}.txt").pk for number in range(10)]
    said = factories.body(factories.say(ann, room, "", attachments=[*reversed(files), files[0]]))
    assert [one["name"] for one in said["attachments"]] == [f"{number}.txt" for number in range(9, -1, -1)]
    many = {"attachments": [str(uuid4())] * 11}
    refused = problem(Api(ann).post(f"/conversations/{room}/messages", many), 400)
    assert [(one["field"], one["code"]) for one in refused["errors"]] == [("attachments", "max_length")]


@pytest.mark.django_db(transaction=True)
def test_sending_files_is_one_statement_and_again_the_same_message(
    ann: User, room: UUID, django_assert_num_queries: Any
) -> None:
    files = [factories.file(ann).pk, factories.file(ann).pk]
    with django_assert_num_queries(1):
        said = factories.say(ann, room, "x", client_id="1", attachments=files)
    again = factories.say(ann, room, "x", client_id="1", attachments=files)
    assert (again.body, again.duplicate) == (said.body, True)
    with django_assert_num_queries(1):
        assert factories.said(ann, room) == [orjson.loads(said.body)]


@pytest.mark.django_db(transaction=True)
def test_a_file_named_in_two_conversations_at_once_is_sent_once(ann: User, ben: User, room: UUID) -> None:
    file, other = factories.file(ann).pk, factories.group(ann, ben)
    given: Json = {"sender_id": ann.pk, "content": "x", "attachments": [file]}
    with transaction.atomic():
        messages.send_message(conversation_id=room, **given)
        rival = Rival(messages.send_message, conversation_id=other, **given).await_blocked()
    with pytest.raises(Invalid) as refused:
        rival.result()
    assert refused.value.code == "unknown_attachment"
    assert Message.objects.get().conversation_id == room
    assert factories.said(ann, other) == []


def test_what_was_changed_afterwards_still_has_its_files(ann: User, room: UUID) -> None:
    said = factories.body(factories.say(ann, room, "x", attachments=[factories.file(ann).pk]))
    messages.edit_message(actor_id=ann.pk, conversation_id=room, seq=1, content="y")
    assert factories.said(ann, room)[0]["attachments"] == said["attachments"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("by_staff", [False, True])
def test_a_message_taken_back_takes_its_files_along(
    ann: User, ben: User, room: UUID, stored: Path, by_staff: bool
) -> None:
    file, kept = factories.file(ann), factories.file(ann)
    factories.say(ann, room, attachments=[file.pk])
    factories.say(ann, room, attachments=[kept.pk])
    if by_staff:
        gone = messages.take_down_message(conversation_id=room, seq=1)
    else:
        gone = messages.delete_message(actor_id=ann.pk, conversation_id=room, seq=1)
    assert factories.body(gone)["attachments"] == factories.said(ben, room)[0]["attachments"] == []
    for user in (ann, ben):
        fetched(user, file.pk, 404)
    assert lies(stored) == {kept.pk.hex}
    assert Attachment.objects.get() == kept


# --- taking in


def _two_files() -> Json:
    return {"file": [SimpleUploadedFile("a", b"a"), SimpleUploadedFile("b", b"b")]}


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"file": SimpleUploadedFile("a", b"x" * 2_049)}, 413, "attachment_too_large"),
        ({"file": SimpleUploadedFile("a", b"x" * 80_000)}, 413, "body_too_large"),
        ({"file": SimpleUploadedFile("a", b"")}, 400, "empty"),
        ({"file": "only text"}, 400, "required"),
        ({"other": "x"}, 400, "unknown_field"),
        ({"upload": SimpleUploadedFile("a", b"a")}, 400, "unknown_field"),
        (_two_files(), 400, "unknown_field"),
        ({"file": SimpleUploadedFile("a.png", b"%PDF-1.7")}, 415, "attachment_type"),
        ({"file": SimpleUploadedFile("a", b"x" * 1_500)}, 409, "quota_exceeded"),
    ],
)
def test_what_is_not_taken_in_leaves_nothing(
    ann: User, stored: Path, settings: Settings, fields: Json, status: int, code: str
) -> None:
    settings.MAX_ATTACHMENT_BYTES, settings.ATTACHMENT_TYPES = 2_048, ["text/plain", "image/*"]
    settings.ATTACHMENT_QUOTA_BYTES = 2_000
    file = factories.file(ann, b"x" * 501)
    assert problem(Api(ann).upload(**fields), status)["code"] == code
    assert Attachment.objects.get() == file
    assert lies(stored) == {file.pk.hex}


def test_only_forms_are_read(ann: User) -> None:
    assert problem(Api(ann).post("/attachments", {"file": "x"}), 415)["code"] == "unsupported_media_type"
    headers = {"Authorization": f"Bearer {Api(ann).token}"}
    for body, kind in (
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"x", "multipart/form-data"),
        (b"", ""),
    ):
        broken = Api(ann).http.post(f"{BASE}/attachments", body, content_type=kind, headers=headers)
        problem(broken, 400)
    assert not Attachment.objects.exists()


def test_a_storage_that_is_away_is_said_and_what_was_begun_is_purged(
    ann: User, room: UUID, stored: Path
) -> None:
    file = factories.file(ann)
    stored.rename(stored.with_name("elsewhere"))
    stored.write_text("no folder")
    refused = Api(ann).upload()
    assert (problem(refused, 503)["code"], refused["Retry-After"]) == ("storage_unavailable", "30")
    stored.unlink()
    fetched(ann, file.pk, 404)  # its bytes are not there
    stored.with_name("elsewhere").rename(stored)
    assert tasks.purge_attachments() == 1
    assert Attachment.objects.get() == file


NAMES = [
    ("report.pdf", "report.pdf"),
    ("/etc/passwd", "passwd"),
    ("C:\\temp\\a.txt", "a.txt"),
    ("..", "file"),
    (".htaccess", "htaccess"),
    ("a\r\nb\t\0.txt", "a b .txt"),
    ('x"<>|?*:.html', "x.html"),
    ("\u202e\u2066gpj.exe", "gpj.exe"),
    ("x" * 300 + ".tar", "x" * 196 + ".tar"),
    ("مرحبا 東京.txt", "مرحبا 東京.txt"),
]


@pytest.mark.parametrize(("given", "kept"), NAMES)
def test_names(given: str, kept: str) -> None:
    assert policies.file_name(given) == kept


KINDS = [
    (b"\x89PNG\r\n\x1a\n\0", "image/png"),
    (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp"),
    (b"RIFF\x10\0\0\0WAVEfmt ", "audio/wav"),
    (b"\0\0\0\x20ftypisom", "video/mp4"),
    (b"%PDF-1.7", "application/pdf"),
    (b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "text/plain"),
    (b"<!doctype html>", "text/plain"),
    ("é".encode() * 2_048, "text/plain"),
    (b"x" + "é".encode() * 2_048, "text/plain"),  # cut through at the end
    (b"caf\xe9", "application/octet-stream"),
    ("é".encode()[:1], "application/octet-stream"),
    (b"a\0b", "application/octet-stream"),
    (b"MZ\x90\0", "application/octet-stream"),
]


@pytest.mark.parametrize(("content", "kind"), KINDS)
def test_kinds(content: bytes, kind: str) -> None:
    assert kinds.kind_of(content[: kinds.HEAD]) == kind


# --- pictures


def jpeg(width: int, height: int, **more: Any) -> bytes:
    """Taken with a camera that lay on its side and knew where it was."""
    written = Image.Exif()
    written[ExifTags.Base.Orientation], written[ExifTags.Base.Make] = 6, "SECRETCAM"
    written.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSAreaInformation] = b"SECRETPLACE"
    made = BytesIO()
    Image.new("RGB", (width, height), "red").save(made, "JPEG", exif=written, comment=b"SECRETWORD", **more)
    assert made.getvalue().count(b"SECRET") == 3
    return made.getvalue()


def test_a_picture_has_its_measures_and_a_small_copy_that_tells_nothing_of_the_camera(
    ann: User, ben: User, room: UUID, stored: Path
) -> None:
    told = read(Api(ann).upload(jpeg(1_600, 400), "a.txt"), 201)
    assert (told["content_type"], told["width"], told["height"]) == ("image/jpeg", 400, 1_600)
    assert told["thumbnail_url"] == f"{told['url']}/thumbnail"
    factories.say(ann, room, attachments=[UUID(told["id"])])
    original, small = fetched(ben, told["id"]), fetched(ben, f"{told['id']}/thumbnail")
    assert (original["Content-Type"], original["Content-Disposition"]) == (
        "image/jpeg",
        'inline; filename="a.txt"',
    )
    content = b"".join(small.streaming_content)
    with Image.open(BytesIO(content)) as shown:
        assert (shown.format, shown.size) == ("WEBP", (160, 640))
    assert b"SECRET" not in content
    assert {name: small[name] for name in HARMLESS} == HARMLESS
    assert small["Content-Type"] == "image/webp"
    messages.delete_message(actor_id=ann.pk, conversation_id=room, seq=1)
    for address in (told["id"], f"{told['id']}/thumbnail"):  # also before its bytes are gone
        fetched(ann, address, 404)
    assert tasks.purge_attachments() == 1
    assert lies(stored) == set()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_pictures_of_every_kind(mode: str) -> None:
    made = BytesIO()
    Image.new(mode, (3, 2)).save(made, "JPEG" if mode == "CMYK" else "PNG")
    found = pictures.look(made)
    assert found is not None
    assert (found.width, found.height, bool(found.thumbnail)) == (3, 2, True)


def vast(width: int, height: int) -> bytes:
    """A whole picture, and a small file."""
    made = BytesIO()
    Image.new("1", (width, height)).save(made, "PNG")
    return made.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A picture that says it is so large, in a few bytes."""
    head = b"IHDR" + width.to_bytes(4) + height.to_bytes(4) + b"\x08\x06\0\0\0"
    data = b"IDAT" + zlib.compress(b"\0" * 1_000)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        (len(chunk) - 4).to_bytes(4) + chunk + zlib.crc32(chunk).to_bytes(4)
        for chunk in (head, data, b"IEND")
    )


@pytest.mark.parametrize(
    ("content", "kind", "measures"),
    [
        (vast(5_001, 5_000), "image/png", (5_001, 5_000)),  # of more than is unpacked
        (bomb(30_000, 30_000), "application/octet-stream", (None, None)),
        (bomb(100, 100), "image/png", (100, 100)),  # broken off
        (b"GIF89a" + b"<script>", "application/octet-stream", (None, None)),
        (b"\x89PNG\r\n\x1a\n" + b"\xff" * 5_000, "application/octet-stream", (None, None)),
    ],
    ids=["too many points", "a bomb", "broken off", "a page", "noise"],
)
def test_pictures_that_are_not_unpacked(ann: User, content: bytes, kind: str, measures: Any) -> None:
    told = read(Api(ann).upload(content, "a.png"), 201)
    assert (told["content_type"], (told["width"], told["height"]), told["thumbnail_url"]) == (
        kind,
        measures,
        None,
    )
    problem(Api(ann).get(f"/attachments/{told['id']}/thumbnail"), 404)


# --- letting go


def test_what_no_message_names_within_a_day_is_purged(ann: User, room: UUID, stored: Path) -> None:
    unsent, late, sent = (factories.file(ann) for _ in range(3))
    factories.say(ann, room, attachments=[sent.pk])
    now = timezone.now()
    Attachment.objects.exclude(pk=late.pk).update(uploaded_at=now - timedelta(hours=25, seconds=1))
    Attachment.objects.filter(pk=late.pk).update(uploaded_at=now - timedelta(hours=24, minutes=30))
    assert tasks.purge_attachments() == 1
    assert set(Attachment.objects.all()) == {late, sent}
    assert lies(stored) == {late.pk.hex, sent.pk.hex}
    assert unsent.pk.hex not in lies(stored)


def test_a_conversation_that_goes_takes_its_files_along(ann: User, room: UUID, stored: Path) -> None:
    file = factories.file(ann)
    factories.say(ann, room, attachments=[file.pk])
    conversations.delete_conversation(actor_id=ann.pk, conversation_id=room)
    Conversation.objects.filter(pk=room).update(deleted_at=timezone.now() - timedelta(days=99))
    assert sum(gone.messages for gone in purge_deleted(before=timezone.now())) == 1
    assert tasks.purge_attachments() == 1
    assert (Attachment.objects.count(), lies(stored)) == (0, set())
