"""Settings out of line: durability or upkeep switched off, or defaults that do not fit the database.

Each rule looks at what the server says of itself; the machine's memory is not known to it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from dbperf.catalog import server
from dbperf.checks import Context
from dbperf.findings import Finding, Level, Remedy
from dbperf.units import size

DEFAULT_SHARED_BUFFERS = 128 * 1024 * 1024
NEVER_OFF = {
    "fsync": "a crash of the machine may leave the database corrupt",
    "full_page_writes": "a crash of the machine may leave the database corrupt",
    "autovacuum": "dead rows stay, statistics age, and transaction ids run out",
    "track_counts": "autovacuum knows of nothing to do",
}
READ = (*NEVER_OFF, "shared_buffers", "effective_cache_size", "random_page_cost", "seq_page_cost")


def run(context: Context) -> Iterator[Finding]:
    found = server.settings(context.database, *READ)
    return judge(found, server.database(context.database)["size_bytes"])


def judge(settings: Mapping[str, Mapping[str, Any]], database_bytes: int) -> Iterator[Finding]:
    """Of settings as `catalog.server.settings` gives them, and the size of the database."""
    for name, costs in NEVER_OFF.items():
        if name in settings and settings[name]["setting"] == "off":
            yield _finding(Level.CRITICAL, name, f"{name} is off: {costs}.", "on", setting="off")
    buffers = settings.get("shared_buffers", {}).get("bytes")
    cache = settings.get("effective_cache_size", {}).get("bytes")
    if buffers and buffers <= DEFAULT_SHARED_BUFFERS and database_bytes > 4 * buffers:
        text = f"shared_buffers is {size(buffers)}, the database {size(database_bytes)}; usual is 1/4 of the memory."
        yield _finding(Level.WARNING, "shared_buffers", text, bytes=buffers, database_bytes=database_bytes)
    if buffers and cache and cache < buffers:
        text = f"effective_cache_size ({size(cache)}) is below shared_buffers ({size(buffers)}): indexes look dearer."
        yield _finding(Level.WARNING, "effective_cache_size", text, bytes=cache, shared_buffers_bytes=buffers)
    random, sequential = (
        settings.get(name, {}).get("setting") for name in ("random_page_cost", "seq_page_cost")
    )
    if random and sequential and float(random) >= 4 * float(sequential):
        text = "random_page_cost is that of a turning disk: on flash, indexes look dearer than they are."
        yield _finding(Level.INFO, "random_page_cost", text, "1.1", setting=random)


def _finding(level: Level, name: str, detail: str, value: str = "", **evidence: Any) -> Finding:
    sql = f"ALTER SYSTEM SET {name} = {value};" if value else ""
    return Finding(
        check="settings",
        level=level,
        subject=name,
        detail=detail,
        remedy=Remedy("Change it.", sql),
        evidence=evidence,
    )
