"""Reading IRC logs. Pure: text in, entries out.

A log is a day, named in its file's name, of lines `[HH:MM] <nick> text`, `[HH:MM]  * nick does` and `=== notice`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

Kind = Literal["said", "action", "notice"]

LONGEST = 10_000  # characters; IRC itself ends a line at 512 bytes
BLANK = "blank"
EMPTY = "nothing said"
TOO_LONG = f"longer than {LONGEST:,} characters"
IMPOSSIBLE_TIME = "no such time"
UNKNOWN = "not a line of a log"

_DAY = re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}(?!\d)")
_TIMED = re.compile(r"\[(\d\d):(\d\d)\] ?(.*)", re.DOTALL)
_SAID = re.compile(r"<([^>]*)>(.*)", re.DOTALL)
_ACTION = re.compile(r" *\* +(\S+)(.*)", re.DOTALL)
_NOTICE = re.compile(r"===(.*)", re.DOTALL)
_CHANNEL = re.compile(r" has (?:joined|left) (#\S+)")
_STEP = timedelta(milliseconds=1)
_MIDNIGHT = timedelta(hours=6)  # a clock that goes back further than this has passed midnight


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a log, numbered from 1. `nick` is None for notices."""

    number: int
    kind: Kind
    nick: str | None
    text: str
    at: datetime


@dataclass(slots=True)
class Log:
    """A day of a channel: its entries in order, times strictly ascending, and why other lines were left out."""

    entries: list[Entry] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    lines: int = 0


def day_of(name: str) -> date | None:
    """The first real `YYYY-MM-DD` in a file's name."""
    for found in _DAY.findall(name):
        try:
            return date.fromisoformat(found)
        except ValueError:
            continue
    return None


def decode(raw: bytes) -> list[str]:
    """The lines of a log, without NUL, which PostgreSQL's text cannot hold; bytes that are no UTF-8 are replaced.

    Split at newlines only: `str.splitlines` would also split at characters that people wrote.
    """
    text = raw.decode("utf-8-sig", errors="replace").replace("\0", "")
    lines = [line.rstrip("\r") for line in text.split("\n")]
    return lines[:-1] if not lines[-1] else lines


def channel_of(lines: Iterable[str]) -> str | None:
    """The channel that most of the joins and partings name, in lower case: IRC does not tell the case apart."""
    found = (_CHANNEL.search(line) for line in lines if line.startswith("==="))
    named = Counter(match[1].lower() for match in found if match)
    return named.most_common(1)[0][0] if named else None


def parse(lines: Iterable[str], day: date) -> Log:
    """The entries of one day. A line has a minute at most: within it, each is a millisecond after the one before."""
    log = Log()
    lines = list(lines)
    clock = _Clock(datetime.combine(day, _first_time(lines), UTC))
    for number, line in enumerate(lines, start=1):
        log.lines += 1
        read = _read(line)
        if isinstance(read, str):
            log.skipped[read] += 1
        else:
            log.entries.append(Entry(number, read.kind, read.nick, read.text, clock.tick(read.at)))
    return log


@dataclass(frozen=True, slots=True)
class _Read:
    kind: Kind
    nick: str | None
    text: str
    at: time | None


def _read(line: str) -> _Read | str:
    """What a line says, or why it is left out."""
    if not line.strip():
        return BLANK
    if len(line) > LONGEST:
        return TOO_LONG
    if notice := _NOTICE.fullmatch(line):
        return _Read("notice", None, text, None) if (text := notice[1].strip()) else EMPTY
    timed = _TIMED.fullmatch(line)
    if timed is None:
        return UNKNOWN
    at = _time(timed[1], timed[2])
    return _timed(timed[3], at) if at else IMPOSSIBLE_TIME


def _timed(rest: str, at: time) -> _Read | str:
    if said := _SAID.fullmatch(rest):
        nick, text = said[1], said[2].strip()
        return _Read("said", nick, text, at) if nick.strip() and text else EMPTY
    if action := _ACTION.fullmatch(rest):
        return _Read("action", action[1], f"{action[1]} {action[2].strip()}".rstrip(), at)
    return UNKNOWN


def _time(hours: str, minutes: str) -> time | None:
    try:
        return time(int(hours), int(minutes))
    except ValueError:
        return None


def _first_time(lines: Iterable[str]) -> time:
    """Notices before the first timed line take its minute."""
    for at in _times(lines):
        return at
    return time()


def _times(lines: Iterable[str]) -> Iterator[time]:
    for line in lines:
        if (timed := _TIMED.fullmatch(line)) and (at := _time(timed[1], timed[2])):
            yield at


class _Clock:
    """Turns minutes into moments, each after the one before, past midnight into the next day."""

    def __init__(self, start: datetime) -> None:
        self._minute = start
        self._last = start - _STEP

    def tick(self, at: time | None) -> datetime:
        """The moment of the next line; without a time, that of the line before."""
        if at is not None:
            self._minute = self._minute_of(at)
        self._last = max(self._minute, self._last + _STEP)
        return self._last

    def _minute_of(self, at: time) -> datetime:
        minute = datetime.combine(self._minute.date(), at, UTC)
        if minute < self._minute - _MIDNIGHT:
            return minute + timedelta(days=1)
        return max(minute, self._minute)  # a clock set back a little: the log's order counts
