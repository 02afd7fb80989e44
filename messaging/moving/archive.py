"""An export as it lies there: a folder, a ZIP, or a single file. Nothing is unpacked to the disk.

Names that lead out of the export, links, locked entries and what unpacks to far more than it should are refused
before anything is read; what is read is bounded, whatever the archive says of its sizes.
"""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

import orjson

from conversations.exceptions import Invalid
from messaging.moving.records import Unreadable

MAX_FILE = 256 * 2**20  # bytes of one JSON file, which is read whole
MAX_LINE = 16 * 2**20  # bytes of one line of JSON
MAX_ENTRIES = 2_000_000
MAX_RATIO = 300  # how often the packed size; JSON of chats comes to 10 to 40
_SMALL = 2**20  # bytes below which no ratio is asked for
_LINK = 0o120000
_KIND = 0o170000


class Archive:
    """The files of an export by their names within it."""

    def __init__(self, path: Path) -> None:
        self._zip: zipfile.ZipFile | None = None
        self._files: dict[str, Path | zipfile.ZipInfo] = {}
        try:
            self._open(path)
        except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
            raise Invalid(f"Cannot read {path}: {error}") from error

    def _open(self, path: Path) -> None:
        if path.is_dir():
            self._files = dict(_walk(path))
        elif zipfile.is_zipfile(path):
            self._zip = zipfile.ZipFile(path)
            self._files = {_safe(info): info for info in _entries(self._zip)}
        elif path.is_file():
            self._files = {path.name: path}
        else:
            raise Invalid(f"There is no such file or folder: {path}")
        self._files = _below_one_folder(self._files)

    def close(self) -> None:
        """Lets the file go."""
        if self._zip:
            self._zip.close()

    def names(self) -> list[str]:
        """All files, in the order of their names."""
        return sorted(self._files)

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def size(self, name: str) -> int:
        """Bytes of a file, as the archive has it."""
        entry = self._files[name]
        return entry.stat().st_size if isinstance(entry, Path) else entry.file_size

    def json(self, name: str) -> Any:
        """What a file of JSON says. Raises Unreadable."""
        with self._reading(name) as file:
            raw = file.read(MAX_FILE + 1)
        if len(raw) > MAX_FILE:
            raise Unreadable(f"longer than {MAX_FILE // 2**20} MiB")
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise Unreadable(f"no JSON ({error})") from error

    def lines(self, name: str) -> Iterator[tuple[int, bytes]]:
        """The lines of a file, numbered from 1. Raises Unreadable for one that is too long, and ends there."""
        with self._reading(name) as file:
            number = 0
            while line := file.readline(MAX_LINE + 1):
                number += 1
                if len(line) > MAX_LINE:
                    raise Unreadable(f"line {number} is longer than {MAX_LINE // 2**20} MiB")
                yield number, line

    @contextmanager
    def _reading(self, name: str) -> Iterator[IO[bytes]]:
        entry = self._files[name]
        try:
            with closing(entry.open("rb") if isinstance(entry, Path) else self._unpacking(entry)) as file:
                yield file
        except (OSError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise Unreadable(f"cannot be read ({error})") from error

    def _unpacking(self, entry: zipfile.ZipInfo) -> IO[bytes]:
        if self._zip is None:
            raise Unreadable("no archive")
        return self._zip.open(entry)


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    """Links are not followed: an export has none, and one could lead anywhere."""
    for path in folder.rglob("*"):
        if path.is_symlink():
            raise Invalid(f"{path} is a link; an export has none.")
        if path.is_file():
            yield path.relative_to(folder).as_posix(), path


def _entries(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    entries = [info for info in archive.infolist() if not info.is_dir()]
    if len(entries) > MAX_ENTRIES:
        raise Invalid(f"The archive has more than {MAX_ENTRIES:,} files.")
    return entries


def _safe(entry: zipfile.ZipInfo) -> str:
    name = PurePosixPath(entry.filename)
    if name.is_absolute() or ".." in name.parts or "\\" in entry.filename or ":" in name.parts[0]:
        raise Invalid(f"The archive has a file that lies outside of it: {entry.filename!r}")
    if entry.external_attr >> 16 & _KIND == _LINK:
        raise Invalid(f"The archive has a link: {entry.filename!r}")
    if entry.flag_bits & 1:
        raise Invalid(f"The archive is locked with a password: {entry.filename!r}")
    if entry.file_size > _SMALL and entry.file_size > MAX_RATIO * entry.compress_size:
        raise Invalid(f"The archive unpacks to more than {MAX_RATIO} times its size: {entry.filename!r}")
    return name.as_posix()


def _below_one_folder(files: dict[str, Any]) -> dict[str, Any]:
    """Many programs pack the folder, not what is in it."""
    tops = {name.partition("/")[0] for name in files}
    if len(tops) == 1 and all("/" in name for name in files):
        return {name.partition("/")[2]: entry for name, entry in files.items()}
    return files
