"""Ending what other sessions do: their statement first, the session itself only after that. Each time is on record."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction

from dbperf.aliases import DEFAULT
from dbperf.catalog import activity, upkeep
from dbperf.connections import Database, monitor
from dbperf.models import Dashboard


class Act(StrEnum):
    """How it is ended."""

    CANCEL = "cancel"
    TERMINATE = "terminate"


@dataclass(frozen=True, slots=True)
class Session:
    """One session: its number, and the moment it began, since numbers are given again."""

    pid: int
    started: str

    def __str__(self) -> str:
        return f"{self.pid} {self.started}"


class NotEnded(Exception):
    """Why nothing was ended."""


SAID = {Act.CANCEL: "Cancelled its statement.", Act.TERMINATE: "Ended the session."}


def end(
    act: Act, session: Session, *, by: Any, store: str = DEFAULT, database: Database | None = None
) -> None:
    """Does it in the name of the user of the key `by`, and records it in the admin's log. Raises NotEnded, or
    `Unavailable`."""
    own = [upkeep.own_pid(Database(store))]
    signal = activity.cancel if act is Act.CANCEL else activity.terminate
    with transaction.atomic(using=store):  # nothing is ended that could not be recorded
        if act is Act.TERMINATE and not _recorded(session, store):
            raise NotEnded("Cancel its statement first; end the session only if that is not enough.")
        entry = _record(act, session, by, store)
        found = signal(database or monitor(), session.pid, session.started, but=own)
        if found is None:
            raise NotEnded("There is no such session any more, or it is none that may be ended from here.")
        entry.object_repr = f"session {session.pid} ({found['application'] or found['role']})"[:200]
        entry.save(using=store, update_fields=["object_repr"])


def _recorded(session: Session, store: str) -> bool:
    return LogEntry.objects.using(store).filter(**_about(session, store)).exists()


def _record(act: Act, session: Session, by: Any, store: str) -> LogEntry:
    return LogEntry.objects.using(store).create(
        user_id=by, action_flag=CHANGE, change_message=SAID[act], **_about(session, store)
    )


def _about(session: Session, store: str) -> dict[str, object]:
    kind = ContentType.objects.db_manager(store).get_for_model(Dashboard, for_concrete_model=False)
    return {"content_type_id": kind.pk, "object_id": str(session)}
