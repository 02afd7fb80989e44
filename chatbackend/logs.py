"""One line a record, with the id of the request it belongs to."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

import orjson

from conversations.context import request_id

_trace_id: Callable[[], str] | None = None


def traced_by(ask: Callable[[], str]) -> None:
    """From now on JSON records say which trace they belong to, where they belong to one."""
    global _trace_id
    _trace_id = ask


def trace_id() -> str:
    """Of the trace at hand; empty without one."""
    return _trace_id() if _trace_id is not None else ""


def _when(record: logging.LogRecord) -> str:
    return (
        datetime.fromtimestamp(record.created, tz=UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )


def _request_id(record: logging.LogRecord) -> str:
    """Django logs a 4xx or 5xx once all middleware is done with the request, and hands the request along."""
    return request_id.get() or str(getattr(getattr(record, "request", None), "request_id", ""))


class TextFormatter(logging.Formatter):
    """For people: a message stays on its line whatever it quotes, a traceback follows indented."""

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage().replace("\r", "\\r").replace("\n", "\\n")
        line = f"{_when(record)} {record.levelname} {record.name} [{_request_id(record) or '-'}] {message}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info).replace("\n", "\n  ")
        return line


class JSONFormatter(logging.Formatter):
    """For collectors: one JSON object a line, the traceback inside it."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": _when(record),
            "level": record.levelname,
            "logger": record.name,
            "request_id": _request_id(record) or None,
            "message": record.getMessage(),
        }
        if _trace_id is not None:
            entry["trace_id"] = trace_id() or getattr(getattr(record, "request", None), "trace_id", None)
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(entry, default=str).decode()


class Seldom(logging.Filter):
    """Lets one record of a logger through each `seconds`: a dependency that is away says so once a minute,
    not once a request, and in a line: where our code asked it tells nobody anything."""

    def __init__(self, seconds: float, *, together: bool = False) -> None:
        super().__init__()
        self.seconds = seconds
        self.together = together  # all loggers that lead here as one
        self._last: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now, name = time.monotonic(), "" if self.together else record.name
        if now - self._last.get(name, float("-inf")) < self.seconds:
            return False
        self._last[name] = now
        if record.exc_info and record.exc_info[0]:
            record.msg, record.args = f"{record.getMessage()} ({record.exc_info[0].__name__})", None
            record.exc_info = record.exc_text = None
        return True
