"""Model drift: the indexes of a table are not those of its model.

One that only the database has is lost with the next restore from migrations, also one that was built from a suggestion;
one that only the model has is not used by anybody. Tables without a model are left alone, as are names that begin with
a prefix of `DBPERF["OWN_INDEX_PREFIXES"]`.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.models import Model

from dbperf.catalog import indexes
from dbperf.checks import Context
from dbperf.connections import Row
from dbperf.declaring import declared
from dbperf.findings import Finding, Level, Remedy
from dbperf.models import BuiltIndex
from dbperf.proposing import Proposal
from dbperf.units import quoted
from dbperf.verdicts import Verdict


def run(context: Context) -> Iterator[Finding]:
    there: dict[str, list[Row]] = defaultdict(list)
    for row in indexes.indexes(context.database):
        there[row["table"]].append(row)
    accepted = _accepted(context.store)
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed and model._meta.db_table in there:
            yield from _compare(model, there[model._meta.db_table], accepted)


def _accepted(store: str) -> dict[tuple[str, str], Proposal]:
    """What was built from suggestions, by schema and name, unless it turned out to be for nothing."""
    rows = BuiltIndex.objects.using(store).filter(state="valid").exclude(verdict=Verdict.WITHOUT_GAIN)
    return {(row.schema, row.name): Proposal(row.schema, row.table, tuple(row.keys)) for row in rows}


def _compare(
    model: type[Model], there: list[Row], accepted: dict[tuple[str, str], Proposal]
) -> Iterator[Finding]:
    declared = {index.name for index in (*model._meta.indexes, *model._meta.constraints)}
    names = {row["name"] for row in there}
    for row in there:
        if row["name"] not in declared and not _implied(model, row):
            yield _only_in_database(model, row, accepted.get((row["schema"], row["name"])))
    for index in model._meta.indexes:
        if index.name not in names:
            yield _only_in_model(model, index.name)


def _implied(model: type[Model], row: Row) -> bool:
    """Made by Django without a name of ours: keys, unique fields, foreign keys, `db_index`; and those of rotation."""
    prefixes = tuple(getattr(settings, "DBPERF", {}).get("OWN_INDEX_PREFIXES", ()))
    if row["is_primary"] or row["is_constraint"] or row["name"].startswith(("dbperf_", *prefixes)):
        return True
    made = [[field.column] for field in model._meta.local_concrete_fields if _indexed(field)]
    return not row["is_partial"] and row["names"] in made


def _indexed(field: Any) -> bool:
    return bool(field.db_index or field.unique or field.remote_field)


def _only_in_database(model: type[Model], row: Row, accepted: Proposal | None) -> Finding:
    name = quoted(row["schema"], row["name"])
    how = "was built from a suggestion" if accepted else "is there"
    return Finding(
        check="model_drift",
        level=Level.INFO,
        subject=f"{row['schema']}.{row['name']}",
        detail=f"{name} on {row['table']} {how}, and {model._meta.label} does not declare it.",
        remedy=_to_declare(accepted) if accepted else _to_decide(name),
        evidence={
            "table": row["table"],
            "model": model._meta.label,
            "size_bytes": row["size_bytes"],
            "scans": row["scans"],
        },
    )


def _to_decide(name: str) -> Remedy:
    return Remedy("Declare it in the model, or drop it.", f"DROP INDEX CONCURRENTLY {name};")


def _to_declare(accepted: Proposal) -> Remedy:
    model, line = declared(accepted)
    return Remedy(
        f"Add the line to {model}, and a migration of its own, with atomic = False, which finds the index there:"
        f' BuildIndexConcurrently("{model}", {line}) of dbperf.operations.',
        model=line,
    )


def _only_in_model(model: type[Model], name: str) -> Finding:
    return Finding(
        check="model_drift",
        level=Level.WARNING,
        subject=f"{model._meta.db_table}.{name}",
        detail=f"{model._meta.label} declares the index {name}, and {model._meta.db_table} does not have it.",
        remedy=Remedy("Run the migrations; if they ran, the index was dropped by hand: build it again."),
        evidence={"table": model._meta.db_table, "model": model._meta.label},
    )
