"""How large the database, its tables and its indexes are, how they grew, and what may come of that."""

from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.utils import timezone

from dbperf import checks, forecasting
from dbperf.catalog import indexes, server, tables
from dbperf.connections import Row
from dbperf.forecasting import Growth, Line
from dbperf.history import relations

LARGEST: Final = 50
WATCHED: Final = timedelta(days=30)


def sizes(asked: checks.Context, *, age: timedelta = WATCHED) -> dict[str, Any]:
    """As of each one's last VACUUM, ANALYZE or build; grown since so long ago, or as far as is known."""
    whole = server.database(asked.database)
    rows = sorted(tables.tables(asked.database), key=lambda row: -_with_indexes(row))[:LARGEST]
    there = sorted(indexes.indexes(asked.database), key=lambda row: -row["size_bytes"])[:LARGEST]
    names = [whole["name"], *map(_name, rows), *map(_name, there)]
    lines = relations.by_day(names, age, store=asked.store)
    return {
        "database_bytes": whole["size_bytes"],
        **_database(whole["size_bytes"], lines.get(f"whole:{whole['name']}", [])),
        "tables": [_table(row, lines.get(f"table:{_name(row)}", [])) for row in rows],
        "indexes": [_index(row, lines.get(f"index:{_name(row)}", [])) for row in there],
    }


def limit_bytes() -> int | None:
    """How large the database may become: `DBPERF["LIMIT_BYTES"]`. PostgreSQL tells nobody how large its disk is."""
    given = getattr(settings, "DBPERF", {}).get("LIMIT_BYTES")
    return int(given) if given else None


def _name(row: Row) -> str:
    return f"{row['schema']}.{row['name']}"


def _with_indexes(row: Row) -> int:
    return int(row["size_bytes"] + row["toast_bytes"] + row["indexes_bytes"])


def _database(size: int, line: Line) -> dict[str, Any]:
    """Its growth, and how many days are left until the limit: likely, and at the soonest and at the latest."""
    limit, growth = limit_bytes(), forecasting.growth(line)
    left = None
    if limit and growth:
        paces = {"likely": growth.likely, "soonest": growth.most, "latest": growth.least}
        left = {name: forecasting.days_until(limit, size, pace) for name, pace in paces.items()}
    return {**_grown(size, line), "limit_bytes": limit, "days_left": left}


def _table(row: Row, line: Line) -> dict[str, Any]:
    own = row["size_bytes"] + row["toast_bytes"]
    return {
        "name": _name(row),
        "rows": max(row["rows"], 0),
        "table_bytes": own,
        "indexes_bytes": row["indexes_bytes"],
        "total_bytes": own + row["indexes_bytes"],
        "dead_rows": row["dead"],
        "seq_scans": row["seq_scans"],
        "index_scans": row["index_scans"],
        "vacuumed_at": _time(row["vacuumed_at"]),
        "analyzed_at": _time(row["analyzed_at"]),
        **_grown(own, line),
    }


def _index(row: Row, line: Line) -> dict[str, Any]:
    shown = {
        "name": _name(row),
        "table": row["table"],
        "size_bytes": row["size_bytes"],
        "scans": row["scans"],
    }
    return {**shown, **_grown(row["size_bytes"], line)}


def _grown(now: int, line: Line) -> dict[str, Any]:
    since, first = line[0] if line else (None, 0)
    return {
        "grown_bytes": now - first if since else None,
        "grown_days": (timezone.now().date() - since).days if since else None,
        "forecast": _forecast(now, forecasting.growth(line)),
    }


def _forecast(now: int, growth: Growth | None) -> dict[str, Any] | None:
    if growth is None:
        return None
    return {
        "bytes_a_day": round(growth.likely),
        "least_a_day": round(growth.least),
        "most_a_day": round(growth.most),
        "watched_days": growth.days,
        "in_30_days_bytes": max(round(now + forecasting.AHEAD_DAYS * growth.likely), 0),
    }


def _time(value: datetime | None) -> str | None:
    return value.isoformat().replace("+00:00", "Z") if value else None
