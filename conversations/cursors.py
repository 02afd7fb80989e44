"""Cursors: where a page ended, written so that nobody takes it for anything else."""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import orjson

from conversations.exceptions import Invalid
from conversations.queries.inbox import Place

T = TypeVar("T")
Reader = Callable[[list[Any]], T]

BIGINT_MAX = 2**63 - 1
_SHAPE = re.compile(r"[A-Za-z0-9_-]{2,512}")


def encode(*place: object) -> str:
    """An opaque cursor for a place in an order."""
    return base64.urlsafe_b64encode(orjson.dumps(place)).rstrip(b"=").decode()


def decode(cursor: str, reader: Reader[T]) -> T:
    """The place a cursor stands for. Raises Invalid, code bad_cursor, for one that was not made here."""
    if not _SHAPE.fullmatch(cursor):
        raise bad_cursor()
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if isinstance(values, list):
            return reader(values)
    except (binascii.Error, ValueError, TypeError, OverflowError):
        pass
    raise bad_cursor()


def bad_cursor() -> Invalid:
    """The refusal of a cursor."""
    return Invalid.field("cursor", "This is not a cursor that a list gave out.", code="bad_cursor")


def whole(values: list[Any]) -> int:
    """A cursor of one number: a row's id, a version."""
    (number,) = values
    if type(number) is not int or not 0 <= number <= BIGINT_MAX:
        raise ValueError(number)
    return number


def key(values: list[Any]) -> UUID:
    """A cursor of one id."""
    (text,) = values
    if not isinstance(text, str):
        raise TypeError(text)
    return UUID(text)


def pair(values: list[Any]) -> tuple[int, int]:
    """A cursor of two versions."""
    one, other = values
    return whole([one]), whole([other])


def name(values: list[Any]) -> str:
    """A cursor of one name."""
    (text,) = values
    if not isinstance(text, str) or not 0 < len(text) <= 80 or "\0" in text:
        raise ValueError(text)
    return text


def place(values: list[Any]) -> Place:
    """A cursor of a listing of conversations."""
    pinned, at, key = values
    if type(pinned) is not bool or not isinstance(key, str):
        raise ValueError(values)
    return Place(pinned, moment(at), UUID(key))


def moment(text: Any) -> datetime:
    """A part of a cursor: a time."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return found


def message(values: list[Any]) -> tuple[datetime, UUID, int]:
    """A cursor of messages in the order of time: when one was sent, and its name."""
    at, key, seq = values
    if not isinstance(key, str):
        raise ValueError(values)
    return moment(at), UUID(key), whole([seq])
