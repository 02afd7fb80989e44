"""A ZIP on its way: texts, lines and files, one after the other, never whole in memory."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from shutil import copyfileobj
from tempfile import SpooledTemporaryFile, TemporaryFile
from typing import IO, BinaryIO, Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from django.utils import timezone

IN_MEMORY: Final = 1_048_576
MOST_NAME: Final = 180  # bytes: with its id in front a name must fit on every file system


class Lines:
    """A file of JSON Lines that is written while another part of the ZIP is: it is put in after it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.number = 0
        self._file: IO[bytes] = TemporaryFile()  # noqa: SIM115 - closed by who packs it

    def add(self, line: bytes) -> None:
        """One more."""
        self._file.write(line + b"\n")
        self.number += 1

    def __iter__(self) -> Iterator[bytes]:
        """Those so far; nothing is added meanwhile."""
        self._file.seek(0)
        yield from self._file

    def close(self) -> None:
        """Lets go of it."""
        self._file.close()


class Parcel:
    """Writes one entry at a time."""

    def __init__(self, target: BinaryIO) -> None:
        self._zip = ZipFile(target, "w", ZIP_DEFLATED)
        self._at = timezone.now().timetuple()[:6]

    def text(self, name: str, text: str) -> None:
        """A small file."""
        self._zip.writestr(self._entry(name), text.encode())

    def lines(self, name: str, lines: Iterable[bytes]) -> int:
        """JSON Lines as they come; returns how many."""
        number = 0
        with self.part(name) as entry:
            for line in lines:
                entry.write(line.rstrip(b"\n") + b"\n")
                number += 1
        return number

    def file(self, name: str, pieces: Iterable[bytes]) -> None:
        """A file of somebody. Whole before any of it is in the ZIP: what cannot be read to its end is not in there."""
        with SpooledTemporaryFile(max_size=IN_MEMORY) as kept:
            kept.writelines(pieces)
            kept.seek(0)
            with self.part(name, packed=False) as entry:
                copyfileobj(kept, entry)

    @contextmanager
    def part(self, name: str, *, packed: bool = True) -> Iterator[IO[bytes]]:
        """An entry to be written to."""
        with self._zip.open(self._entry(name, packed=packed), "w", force_zip64=True) as entry:
            yield entry

    def close(self) -> None:
        """Writes the directory at the end."""
        self._zip.close()

    def _entry(self, name: str, *, packed: bool = True) -> ZipInfo:
        year, month, day, hour, minute, second = self._at
        entry = ZipInfo(name, (max(1980, year), month, day, hour, minute, second))
        entry.compress_type = ZIP_DEFLATED if packed else ZIP_STORED
        entry.external_attr = 0o600 << 16
        return entry


def short(name: str) -> str:
    """A file's name in bytes that every file system takes; what it ends in stays."""
    data = name.encode()
    if len(data) <= MOST_NAME:
        return name
    stem, dot, end = name.rpartition(".")
    end = f"{dot}{end}"[:20] if stem else ""
    return data[: MOST_NAME - len(end.encode())].decode(errors="ignore") + end
