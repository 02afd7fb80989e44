"""Which of our code runs which statement: watched from inside, in a few microseconds a statement.

A piece of work (a request, an op of a socket, a task) is announced by the project with `work`. Every statement run
meanwhile is counted under its own text, the nearest line of the project's code above it, and the name of the work. What
was counted is added up in the process and taken away by a thread of its own: no request waits for it, it takes bounded
memory, and where it cannot be written it is forgotten.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from types import FrameType
from typing import Any, Final

REPEATS: Final = 10  # of one statement from one line within one piece of work: a loop that asks each time
MOST_IN_WORK: Final = 500  # different statements
MOST_KEPT: Final = 2_000  # different lines of a process, until they are taken away
LONGEST: Final = 20_000  # characters of a statement
EVERY_S: Final = 30.0

Call = tuple[str, str, int]  # the statement, the file, the line
Place = tuple[str, str, Call]  # kind and name of the work, and the call


@dataclass(slots=True)
class Work:
    """A request, an op, a task: what it asked of the database so far."""

    kind: str
    name: str
    seen: dict[Call, list[float]] = field(default_factory=dict)  # times, seconds

    def add(self, sql: Any, seconds: float) -> None:
        """A statement that was run for it."""
        text = sql if isinstance(sql, str) else sql.as_string()
        call = (text[:LONGEST], *_caller())
        if figures := self.seen.get(call):
            figures[0] += 1
            figures[1] += seconds
        elif len(self.seen) < MOST_IN_WORK:
            self.seen[call] = [1, seconds]


@dataclass(slots=True)
class Sums:
    """What many pieces of work did: of each place `[calls, seconds, works, works that repeated it, most in one]`; of
    each kind and name `[works, seconds, seconds in the database, calls]`."""

    places: dict[Place, list[float]] = field(default_factory=dict)
    works: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    dropped: int = 0

    def add(self, work: Work, seconds: float) -> None:
        """A piece of work that is done."""
        asked = [0, 0.0]
        for call, (times, spent) in work.seen.items():
            asked[0] += times
            asked[1] += spent
            if figures := self._room(self.places, (work.kind, work.name, call), 5):
                repeated, most = times >= REPEATS, max(figures[4], times)
                figures[:] = (
                    figures[0] + times,
                    figures[1] + spent,
                    figures[2] + 1,
                    figures[3] + repeated,
                    most,
                )
        if figures := self._room(self.works, (work.kind, work.name), 4):
            figures[:] = figures[0] + 1, figures[1] + seconds, figures[2] + asked[1], figures[3] + asked[0]

    def _room(self, kept: dict[Any, list[float]], key: Any, width: int) -> list[float] | None:
        if (figures := kept.get(key)) is None:
            if len(kept) >= MOST_KEPT:
                self.dropped += 1
                return None
            figures = kept[key] = [0] * width
        return figures


Sink = Callable[[Sums], None]

_current: ContextVar[Work | None] = ContextVar("dbperf_work", default=None)
_lock = threading.Lock()
_sums = Sums()
_sink: Sink | None = None
_thread: threading.Thread | None = None
_ours: dict[str, str] = {}  # file → as it is shown; empty for other people's code
_root = ""
_plumbing: tuple[str, ...] = ()


def start(sink: Sink, *, root: Path, plumbing: tuple[str, ...] = ()) -> None:
    """From now on work is watched. `plumbing`: files below `root`, or beginnings of their paths, through which others
    run their statements; the line above them is the one to know."""
    global _sink, _root, _plumbing
    _sink, _root, _plumbing = sink, f"{root}{os.sep}", plumbing
    _ours.clear()


def stop() -> None:
    """From now on nothing is watched."""
    global _sink
    _sink = None


@contextmanager
def work(kind: str, name: str = "") -> Iterator[Work]:
    """A piece of work from here to there; whoever learns its name later sets it."""
    done = Work(kind, name)
    if _sink is None:
        yield done
        return
    before, began = _current.set(done), perf_counter()
    try:
        yield done
    finally:
        _current.reset(before)
        _count(done, perf_counter() - began)


def trace(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """An execute wrapper of Django's, for every connection."""
    done = _current.get()
    if done is None:
        return execute(sql, params, many, context)
    began = perf_counter()
    try:
        return execute(sql, params, many, context)
    finally:
        done.add(sql, perf_counter() - began)


def _caller() -> tuple[str, int]:
    """The nearest line of the project's code; nowhere, where there is none."""
    frame: FrameType | None = sys._getframe(2)  # not ourselves
    while frame is not None:
        file = frame.f_code.co_filename
        shown = _ours.get(file)
        if shown is None:
            shown = _ours[file] = _shown(file)
        if shown:
            return shown, frame.f_lineno
        frame = frame.f_back
    return "", 0


def _shown(file: str) -> str:
    inside = file.startswith(_root) and "site-packages" not in file and file != __file__
    relative = file.removeprefix(_root).replace(os.sep, "/") if inside else ""
    return "" if relative.startswith(_plumbing or ("\0",)) else relative


def _count(done: Work, seconds: float) -> None:
    with _lock:
        _sums.add(done, seconds)
    if _thread is None or not _thread.is_alive():  # a forked process has none yet
        _begin()


def _begin() -> None:
    global _thread
    with _lock:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_take_away, name="dbperf-tracing", daemon=True)
            _thread.start()


def _take_away() -> None:
    pause = threading.Event()
    while not pause.wait(EVERY_S):
        flush()


def flush() -> None:
    """Hands on what was counted so far. Runs in the thread; what cannot be handed on is gone."""
    global _sums
    with _lock:
        taken, _sums = _sums, Sums()
    if _sink is not None and taken.works:
        _sink(taken)
