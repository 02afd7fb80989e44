"""Making a plan for somebody: through the gate, on the right connection, written down before and after."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from django.db import connections
from django.utils import timezone

from dbperf.aliases import DEFAULT, EXPLAIN
from dbperf.connections import Database
from dbperf.explain import allowed, captured, gate, granting, plan, roles, scrubbing
from dbperf.explain.refusals import NotHere, Refused
from dbperf.explain.session import Order, session
from dbperf.models import ExplainCall

NO_ROLE = (
    "Here only statements that were seen running are explained, by their queryid: there is no connection of the"
    " login dbperf_explain (`manage.py db_setup` says what it takes)."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks, and through which door: rest, admin or command."""

    door: str
    id: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A statement, or the id of one that was seen running. Without `params` the plan is the one for any."""

    sql: str = ""
    queryid: int | None = None
    params: Sequence[str | int | float | bool | None] | None = None
    analyze: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A plan without values."""

    statement: str
    queryid: int | None
    analyzed: bool
    generic: bool
    tree: dict[str, Any]
    nodes: list[plan.Node]
    warnings: list[str]

    @property
    def total_cost(self) -> float:
        return float(self.tree["Plan"]["Total Cost"])


def free_text() -> bool:
    """Whether statements that people type in can be explained here."""
    return EXPLAIN in connections.settings and bool(allowed.tables())


def prepare_login(on: Database) -> tuple[list[str], list[str]]:
    """Makes the login for plans and grants it the columns on the list, as far as `on` may: what was done, and what is
    left."""
    known = connections.settings.get(EXPLAIN, {"USER": "", "PASSWORD": ""})
    return granting.grant(on, known["USER"] or EXPLAIN, allowed.tables(), password=known["PASSWORD"])


def explain(
    question: Question,
    *,
    asker: Asker,
    alias: str = EXPLAIN,
    application: str = DEFAULT,
    store: str = DEFAULT,
) -> Explained:
    """Raises `Refused`. The call is written down before anything else is done, and then how it ended."""
    call = _written_down(question, asker, store=store)
    started, outcome = monotonic(), "failed"
    try:
        found = _explained(question, alias=alias, application=application, store=store)
        outcome = "explained"
        return found
    except Refused as refused:
        outcome = refused.code
        raise
    finally:
        call.outcome, call.took_ms = outcome, round((monotonic() - started) * 1000)
        call.save(using=store, update_fields=["outcome", "took_ms"])


def recent(*, store: str = DEFAULT) -> list[ExplainCall]:
    """The last 20 calls."""
    return list(ExplainCall.objects.using(store).order_by("-pk")[:20])


def _explained(question: Question, *, alias: str, application: str, store: str) -> Explained:
    if question.queryid is not None:
        return _replayed(question, application=application, store=store)
    if alias not in connections.settings:
        raise NotHere("no_explain_role", NO_ROLE)
    tables = allowed.tables()
    accepted = gate.accept(question.sql, tables)
    order = _order(question, accepted)
    with session(alias) as opened:
        roles.check(opened, tables)
        made = opened.plan(order)
    return _told(made, order, statement=accepted.normalized, queryid=None)


def _replayed(question: Question, *, application: str, store: str) -> Explained:
    if question.analyze:
        raise Refused("analyze", "A statement that was seen is never run: its values were not kept.")
    on = Database(application)
    order = captured.order(question.queryid or 0, application=on, store=store)
    with session(application) as opened:
        made = opened.plan(order)
    return _told(made, order, statement=order.statement, queryid=question.queryid)


def _order(question: Question, accepted: gate.Accepted) -> Order:
    given, wanted = question.params, accepted.parameters
    generic = given is None and wanted > 0
    if generic and question.analyze:
        raise Refused("parameters", f"To be run, the statement needs its {wanted} parameters.")
    if given is not None and len(given) != wanted:
        raise Refused("parameters", f"The statement has {wanted} parameters, {len(given)} were given.")
    arguments = [None] * wanted if given is None else [_text(value) for value in given]
    return Order(
        statement=accepted.sql,
        arguments=arguments,
        generic=generic,
        analyze=question.analyze,
        settings={"search_path": "pg_catalog"},
    )


def _text(value: str | float | bool | None) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def _told(made: dict[str, Any], order: Order, *, statement: str, queryid: int | None) -> Explained:
    tree = scrubbing.scrubbed(made)
    found = plan.nodes(tree)
    return Explained(
        statement=statement,
        queryid=queryid,
        analyzed=order.analyze,
        generic=order.generic,
        tree=tree,
        nodes=found,
        warnings=plan.warnings(found),
    )


def _written_down(question: Question, asker: Asker, *, store: str) -> ExplainCall:
    short = len(question.sql) <= gate.LONGEST and "\x00" not in question.sql
    return ExplainCall.objects.using(store).create(
        asked_at=timezone.now(),
        door=asker.door,
        asker_id=asker.id[:64],
        asker_name=asker.name[:150],
        queryid=question.queryid,
        text=gate.normalized(question.sql) if short else "",
        analyze=question.analyze,
        outcome="begun",
    )
