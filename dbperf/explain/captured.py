"""Statements that were seen running, planned for any parameters: their values were never kept."""

from typing import Any

from postgast import unwrap_node

from dbperf.catalog import statements
from dbperf.connections import Database
from dbperf.explain import gate
from dbperf.explain.refusals import NeverSeen, NotHere
from dbperf.explain.session import Order
from dbperf.models import Statement

LONGEST = 10_000  # characters: what the history keeps of a text
PLANNED = frozenset({"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})


def order(queryid: int, *, application: Database, store: str) -> Order:
    """Planned as the login that ran it, so that nobody's function runs with more rights than it had. A plan is made for
    any parameters and nothing is run. Raises `Refused`."""
    text = _text(queryid, application=application, store=store)
    tree = gate.parsed(text, longest=4 * LONGEST)
    kinds = [type(unwrap_node(each.stmt)).DESCRIPTOR.name for each in tree.stmts]
    if len(kinds) != 1 or kinds[0] not in PLANNED:
        raise NotHere("no_plan", "There are plans for SELECT, INSERT, UPDATE, DELETE and MERGE only.")
    return Order(statement=text, arguments=[None] * gate.parameters(tree), generic=True)


def _text(queryid: int, *, application: Database, store: str) -> str:
    rows = Statement.objects.using(store).filter(queryid=queryid).order_by("pk")
    kept: list[Any] = list(rows.values("userid", "dbid", "text")[:20])
    if not kept:
        raise NeverSeen("not_found", "No statement of this id was seen.")
    own = statements.own_ids(application)
    ours = [row["text"] for row in kept if (row["userid"], row["dbid"]) == (own["userid"], own["dbid"])]
    if not ours:
        raise NotHere(
            "another_login", "Another login ran this statement than the one that the application uses."
        )
    if len(ours[0]) >= LONGEST:
        raise NotHere("cut_off", "The statement is too long: only its beginning was kept.")
    return str(ours[0])
