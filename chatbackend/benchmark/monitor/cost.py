"""What looking at the database takes of its time, by pg_stat_statements' own count."""

from typing import Final, NamedTuple

import psycopg
from django.conf import settings

from dbperf.catalog import statements
from dbperf.connections import Database
from dbperf.services import alerting, building, delivering, looking

# Asked in the database beside it: what counting takes is counted there.
TIMES: Final = """
SELECT s.query, s.total_exec_time + s.total_plan_time AS ms
  FROM pg_stat_statements s
 WHERE s.toplevel AND s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = %s)
"""


class Took(NamedTuple):
    """So many ms of statements: of dbperf's own, and of everybody's."""

    own_ms: float
    all_ms: float

    def since(self, before: "Took") -> "Took":
        """What was added."""
        return Took(self.own_ms - before.own_ms, self.all_ms - before.all_ms)


def so_far(on: Database) -> Took:
    """Since the counters began."""
    name = on.connection.settings_dict["NAME"]
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as beside:
        rows = beside.execute(TIMES, [name]).fetchall()
    own = (ms for text, ms in rows if statements.is_own(text))
    return Took(sum(own), sum(ms for _, ms in rows))


def pulse(on: Database) -> None:
    """As the clock has it twice a minute, but for the sending. What is watched keeps the history, too."""
    looking.keep_pulse(database=on, store=on.alias)
    alerting.watch(database=on, store=on.alias)
    delivering.due(store=on.alias)
    building.waiting(store=on.alias)


def hour(on: Database) -> None:
    """As the clock has it every hour."""
    alerting.heed_hour(looking.keep_hour(database=on, store=on.alias), store=on.alias)


def mean_hour(on: Database, times: int = 3) -> float:
    """How many ms of statements an hourly look takes."""
    before = so_far(on)
    for _ in range(times):
        hour(on)
    return so_far(on).since(before).own_ms / times
