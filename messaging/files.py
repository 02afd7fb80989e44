"""Where the bytes of attachments and exports lie: the storage `attachments` of the settings, each under its id."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain
from tempfile import TemporaryFile
from typing import BinaryIO, Literal
from uuid import UUID

from django.core.files.base import File
from django.core.files.storage import Storage, storages

from messaging import sealing
from messaging.exceptions import StorageAway
from messaging.models import Attachment
from messaging.sealing import SealedKey

Part = Literal["file", "thumbnail", "export"]
PARTS: tuple[Part, ...] = ("file", "thumbnail")  # of an attachment


def keep(attachment: Attachment, source: BinaryIO, *, key: bytes | None, part: Part = "file") -> None:
    """Writes one part, encrypted where there is a `key`. Raises StorageAway.

    What was written by then may lie there until it is purged.
    """
    write(attachment.pk, source, key=key, part=part)


def write(pk: UUID, source: BinaryIO, *, key: bytes | None, part: Part) -> None:
    """The same for whatever has this id."""
    source.seek(0)
    with _reachable():
        if key is None:
            _save(_path(pk, part), source)
            return
        with TemporaryFile() as sealed:
            pieces = iter(partial(source.read, sealing.PIECE), b"")
            sealed.writelines(sealing.seal(pieces, key=key, about=_about(pk, part)))
            sealed.seek(0)
            _save(_path(pk, part, sealed=True), sealed)


def read(attachment: Attachment, *, part: Part = "file") -> Iterator[bytes]:
    """The bytes, piece by piece. Raises StorageAway, and before the first of them FileNotFoundError, KeyMissing and
    Damaged; the latter also later."""
    return fetch(attachment.pk, sealed_key(attachment), part=part)


def read_now(attachment: Attachment, *, part: Part = "file") -> Iterator[bytes]:
    """The same, once more where it was encrypted after its row was read."""
    try:
        return read(attachment, part=part)
    except FileNotFoundError:
        attachment.refresh_from_db(fields=["key_name", "sealed_key"])
        return read(attachment, part=part)


def fetch(pk: UUID, kept: SealedKey | None, *, part: Part) -> Iterator[bytes]:
    """The same for whatever has this id, encrypted under `kept`, or not."""
    key = sealing.open_key(pk, kept) if kept else None
    return _begun(_opened(pk, part, key) if key else _plain(pk, part))


def reseal(attachment: Attachment, *, part: Part, key: bytes) -> None:
    """Writes an encrypted copy beside a part that lies there as it came. Raises FileNotFoundError or StorageAway."""
    with TemporaryFile() as plain:
        plain.writelines(_plain(attachment.pk, part))
        keep(attachment, plain, key=key, part=part)


def drop(attachment_id: UUID) -> None:
    """Removes what is there; nothing there is fine. Raises StorageAway."""
    for sealed in (False, True):
        drop_copy(attachment_id, sealed=sealed)


def drop_export(job_id: UUID) -> None:
    """The same for an export."""
    for sealed in (False, True):
        drop_copy(job_id, sealed=sealed, parts=("export",))


def drop_copy(pk: UUID, *, sealed: bool, parts: Iterable[Part] = PARTS) -> None:
    """Removes the encrypted or the plain parts alone."""
    with _reachable():
        for part in parts:
            _storage().delete(_path(pk, part, sealed=sealed))


def parts_of(attachment: Attachment) -> Iterable[Part]:
    """What there is of a file."""
    return PARTS if attachment.thumbnail else PARTS[:1]


def sealed_key(attachment: Attachment) -> SealedKey | None:
    """The key of an encrypted file, as it is kept."""
    if attachment.key_name is None or attachment.sealed_key is None:
        return None
    return SealedKey(attachment.key_name, bytes(attachment.sealed_key))


def _save(path: str, source: BinaryIO) -> None:
    """What a step that broke off has left there makes room: a storage would choose another name."""
    if _storage().exists(path):
        _storage().delete(path)
    _storage().save(path, File(source))


def _pieces(file: "File[bytes]", size: int) -> Iterator[bytes]:
    with file:
        while piece := file.read(size):
            yield piece


def _plain(attachment_id: UUID, part: Part) -> Iterator[bytes]:
    with _reachable():
        file = _storage().open(_path(attachment_id, part))
    return _pieces(file, sealing.PIECE)


def _opened(attachment_id: UUID, part: Part, key: bytes) -> Iterator[bytes]:
    with _reachable():
        file = _storage().open(_path(attachment_id, part, sealed=True))
    pieces = _pieces(file, sealing.PIECE + sealing.TAG)
    return sealing.unseal(pieces, key=key, about=_about(attachment_id, part))


def _begun(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """With the first piece at hand: what cannot be read at all is known before anything is answered."""
    first = next(pieces, b"")
    return chain([first], pieces)


def _about(attachment_id: UUID, part: Part) -> bytes:
    return f"attachment {part}:".encode() + attachment_id.bytes


def _storage() -> Storage:
    return storages["attachments"]


def _path(attachment_id: UUID, part: Part, *, sealed: bool = False) -> str:
    """The end of a UUIDv7 is random, so folders fill evenly."""
    name = attachment_id.hex
    return f"{name[-2:]}/{name}" + ("" if part == "file" else f".{part}") + (".sealed" if sealed else "")


@contextmanager
def _reachable() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StorageAway from error
