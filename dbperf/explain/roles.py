"""The login that plans are made with: what it must not be able to do, looked at each time."""

from typing import Any, Final

from dbperf.catalog import roles
from dbperf.explain import allowed
from dbperf.explain.refusals import NotHere
from dbperf.explain.session import Session

EXCESSES: Final = {
    "superior": "is a superuser, or may make roles, databases or replicas",
    "member": "is a member of another role",
    "owner": "owns tables",
    "creates": "may create or make temporary tables in the database",
    "writes": "may write to a table",
}


def check(session: Session, tables: allowed.Tables) -> None:
    """Raises `NotHere` for a login that can do more than read what is on the list: then the gate would stand alone."""
    row = session.rows(roles.EXCESSES)[0]
    found = [text for text, there in zip(EXCESSES.values(), row, strict=True) if there]
    found += sorted(_too_much(session.rows(roles.READABLE), tables))
    if found:
        raise NotHere(
            "explain_role", f"The login for plans {found[0]}; `manage.py db_setup` says how to change that."
        )


def _too_much(readable: list[Any], tables: allowed.Tables) -> set[str]:
    return {
        f"can read {schema}.{table}.{column}"
        for schema, table, column in readable
        if allowed.SECRET.search(table) or not allowed.readable(column, tables.get((schema, table), None))
    }
