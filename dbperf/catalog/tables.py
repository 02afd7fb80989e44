"""Tables: size, use, dead rows, age. None of these statements waits for a lock."""

from typing import Final

from dbperf.catalog.indexes import SYSTEM
from dbperf.connections import Database, Row

# The limits are autovacuum's own, with what a table sets for itself. No insert limit: inserts are not looked at. Since
# PostgreSQL 18 there is a ceiling for dead rows, and inserts count against the pages that are not frozen.
TABLES: Final = f"""
SELECT n.nspname::text AS schema, c.relname::text AS name, c.oid::bigint AS oid,
       greatest(c.reltuples, -1)::bigint AS rows, c.relpages::bigint * b.size AS size_bytes,
       (SELECT coalesce(sum(ic.relpages), 0)::bigint * b.size FROM pg_index x JOIN pg_class ic ON ic.oid = x.indexrelid
         WHERE x.indrelid = c.oid) AS indexes_bytes,
       coalesce(tc.relpages, 0)::bigint * b.size AS toast_bytes,
       s.n_live_tup AS live, s.n_dead_tup AS dead, s.n_mod_since_analyze AS modified,
       s.n_ins_since_vacuum AS inserted_since_vacuum,
       s.seq_scan AS seq_scans, s.seq_tup_read AS seq_rows, coalesce(s.idx_scan, 0) AS index_scans,
       s.n_tup_ins AS inserts, s.n_tup_upd AS updates, s.n_tup_hot_upd AS hot_updates, s.n_tup_del AS deletes,
       greatest(s.last_vacuum, s.last_autovacuum) AS vacuumed_at,
       greatest(s.last_analyze, s.last_autoanalyze) AS analyzed_at,
       greatest(age(c.relfrozenxid), coalesce(age(tc.relfrozenxid), 0)) AS xid_age,
       greatest(mxid_age(c.relminmxid), coalesce(mxid_age(tc.relminmxid), 0)) AS mxid_age,
       coalesce(o.enabled, true) AS autovacuum,
       least(coalesce(o.vacuum_threshold, current_setting('autovacuum_vacuum_threshold')::float)
               + coalesce(o.vacuum_scale, current_setting('autovacuum_vacuum_scale_factor')::float)
                 * greatest(c.reltuples, 0),
             nullif(coalesce(o.most, current_setting('autovacuum_vacuum_max_threshold', true)::float), -1))
         AS vacuum_limit,
       nullif(coalesce(o.insert_threshold, current_setting('autovacuum_vacuum_insert_threshold')::float), -1)
         + coalesce(o.insert_scale, current_setting('autovacuum_vacuum_insert_scale_factor')::float)
           * greatest(c.reltuples, 0)
           * (1 - least(coalesce((to_jsonb(c) ->> 'relallfrozen')::float / nullif(c.relpages, 0), 0), 1))
         AS insert_limit,
       coalesce(o.analyze_threshold, current_setting('autovacuum_analyze_threshold')::float)
         + coalesce(o.analyze_scale, current_setting('autovacuum_analyze_scale_factor')::float)
           * greatest(c.reltuples, 0) AS analyze_limit,
       least(o.xid_most, current_setting('autovacuum_freeze_max_age')::bigint) AS xid_limit,
       least(o.mxid_most, current_setting('autovacuum_multixact_freeze_max_age')::bigint) AS mxid_limit
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_stat_user_tables s ON s.relid = c.oid
  LEFT JOIN pg_class tc ON tc.oid = c.reltoastrelid
 CROSS JOIN LATERAL (SELECT current_setting('block_size')::int) AS b (size)
 CROSS JOIN LATERAL (
       SELECT bool_and(option_value::boolean) FILTER (WHERE option_name = 'autovacuum_enabled'),
              max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_threshold')::float,
              max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_scale_factor')::float,
              max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_max_threshold')::float,
              max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_insert_threshold')::float,
              max(option_value) FILTER (WHERE option_name = 'autovacuum_vacuum_insert_scale_factor')::float,
              max(option_value) FILTER (WHERE option_name = 'autovacuum_freeze_max_age')::bigint,
              max(option_value) FILTER (WHERE option_name = 'autovacuum_multixact_freeze_max_age')::bigint,
              max(option_value) FILTER (WHERE option_name = 'autovacuum_analyze_threshold')::float,
              max(option_value) FILTER (WHERE option_name = 'autovacuum_analyze_scale_factor')::float
         FROM pg_options_to_table(c.reloptions)
       ) AS o (enabled, vacuum_threshold, vacuum_scale, most, insert_threshold, insert_scale, xid_most, mxid_most,
               analyze_threshold, analyze_scale)
 WHERE c.relkind IN ('r', 'm') AND {SYSTEM}
 ORDER BY 1, 2
"""

# Autovacuum analyzes partitions, and never what they are partitions of: the planner's idea of the whole gets old.
PARENTS: Final = f"""
WITH RECURSIVE part (parent, oid) AS (
    SELECT c.oid, c.oid FROM pg_class c WHERE c.relkind = 'p'
    UNION ALL
    SELECT part.parent, i.inhrelid FROM part JOIN pg_inherits i ON i.inhparent = part.oid
)
SELECT n.nspname::text AS schema, c.relname::text AS name, c.oid::bigint AS oid, true AS partitioned,
       greatest(c.reltuples, -1)::bigint AS rows, s.last_analyze AS analyzed_at,
       leaves.rows::bigint AS leaf_rows, leaves.analyzed_at AS leaves_analyzed_at,
       current_setting('autovacuum_analyze_threshold')::float
         + current_setting('autovacuum_analyze_scale_factor')::float * greatest(c.reltuples, 0) AS analyze_limit
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_stat_user_tables s ON s.relid = c.oid
  JOIN (SELECT part.parent, sum(greatest(l.reltuples, 0)), max(greatest(t.last_analyze, t.last_autoanalyze))
          FROM part JOIN pg_class l ON l.oid = part.oid AND l.relkind = 'r'
          JOIN pg_stat_user_tables t ON t.relid = l.oid
         GROUP BY 1) AS leaves (parent, rows, analyzed_at) ON leaves.parent = c.oid
 WHERE {SYSTEM}
 ORDER BY 1, 2
"""

# How large a share of the rows autovacuum waits for, where a table does not say so itself.
SCALES: Final = f"""
SELECT n.nspname::text AS schema, c.relname::text AS name, k.setting, current_setting(k.setting)::float AS scale
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN unnest(ARRAY['autovacuum_vacuum_scale_factor', 'autovacuum_vacuum_insert_scale_factor',
                         'autovacuum_analyze_scale_factor']) AS k (setting)
 WHERE c.relkind IN ('r', 'm') AND {SYSTEM}
   AND NOT EXISTS (SELECT FROM pg_options_to_table(c.reloptions) o WHERE o.option_name = k.setting)
 ORDER BY 1, 2, 3
"""

# A row: line pointer 4, header 23 with the bitmap of nulls, padded to 8, then the columns by their average width.
BLOAT: Final = f"""
SELECT n.nspname::text AS schema, c.relname::text AS name, c.oid::bigint AS oid,
       c.relpages::bigint * b.size AS size_bytes,
       ceil(c.reltuples * w.row_bytes / ((b.size - 24) * coalesce(f.fillfactor, 100) / 100.0))::bigint * b.size
         AS expected_bytes
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL (SELECT current_setting('block_size')::int) AS b (size)
 CROSS JOIN LATERAL (
       SELECT 4 + 8 * ceil((23 + CASE WHEN bool_or(s.null_frac > 0) THEN (count(*) + 7) / 8 ELSE 0 END) / 8.0)
                + 8 * ceil(sum((1 - s.null_frac) * s.avg_width) / 8.0), count(*)
         FROM pg_stats s
        WHERE s.schemaname = n.nspname AND s.tablename = c.relname AND NOT s.inherited) AS w (row_bytes, columns)
  LEFT JOIN LATERAL (SELECT o.option_value::int FROM pg_options_to_table(c.reloptions) o
                      WHERE o.option_name = 'fillfactor') AS f (fillfactor) ON true
 WHERE c.relkind IN ('r', 'm') AND {SYSTEM} AND c.reltuples > 0 AND w.columns > 0
 ORDER BY 1, 2
"""

FREE: Final = """
SELECT (approx_free_percent + dead_tuple_percent)::float AS free_pct
  FROM pgstattuple_approx(%s::bigint::oid::regclass)
"""

SEQUENCES: Final = f"""
SELECT n.nspname::text AS schema, c.relname::text AS name, t.relname::text AS table, a.attname::text AS column,
       q.last_value,
       least(q.max_value, CASE a.atttypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647
                          ELSE 9223372036854775807 END) AS max_value,
       format_type(a.atttypid, NULL) AS type
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_sequences q ON q.schemaname = n.nspname AND q.sequencename = c.relname
  LEFT JOIN pg_depend d ON d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
                       AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
  LEFT JOIN pg_class t ON t.oid = d.refobjid
  LEFT JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
 WHERE c.relkind = 'S' AND q.increment_by > 0 AND NOT q.cycle AND q.last_value IS NOT NULL AND {SYSTEM}
 ORDER BY 1, 2
"""

NEWPAGE: Final = "SELECT s.relid::bigint AS oid, s.n_tup_newpage_upd AS updates FROM pg_stat_user_tables s"


def tables(on: Database) -> list[Row]:
    """Every table with its sizes (as of the last VACUUM or ANALYZE), counters since the last reset, and ages."""
    return on.rows(TABLES)


def parents(on: Database) -> list[Row]:
    """Every table that has partitions with a table's rows: what its last ANALYZE counted, and what theirs did since."""
    return on.rows(PARENTS)


def scales(on: Database) -> list[Row]:
    """`{schema, name, setting, scale}` for each scale factor of autovacuum that a table has from the server."""
    return on.rows(SCALES)


def bloat(on: Database) -> list[Row]:
    """How large each table is, and how large its rows would be packed: an estimate out of statistics."""
    return on.rows(BLOAT)


def free_space(on: Database, oid: int) -> float:
    """The share of a table that holds nothing, in percent. Reads what VACUUM would; needs pgstattuple."""
    return float(on.row(FREE, [oid])["free_pct"])


def sequences(on: Database) -> list[Row]:
    """Every rising sequence, and the smaller of its own end and that of the column it fills."""
    return on.rows(SEQUENCES)


def newpage_updates(on: Database) -> dict[int, int]:
    """Table → updates that found no room on the row's page. Empty before PostgreSQL 16, which does not count them."""
    return {row["oid"]: row["updates"] for row in on.rows(NEWPAGE)} if on.version >= 16 else {}
