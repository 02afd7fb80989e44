"""An index that was accepted: built without keeping anybody from writing, and nothing left of one that broke off."""

from dataclasses import dataclass, field
from typing import Final

from django.db import Error

from dbperf.catalog import builds, upkeep
from dbperf.connections import Database, Row, Unavailable
from dbperf.maintenance.watch import Ask, Tell, Unwatched, Watch
from dbperf.maintenance.working import ended
from dbperf.proposing import Proposal

# A build waits for transactions that are under way: more than once, and holding up nobody who reads or writes.
BUILD_WAIT_S = 60
DROP_WAIT_S = 2
REASONS: Final = {
    "42703": "one of its columns is not there any more",
    "42P01": "its table is not there any more",
    "42P07": "something else has its name",
    "54000": "a value in the table is too long for a btree",
}


class Refused(Exception):
    """Why it is not begun."""


@dataclass
class Building:
    """`note` says what there is to say, also of one that broke off."""

    database: Database
    proposal: Proposal
    said: list[str] = field(default_factory=list)
    _begun: bool = False

    @property
    def note(self) -> str:
        """In words."""
        return "; ".join(self.said)

    def carry_out(self, *, ask: Ask, tell: Tell) -> str:
        """Builds it, unless it stands already. Returns valid, failed or stopped; whatever goes wrong is in the note."""
        watch = Watch(self.database, ask, tell)
        try:
            with watch.on():
                self._build()
        except Unwatched:
            return self._failed("it could not be watched, and was not begun")
        except Refused as refused:
            return self._failed(str(refused))
        except (Unavailable, Error) as error:
            return self._broke_off(error, watch.reason)
        return "valid"

    def _build(self) -> None:
        if self._stands():
            self.said.append("it was there already")
        else:
            with upkeep.patience(self.database, BUILD_WAIT_S):
                self._begun = True
                one = self.proposal
                builds.build(self.database, schema=one.schema, table=one.table, name=one.name, keys=one.keys)
        if not self._stands():
            raise Refused("PostgreSQL called it built, and it is not valid")
        try:
            builds.analyze(self.database, schema=self.proposal.schema, table=self.proposal.table)
        except Unavailable:
            self.said.append("its table was locked, and is not analyzed")

    def _stands(self) -> bool:
        """Whether it is there and whole; what is left of one that broke off is removed. Raises Refused."""
        there = self._there()
        if there is None or there["whole"]:
            return there is not None
        if builds.busy(self.database, self.proposal.schema, self.proposal.table):
            raise Refused(
                "one of its name is invalid, and somebody else is at the table: it may be in the making"
            )
        self._drop()
        self.said.append("removed one of its name that broke off")
        return False

    def _there(self) -> Row | None:
        """What has its name. Raises Refused where that is another index."""
        one = self.proposal
        there = builds.standing(self.database, one.schema, one.name)
        if there is None:
            return None
        same = there["plain"] and tuple(there["keys"]) == one.keys
        if there["table"] != one.table or (there["whole"] and not same):
            raise Refused(f"there is another index of the name {one.name}; drop or rename it first")
        return there

    def _drop(self) -> None:
        with upkeep.patience(self.database, DROP_WAIT_S):
            builds.drop(self.database, schema=self.proposal.schema, name=self.proposal.name)

    def _broke_off(self, error: Unavailable | Error, reason: str) -> str:
        outcome, why = ended(error, reason)
        known = REASONS.get(error.sqlstate) if isinstance(error, Unavailable) else None
        self.said.insert(0, why if reason or known is None else known)
        if self._begun:
            return self._cleared(outcome)
        return "stopped" if outcome == "stopped" else "failed"

    def _cleared(self, outcome: str) -> str:
        """It may have been through just then; else what it had begun is removed, if it may be had within seconds."""
        self.database.connection.close_if_unusable_or_obsolete()
        try:
            if self._stands():
                return "valid"
        except Refused as refused:
            self.said.append(str(refused))
        except (Unavailable, Error):
            self.said.append("what it had begun is left, and removed when it is accepted again")
        return "stopped" if outcome == "stopped" else "failed"

    def _failed(self, why: str) -> str:
        self.said.insert(0, why)
        return "failed"
