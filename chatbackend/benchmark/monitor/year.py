"""The history of dbperf as a busy year leaves it: every kind of row up to the number that is kept, and some more."""

# ruff: noqa: S608 - put together from constants of its own

from typing import Any, Final

from django.db import connections
from psycopg.types.json import Jsonb

from dbperf.aliases import DEFAULT
from dbperf.history import retention, snapshots
from dbperf.models import (
    AlertWord,
    EndpointHour,
    ExplainCall,
    MaintenanceRun,
    OriginHour,
    RelationDay,
    StatementUse,
    StoredFinding,
)

MORE: Final = 1.02  # times what is kept: the rest is cleared away
SIZES: Final = {"statements": 2_000, "lines": 1_000, "endpoints": 80, "relations": 270}
# As long as a text of a statement; hardly any compression makes it smaller.
TEXT: Final = "(SELECT string_agg(md5(n || '-' || g), ' ') FROM generate_series(1, 20) g)"
ROWS: Final = "FROM generate_series(1, %(rows)s::int) n"

STATEMENT: Final = f"""
INSERT INTO dbperf_statement (queryid, userid, dbid, toplevel, text, own, first_seen)
SELECT n, 1, 1, true, {TEXT}, n %% 20 = 0, now() FROM generate_series(1, %(statements)s::int) n
"""
USE: Final = f"""
INSERT INTO dbperf_statementuse (statement_id, taken_at, window_s, calls, total_ms, rows, blocks_hit, blocks_read,
       temp_blocks, wal_bytes)
SELECT (SELECT id FROM dbperf_statement WHERE queryid = 1 AND userid = 1) + n %% %(statements)s::int,
       now() - (%(rows)s::int - n) / 500 * interval '1 hour', 3600,
       100 + n %% 1000, n %% 9973 + 0.123, n, 5 * n, n %% 100, 0, 1000 * n {ROWS}
"""
RELATION: Final = f"""
INSERT INTO dbperf_relationday (kind, name, day, size_bytes, scans, writes)
SELECT 'index', 'public.some_index_of_the_project_' || n %% %(relations)s::int,
       current_date - (%(rows)s::int - n) / %(relations)s::int, 8192::bigint * n, n, n {ROWS}
"""
ORIGIN: Final = f"""
INSERT INTO dbperf_origin (fingerprint, kind, name, place, text, first_seen, first_release)
SELECT md5(n::text), 'request', 'GET /api/v1/conversations/{{id}}/messages', 'project/some/module.py:' || n, {TEXT},
       now(), '2.0.0' FROM generate_series(1, %(lines)s::int) n
"""
ORIGIN_HOUR: Final = f"""
INSERT INTO dbperf_originhour (origin_id, hour, calls, total_ms, works, repeated, most)
SELECT (SELECT id FROM dbperf_origin WHERE place = 'project/some/module.py:1') + n %% %(lines)s::int,
       date_trunc('hour', now()) - (%(rows)s::int - n) / %(lines)s::int * interval '1 hour', n, n + 0.5, n, 0, 3 {ROWS}
"""
ENDPOINT: Final = f"""
INSERT INTO dbperf_endpointhour (kind, name, hour, works, total_ms, database_ms, calls)
SELECT 'request', 'GET /api/v1/conversations/{{id}}/messages/' || n %% %(endpoints)s::int,
       date_trunc('hour', now()) - (%(rows)s::int - n) / %(endpoints)s::int * interval '1 hour', n, n + 0.5,
       n * 0.5, 3 * n {ROWS}
"""
FINDING: Final = f"""
INSERT INTO dbperf_storedfinding (key, check_name, level, subject, detail, evidence, remedy, first_seen, last_seen,
       resolved_at)
SELECT 'missing_index:' || n, 'missing_index', 'warning', 'public.some_table (column_' || n || ')', md5(n::text),
       jsonb_build_object('text', {TEXT}), '{{"text": "Add it.", "sql": "CREATE INDEX", "model": ""}}', now(), now(),
       now() {ROWS}
"""
CALL: Final = f"""
INSERT INTO dbperf_explaincall (asked_at, door, asker_id, asker_name, text, "analyze", outcome)
SELECT now(), 'rest', n::text, 'somebody', {TEXT}, false, 'explained' {ROWS}
"""
ROUND: Final = f"""
INSERT INTO dbperf_maintenancerun (operation, tables, state, asked_by, most_minutes, created_at, beat_at, cancel_asked,
       progress, results, note)
SELECT 'vacuum_analyze', '[]', 'done', 'the clock', 120, now(), now(), false, '{{}}', (
       SELECT jsonb_agg(jsonb_build_object('table', 'public.some_table_' || g, 'why', md5(n || '-' || g),
                                           'outcome', 'done', 'note', '', 'took_s', n, 'dead_before', n))
         FROM generate_series(1, 20) g), '' {ROWS}
"""
ALERT: Final = f"""
INSERT INTO dbperf_alert (key, check_name, subject, detail, remedy, level, run, bound, told, turn, awake, first_seen,
       last_seen, resolved_at, muted_by, mute_reason)
SELECT 'blocking:' || n, 'blocking', 'pid ' || n, md5(n::text), '{{"text": "End it."}}', '', 0, '', '', 2, false,
       now(), now() - (%(rows)s::int - n) * interval '1 minute', now(), '', '' {ROWS}
"""
WORD: Final = f"""
INSERT INTO dbperf_alertword (alert_id, turn, "by", delivery, said, said_at, due_at, attempts, sent_at, error)
SELECT (SELECT id FROM dbperf_alert WHERE key = 'blocking:1') + (n - 1) / 3, n %% 3, 'mail', gen_random_uuid(),
       jsonb_build_object('detail', md5(n::text), 'key', md5(n::text), 'sql', ''), now(), now(), 1, now(), '' {ROWS}
"""
SNAPSHOT: Final = f"""
INSERT INTO dbperf_snapshot (kind, taken_at, figures)
SELECT %(kind)s::text, now() - (%(rows)s::int - n) * %(every)s::interval, %(figures)s::jsonb || jsonb_build_object(
       'active', n %% 20, 'waiting', n %% 3, 'commits', 1000 * n, 'blocks_hit', 1000000::bigint * n,
       'more', (SELECT string_agg(md5(n || '-' || g), ' ') FROM generate_series(1, %(words)s::int) g)) {ROWS}
"""
KEPT: Final = {
    USE: retention.MOST[StatementUse],
    RELATION: retention.MOST[RelationDay],
    ORIGIN_HOUR: retention.MOST[OriginHour],
    ENDPOINT: retention.MOST[EndpointHour],
    FINDING: retention.MOST[StoredFinding],
    CALL: retention.MOST[ExplainCall],
    ROUND: retention.MOST[MaintenanceRun],
    ALERT: retention.MOST_ALERTS,
    WORD: retention.MOST[AlertWord],
}
ALIKE: Final = f"""
INSERT INTO dbperf_snapshot (kind, taken_at, figures)
SELECT %(kind)s::text, now() - (%(rows)s::int - n) * %(every)s::interval, %(figures)s::jsonb {ROWS}
"""
PLANS: Final = {
    f"query {n}": {"broken": [], "plan": [f"Index Scan using some_index_{n} on some_table"] * 10}
    for n in range(20)
}
POOL: Final = {
    **{"process": "web-1:4711", "requests_num": 900, "requests_queued": 2, "requests_wait_ms": 4},
    **{"requests_errors": 0, "pool_max": 20},
}
MADE: Final[dict[str, dict[str, Any]]] = {"plans": PLANS, "pool": POOL}  # of no look
EVERY: Final = {"pulse": "30 seconds", "pool": "30 seconds", "report": "7 days", "plans": "1 day"}
WORDS: Final = {"metrics": 600, "size": 200}  # of 33 letters, beside what was really seen


def fill(*, share: float = 1.0, store: str = DEFAULT) -> None:
    """So much of what a year leaves. Snapshots are like the newest real one of their kind."""
    parts = {name: max(1, round(share * number)) for name, number in SIZES.items()}
    with connections[store].cursor() as cursor:

        def make(statement: str, most: float = 0, **given: Any) -> None:
            cursor.execute(statement, {**parts, "rows": max(1, round(share * MORE * most)), **given})

        make(STATEMENT)
        make(ORIGIN)
        for statement, most in KEPT.items():
            make(statement, most)
        for kind, most in retention.SNAPSHOTS.items():
            seen = snapshots.latest(kind, store=store)
            figures = MADE.get(kind) or (seen.figures if seen else {})
            like = {"kind": kind, "every": EVERY.get(kind, "1 hour"), "words": WORDS.get(kind, 0)}
            make(ALIKE if kind in {"plans", "report"} else SNAPSHOT, most, figures=Jsonb(figures), **like)
