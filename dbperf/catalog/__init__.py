"""Every statement that asks PostgreSQL 15-18 about itself, and nowhere else: one a function, whole, bound.

Each function takes a `Database` and returns rows as dicts. Names carry units: `_bytes`, `_s` (seconds), `_ms`. What
blocks behind an ACCESS EXCLUSIVE lock (`pg_relation_size`, `pg_get_indexdef`) is asked apart from what does not
(`relpages`, the `pg_stat_*` views), so that one locked table hides only what is known of it.
"""
