"""Races run in a fixed order: a rival starts in a thread of its own and is seen waiting for a lock before we go on."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import connection, connections, transaction

from conversations.models import Conversation

T = TypeVar("T")
PATIENCE_S = 20.0


class Rival(Generic[T]):
    """Runs one call on a database connection of its own."""

    def __init__(self, call: Callable[..., T], **given: Any) -> None:
        self._call, self._given = call, given
        self._pid: int | None = None
        self._begun = threading.Event()
        self._found: T | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            connection.ensure_connection()
            self._pid = connection.connection.info.backend_pid
            self._begun.set()
            self._found = self._call(**self._given)
        except Exception as error:  # handed on by result()
            self._error = error
        finally:
            self._begun.set()
            connections.close_all()

    def await_blocked(self) -> "Rival[T]":
        """Returns once the rival waits for a lock that somebody else holds."""
        assert self._begun.wait(PATIENCE_S)
        until = time.monotonic() + PATIENCE_S
        with connection.cursor() as cursor:
            while time.monotonic() < until and self._thread.is_alive():
                cursor.execute("SELECT cardinality(pg_blocking_pids(%s::int)) > 0", [self._pid])
                if cursor.fetchone() == (True,):
                    return self
                self._thread.join(0.005)
        raise AssertionError(f"The rival never waited for a lock: {self._found!r}, {self._error!r}")

    def result(self) -> T:
        """What the call returned; raises what it raised."""
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        if self._error is not None:
            raise self._error
        return self._found  # type: ignore[return-value]


@contextmanager
def holding(conversation_id: UUID) -> Iterator[Conversation]:
    """Holds a conversation's lock, as everybody who changes it does."""
    with transaction.atomic():
        yield Conversation.objects.select_for_update().get(pk=conversation_id)
