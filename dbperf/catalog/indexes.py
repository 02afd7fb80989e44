"""Indexes: what there is, how it is used, what covers what."""

from typing import Final

from dbperf.connections import Database, Row

SYSTEM: Final = "n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'"

# Never waits for a lock. The size is as of the last VACUUM, ANALYZE or build.
INDEXES: Final = f"""
SELECT n.nspname::text AS schema, t.relname::text AS table, i.relname::text AS name,
       x.indexrelid::bigint AS oid, am.amname::text AS method,
       i.relpages::bigint * current_setting('block_size')::int AS size_bytes,
       x.indisunique AS is_unique, x.indisprimary AS is_primary, x.indisexclusion AS is_exclusion,
       x.indisreplident AS is_identity, x.indisvalid AS is_valid,
       EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = x.indexrelid) AS is_constraint,
       x.indexprs IS NOT NULL AS has_expression, x.indpred IS NOT NULL AS is_partial,
       (x.indkey::int2[])[0 : x.indnkeyatts - 1] AS columns,
       ARRAY(SELECT a.attname::text FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
               JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.attnum
              WHERE k.place <= x.indnkeyatts ORDER BY k.place) AS names,
       coalesce(s.idx_scan, 0) AS scans,
       EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = x.indexrelid) AS building
  FROM pg_index x
  JOIN pg_class i ON i.oid = x.indexrelid
  JOIN pg_class t ON t.oid = x.indrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
  JOIN pg_am am ON am.oid = i.relam
  LEFT JOIN pg_stat_user_indexes s ON s.indexrelid = x.indexrelid
 WHERE {SYSTEM} AND i.relkind = 'i' AND t.relkind IN ('r', 'm')
 ORDER BY 1, 2, 3
"""

# `keys` has expression, operator class, collation and direction of each column, in order. Of an expression and of a
# predicate the text that PostgreSQL makes is compared: pg_node_tree holds source positions on 15.
SHAPES: Final = f"""
SELECT n.nspname::text AS schema, t.relname::text AS table, i.relname::text AS name, am.amname::text AS method,
       i.relpages::bigint * current_setting('block_size')::int AS size_bytes,
       x.indisunique OR x.indisprimary OR x.indisexclusion OR x.indisreplident
         OR EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = x.indexrelid) AS is_needed,
       coalesce(s.idx_scan, 0) AS scans,
       ARRAY(SELECT concat_ws('|', pg_get_indexdef(x.indexrelid, k, false), (x.indclass::oid[])[k - 1],
                              (x.indcollation::oid[])[k - 1])
               FROM generate_series(1, x.indnkeyatts::int) AS k ORDER BY k) AS keys,
       ARRAY(SELECT (x.indoption::int2[])[k - 1]
               FROM generate_series(1, x.indnkeyatts::int) AS k ORDER BY k) AS options,
       ARRAY(SELECT pg_get_indexdef(x.indexrelid, k, false)
               FROM generate_series(x.indnkeyatts + 1, x.indnatts::int) AS k ORDER BY 1) AS included,
       coalesce(pg_get_expr(x.indpred, x.indrelid), '') AS predicate,
       pg_get_indexdef(x.indexrelid) AS definition
  FROM pg_index x
  JOIN pg_class i ON i.oid = x.indexrelid
  JOIN pg_class t ON t.oid = x.indrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
  JOIN pg_am am ON am.oid = i.relam
  LEFT JOIN pg_stat_user_indexes s ON s.indexrelid = x.indexrelid
 WHERE {SYSTEM} AND i.relkind = 'i' AND t.relkind IN ('r', 'm') AND x.indisvalid
 ORDER BY 1, 2, 3
"""

FOREIGN_KEYS: Final = f"""
SELECT n.nspname::text AS schema, t.relname::text AS table, c.conname::text AS name, r.relname::text AS referenced,
       t.reltuples::bigint AS rows, t.relpages::bigint * current_setting('block_size')::int AS size_bytes,
       c.conkey AS columns,
       ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY AS k (attnum, place)
               JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum ORDER BY k.place) AS names
  FROM pg_constraint c
  JOIN pg_class t ON t.oid = c.conrelid
  JOIN pg_class r ON r.oid = c.confrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
 WHERE c.contype = 'f' AND c.conparentid = 0 AND {SYSTEM}
 ORDER BY 1, 2, 3
"""

# The width of a leaf tuple: header and line pointer (12 bytes), then the columns by their average width. Deduplication
# is left out, so that bloat is rather missed than invented. Expressions have no statistics here and are left out.
BLOAT: Final = f"""
SELECT n.nspname::text AS schema, t.relname::text AS table, i.relname::text AS name, i.oid::bigint AS oid,
       i.relpages::bigint * b.size AS size_bytes,
       (1 + ceil(i.reltuples * (12 + 8 * ceil(sum((1 - s.null_frac) * s.avg_width) / 8.0))
                 / ((b.size - 40) * coalesce(f.fillfactor, 90) / 100.0)))::bigint * b.size AS expected_bytes
  FROM pg_index x
  JOIN pg_class i ON i.oid = x.indexrelid
  JOIN pg_class t ON t.oid = x.indrelid
  JOIN pg_namespace n ON n.oid = t.relnamespace
  JOIN pg_am am ON am.oid = i.relam AND am.amname = 'btree'
  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (x.indkey::int2[])
  JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = t.relname AND s.attname = a.attname AND NOT s.inherited
 CROSS JOIN LATERAL (SELECT current_setting('block_size')::int) AS b (size)
  LEFT JOIN LATERAL (SELECT o.option_value::int FROM pg_options_to_table(i.reloptions) o
                      WHERE o.option_name = 'fillfactor') AS f (fillfactor) ON true
 WHERE {SYSTEM} AND x.indexprs IS NULL AND x.indisvalid AND i.relpages > 10
 GROUP BY n.nspname, t.relname, i.oid, i.relname, i.relpages, i.reltuples, b.size, f.fillfactor, x.indnatts
HAVING count(*) = x.indnatts
 ORDER BY 1, 2, 3
"""

DENSITY: Final = (
    "SELECT avg_leaf_density::float AS leaf_density_pct FROM pgstatindex(%s::bigint::oid::regclass)"
)


def indexes(on: Database) -> list[Row]:
    """Every index of a table of ours, valid or not."""
    return on.rows(INDEXES)


def shapes(on: Database) -> list[Row]:
    """What each valid index consists of, comparable among indexes. Waits for locked tables."""
    return on.rows(SHAPES)


def foreign_keys(on: Database) -> list[Row]:
    """Every foreign key with its own columns, in order."""
    return on.rows(FOREIGN_KEYS)


def bloat(on: Database) -> list[Row]:
    """How large each btree is, and how large it would be freshly built: an estimate out of statistics."""
    return on.rows(BLOAT)


def leaf_density(on: Database, oid: int) -> float:
    """How full the leaves are, in percent: 90 when freshly built. Reads the whole index; needs pgstattuple."""
    return float(on.row(DENSITY, [oid])["leaf_density_pct"])
