"""Messages in both forms, for programs and for people, and the files that come with them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any, Final
from uuid import UUID

import orjson
from django.conf import settings

from conversations.exceptions import NotFound
from messaging import access, files
from messaging.sealing import Damaged, KeyMissing
from personal.archives import pages
from personal.archives.parcel import Lines, Parcel, short

MOST_FILES: Final = 20_000  # of an export
LINES: Final = 10_000  # that are packed between two words
Json = dict[str, Any]
Counts = dict[str, int]
Reached = Callable[[int], None]


class Script:
    """Writes messages as they come; afterwards the files that there was room for."""

    def __init__(self, parcel: Parcel, *, viewer: UUID) -> None:
        self.parcel, self.viewer = parcel, viewer
        self.messages, self.files = Lines("messages.jsonl"), Lines("attachments.jsonl")
        self.pages: list[tuple[str, str]] = []
        self._wanted: dict[str, Json] = {}
        self._room = settings.EXPORT_MAX_BYTES

    def write(self, messages: Iterable[Json], *, title: Callable[[Json], str]) -> None:
        """All of them, a page of HTML for each thousand."""
        left = iter(messages)
        while (first := next(left, None)) is not None:
            name = f"messages/{len(self.pages) + 1:05}.html"
            with self.parcel.part(name) as page:
                page.write(pages.head(f"Messages, page {len(self.pages) + 1}").encode())
                for one in islice(chain([first], left), pages.PER_PAGE):
                    self.messages.add(orjson.dumps(one))
                    page.write(pages.message(one, title=title(one), paths=self._choose(one)).encode())
            self.pages.append((name, f"From {first['sent_at'][:10]}"))

    def choose(self, file: Json) -> str | None:
        """Where a file will lie in the archive; None where there is no room for it."""
        if file["id"] in self._wanted:
            return str(self._wanted[file["id"]]["path"])
        if file["size"] > self._room or len(self._wanted) >= MOST_FILES:
            self._tell(file, None, "no room")
            return None
        self._room -= file["size"]
        path = f"attachments/{file['id']}/{short(file['name'])}"
        self._wanted[file["id"]] = {"path": path, **file}
        return path

    def _choose(self, message: Mapping[str, Any]) -> dict[str, str]:
        chosen = {file["id"]: self.choose(file) for file in message["attachments"]}
        return {key: path for key, path in chosen.items() if path}

    def fetch(self, reached: Reached) -> Counts:
        """Puts the files in, and everything that was written beside. Raises StorageAway."""
        there = 0
        for number, file in enumerate(self._wanted.values(), 1):
            there += self._fetch(file)
            reached(number)
        told = {"messages": self.messages.number, "files": there, "files_left_out": self.files.number - there}
        for lines in (self.messages, self.files):
            self.parcel.lines(lines.name, _told(lines, lambda: reached(self.wanted)))
            lines.close()
        return told

    def _fetch(self, file: Json) -> bool:
        try:
            found = access.get_attachment(user_id=self.viewer, attachment_id=UUID(file["id"]))
            self.parcel.file(file["path"], files.read_now(found))
        except (NotFound, FileNotFoundError, KeyMissing, Damaged):
            self._tell(file, None, "not to be read")
            return False
        self._tell(file, file["path"], None)
        return True

    def _tell(self, file: Json, path: str | None, why: str | None) -> None:
        shown = {name: file[name] for name in ("id", "name", "content_type", "size")}
        self.files.add(orjson.dumps({**shown, "path": path, "left_out": why}))

    @property
    def wanted(self) -> int:
        """How many files there was room for."""
        return len(self._wanted)


def _told(lines: Lines, still: Callable[[], None]) -> Iterator[bytes]:
    """Lines of which there may be millions, with a word now and then."""
    for number, line in enumerate(lines):
        if number % LINES == 0:
            still()
        yield line


def parsed(bodies: Iterable[str]) -> Iterator[Json]:
    """JSON as objects."""
    for body in bodies:
        yield orjson.loads(body)
