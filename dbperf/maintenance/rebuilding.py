"""REINDEX of one table: the indexes that were measured to be half empty, and nothing left of one that broke off."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dbperf.catalog import indexes, server, upkeep
from dbperf.connections import Database, Row, Unavailable
from dbperf.maintenance.bloat import FULL_PCT, LEFT, rebuildable
from dbperf.maintenance.choosing import Chosen

# A rebuild waits for transactions that are under way: more than once, and holding up nobody who reads or writes.
REBUILD_WAIT_S = 60.0
DROP_WAIT_S = 2.0
LOCKED = "55P03"
EXTENSION = "pgstattuple"


@dataclass
class Rebuilding:
    """`done` names what was rebuilt or removed, `said` is what else there is to say: also of one that broke off."""

    database: Database
    one: Chosen
    done: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    _at: Row | None = None
    _others: set[int] = field(default_factory=set)

    @property
    def note(self) -> str:
        """In words."""
        return "; ".join([*self.done, *self.said])

    def carry_out(self) -> None:
        """Removes what is left of earlier ones, measures, rebuilds. Raises `Unavailable` where it breaks off."""
        with upkeep.patience(self.database, DROP_WAIT_S):
            self._remove(upkeep.leftovers(self.database, self.one.oid))
        self._others = {row["oid"] for row in upkeep.leftovers(self.database, self.one.oid)}
        with upkeep.patience(self.database, REBUILD_WAIT_S):
            for row, full in list(self._half_empty()):
                self._at = row
                upkeep.rebuild_index(self.database, row)
                self.done.append(f"rebuilt {row['name']}, {full:.0f} % full")

    def clear(self) -> None:
        """After it broke off: removes what it had begun, if it may have it within seconds, and says so if not."""
        try:
            with upkeep.patience(self.database, DROP_WAIT_S):
                self._remove(filter(self._ours, upkeep.leftovers(self.database, self.one.oid)))
        except Unavailable:
            self.said.append("what it had begun is left for the next REINDEX")

    def _half_empty(self) -> Iterator[tuple[Row, float]]:
        if EXTENSION not in server.capabilities(self.database).extensions:
            self.said.append(f"no index was measured: the extension {EXTENSION} is not there")
            return
        own = [row for row in indexes.indexes(self.database) if self._of_table(row)]
        for row in filter(rebuildable, own):
            full = indexes.leaf_density(self.database, row["oid"])
            if full >= FULL_PCT:
                self.said.append(f"{row['name']} is {full:.0f} % full")
            else:  # not a number, too: it has not a single entry
                yield row, full
        if small := sum(not rebuildable(row) for row in own):
            self.said.append(f"{small} are small, or of another kind")

    def _of_table(self, row: Row) -> bool:
        return row["is_valid"] and (row["schema"], row["table"]) == (self.one.schema, self.one.name)

    def _ours(self, row: Row) -> bool:
        """The one that it was at: the new one that was not finished, or the old one that the new one has replaced."""
        at, stem = self._at, LEFT.sub("", row["name"])  # the stem is cut to fit into a name
        return (
            at is not None
            and row["oid"] not in self._others
            and (row["oid"] == at["oid"] or at["name"].startswith(stem))
        )

    def _remove(self, rows: Iterable[Row]) -> None:
        for row in rows:
            if not row["held"]:
                self._drop(row)

    def _drop(self, row: Row) -> None:
        try:
            upkeep.drop_index(self.database, row)
        except Unavailable as error:
            if error.sqlstate != LOCKED:
                raise
            self.said.append(f"{row['name']}, which is invalid, is left for the next REINDEX: it was locked")
        else:
            self.done.append(f"removed {row['name']}, which broke off")
