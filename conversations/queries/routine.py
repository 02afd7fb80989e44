"""Hot statements that live in the database as functions.

A statement of ours takes PostgreSQL about 1 ms to plan and 0.5 ms to run. Inside a PL/pgSQL function it is planned once
a connection. Prepared statements would give the same, but not together with the request id in every statement's
comment (which makes each text a new one), nor through PgBouncer's transaction mode without its help.

The source stays here. A function's name ends in the digest of its definition, so that old and new processes run side by
side during a deployment; `migrate` installs what is missing and drops what is two versions old.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import connections
from psycopg import sql

from conversations.queries.statement import rows

_PARAMETER = re.compile(r"%\((\w+)\)s")
_MARK = "chatbackend routine"


@dataclass(frozen=True)
class Routine:
    """A named statement. `body` binds `%(name)s`; `parameters` and `returns` give each name its PostgreSQL type.

    `writes` False declares it STABLE: it sees the snapshot of the statement that calls it. `uses` names the indexes
    that its plan must lean on; tests hold it against the plan on a large data set.
    """

    name: str
    parameters: Mapping[str, str]
    returns: Mapping[str, str]
    body: str
    writes: bool = False
    uses: tuple[str, ...] = ()

    @cached_property
    def function(self) -> str:
        """The name in the database."""
        return f"{self.name}_{hashlib.sha256(self._tail.encode()).hexdigest()[:10]}"

    @cached_property
    def statement(self) -> str:
        """What a caller runs."""
        given = ", ".join(f"%({name})s::{kind}" for name, kind in self.parameters.items())
        return f"SELECT * FROM {self.function}({given})"

    @cached_property
    def plain(self) -> str:
        """The body as a statement of its own, for EXPLAIN."""
        return _PARAMETER.sub(lambda found: f"%({found[1]})s::{self.parameters[found[1]]}", self.body)

    @cached_property
    def definition(self) -> str:
        """The CREATE FUNCTION statement."""
        return f"CREATE OR REPLACE FUNCTION {self.function}{self._tail}"

    @cached_property
    def _tail(self) -> str:
        parameters = ", ".join(f"_{name} {kind}" for name, kind in self.parameters.items())
        returns = ", ".join(f"{name} {kind}" for name, kind in self.returns.items())
        body = _PARAMETER.sub(lambda found: f"_{found[1]}", self.body)
        volatility = "VOLATILE" if self.writes else "STABLE"
        return (
            f"({parameters}) RETURNS TABLE ({returns}) LANGUAGE plpgsql {volatility} AS $routine$\n"
            f"#variable_conflict use_column\nBEGIN RETURN QUERY {body};\nEND $routine$"
        )

    def call(self, **values: Any) -> list[tuple[Any, ...]]:
        """All rows. One statement."""
        return rows(self.statement, values)

    def first(self, **values: Any) -> tuple[Any, ...] | None:
        """The first row, or None. One statement."""
        found = self.call(**values)
        return found[0] if found else None


def install(routines: Iterable[Routine], *, using: str) -> None:
    """Creates what is missing and drops all but the newest of the versions that nothing names any more."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            """SELECT p.proname, p.oid::regprocedure::text FROM pg_proc p
            JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname = current_schema()
            WHERE obj_description(p.oid, 'pg_proc') = %s::text ORDER BY p.oid""",
            [_MARK],
        )
        present: dict[str, str] = dict(cursor.fetchall())
        for routine in routines:
            if routine.function not in present:
                cursor.execute(routine.definition.replace("%", "%%"), {})
                name = sql.Identifier(routine.function).as_string()
                cursor.execute(f"COMMENT ON FUNCTION {name} IS '{_MARK}'")
            older = [
                signature
                for name, signature in present.items()
                if name != routine.function and re.fullmatch(rf"{routine.name}_[0-9a-f]{{10}}", name)
            ]
            for signature in older[:-1]:
                cursor.execute(f"DROP FUNCTION {signature}")
