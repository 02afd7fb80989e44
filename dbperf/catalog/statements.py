"""pg_stat_statements. Counters are read without texts, which make PostgreSQL load its whole text file."""

import re
from typing import Final

from dbperf.catalog.server import Capabilities
from dbperf.connections import Database, Row

COUNTERS: Final = """
SELECT s.queryid, s.userid::bigint AS userid, s.dbid::bigint AS dbid, s.toplevel, s.calls,
       (s.total_exec_time + s.total_plan_time)::float AS total_ms, s.rows,
       s.shared_blks_hit AS blocks_hit, s.shared_blks_read AS blocks_read, s.temp_blks_written AS temp_blocks,
       s.wal_bytes::bigint AS wal_bytes
  FROM {schema}.pg_stat_statements(false) s
 WHERE s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) AND s.queryid IS NOT NULL
"""
TEXTS: Final = """
SELECT s.queryid, left(min(s.query), 10000) AS text
  FROM {schema}.pg_stat_statements(true) s
 WHERE s.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
   AND s.queryid = ANY (%s::bigint[])
 GROUP BY s.queryid
"""
INFO: Final = "SELECT i.stats_reset, i.dealloc FROM {schema}.pg_stat_statements_info i"


def counters(on: Database, capabilities: Capabilities) -> list[Row]:
    """Of each statement of this database since the last reset."""
    return on.rows(COUNTERS.format(schema=capabilities.statements_schema))


def texts(on: Database, capabilities: Capabilities, queryids: list[int]) -> dict[int, str]:
    """The normalised texts (parameters as $1) of these, shortened to 10,000 characters."""
    rows = on.rows(TEXTS.format(schema=capabilities.statements_schema), [queryids])
    return {row["queryid"]: row["text"] for row in rows}


def info(on: Database, capabilities: Capabilities) -> Row:
    """When the counters were reset, and how often statements were thrown out for want of room."""
    return on.row(INFO.format(schema=capabilities.statements_schema))


OWN: Final = re.compile(
    r"\bdbperf_|\bhypopg_|\bpgstat(?:tuple|index)"
    r"|\bpg_(?:stat|catalog\b|class\b|settings\b|extension\b|roles\b|database\b|replication_slots\b|relation_size\b)"
)


def is_own(text: str) -> bool:
    """Whether dbperf itself asks this: catalogs and statistics, or its own tables. pg_stat_statements knows no
    application names; so whoever else asks such things is taken for it, too."""
    return bool(OWN.search(text))


OWN_IDS: Final = """
SELECT r.oid::bigint AS userid, d.oid::bigint AS dbid
  FROM pg_roles r, pg_database d
 WHERE r.rolname = current_user AND d.datname = current_database()
"""


def own_ids(on: Database) -> Row:
    """What pg_stat_statements calls this login and this database."""
    return on.row(OWN_IDS)
