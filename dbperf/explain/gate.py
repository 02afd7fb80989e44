"""The gate for statements that people type in: PostgreSQL's own parser reads them, everything in the tree must stand in
`allowed`, and what goes on to the server is written anew from the tree."""

from dataclasses import dataclass
from typing import Any, Final

import postgast
from google.protobuf.message import DecodeError, Message
from postgast import PgQueryError, Visitor, pg_query_pb2, unwrap_node

from dbperf.explain import allowed
from dbperf.explain.refusals import Refused

LONGEST: Final = 10_000  # bytes
MOST_TABLES: Final = 16  # in one statement; the time to plan grows with each
MOST_SELECTS: Final = 32
MOST_PARAMETERS: Final = 50


@dataclass(frozen=True, slots=True)
class Accepted:
    """A statement that passed: as it is sent, as it may be kept (without its literals), and how many $n it has."""

    sql: str
    normalized: str
    parameters: int


def accept(sql: str, tables: allowed.Tables) -> Accepted:
    """Raises `Refused`."""
    written, parameters = _passed(sql, tables)
    again, _ = _passed(written, tables, longest=4 * LONGEST)
    if again != written:  # the text that goes on must mean the tree that was looked at
        raise Refused("not_allowed", "The statement cannot be written anew.")
    return Accepted(written, normalized(written), parameters)


def _passed(sql: str, tables: allowed.Tables, *, longest: int = LONGEST) -> tuple[str, int]:
    tree = parsed(sql, longest=longest)
    if len(tree.stmts) != 1:
        raise Refused("one_statement", "Exactly one statement, please.")
    if type(unwrap_node(tree.stmts[0].stmt)).DESCRIPTOR.name != "SelectStmt":
        raise Refused("not_select", "Only a SELECT is explained.")
    walker = _Walker(tables, tree)
    walker.visit(tree)
    try:
        return str(postgast.deparse(tree)), walker.parameters
    except PgQueryError:
        raise Refused("not_allowed", "The statement cannot be written anew.") from None


def parsed(sql: str, *, longest: int = LONGEST) -> Any:
    """The tree of a text, by the grammar of PostgreSQL. Raises `Refused`."""
    if "\x00" in sql or any("\ud800" <= sign <= "\udfff" for sign in sql):
        raise Refused("syntax", "This is not text that PostgreSQL could read.")
    if len(sql.encode()) > longest:
        raise Refused("too_long", f"A statement may have at most {longest:,} bytes.")
    try:
        return postgast.parse(sql)
    except PgQueryError as error:
        where = f", near byte {error.cursorpos}" if error.cursorpos else ""
        raise Refused("syntax", f"PostgreSQL's grammar does not know this{where}.") from None
    except DecodeError:
        raise Refused("too_deep", "The statement is nested too deeply.") from None


def parameters(tree: Message) -> int:
    """The largest n of its $n."""
    numbers = (node.number for _, node in postgast.walk(tree) if isinstance(node, pg_query_pb2.ParamRef))
    return max(numbers, default=0)


def normalized(sql: str) -> str:
    """$n in place of literals; empty where that cannot be done."""
    try:
        return str(postgast.normalize(sql))
    except PgQueryError:
        return ""


class _Walker(Visitor):  # type: ignore[misc]  # Any to mypy: pyproject.toml
    """Meets every node there is. A kind that it does not know is refused, so what a later grammar brings is, too."""

    def __init__(self, tables: allowed.Tables, tree: Message) -> None:
        self.tables = tables
        self.parameters = 0
        found = postgast.walk(tree)
        self.queries = {node.ctename for _, node in found if isinstance(node, pg_query_pb2.CommonTableExpr)}
        self.seen = {"RangeVar": 0, "SelectStmt": 0}

    def visit(self, node: Message) -> None:
        name = type(unwrap_node(node)).DESCRIPTOR.name
        if name not in allowed.NODES:
            raise Refused("not_allowed", f"{name} is not explained.")
        if name in self.seen:
            self.seen[name] += 1
            if self.seen["RangeVar"] > MOST_TABLES or self.seen["SelectStmt"] > MOST_SELECTS:
                raise Refused("too_large", f"At most {MOST_TABLES} tables and {MOST_SELECTS} SELECTs.")
        super().visit(node)

    def visit_SelectStmt(self, node: Any) -> None:  # noqa: N802 - names of the library
        if node.HasField("into_clause"):
            raise Refused("writes", "SELECT INTO makes a table.")
        if node.locking_clause:
            raise Refused("locks", "FOR UPDATE and its kin take locks.")
        self.generic_visit(node)

    def visit_WithClause(self, node: Any) -> None:  # noqa: N802
        if node.recursive:
            raise Refused("not_allowed", "WITH RECURSIVE is not explained.")
        self.generic_visit(node)

    def visit_CommonTableExpr(self, node: Any) -> None:  # noqa: N802
        """Outside of its scope the name would mean a catalog."""
        if node.ctename.lower().startswith("pg_"):
            raise Refused("table", "The name of a WITH query may not begin with pg_.")
        self.generic_visit(node)

    def visit_RangeVar(self, node: Any) -> None:  # noqa: N802
        """Tables get their schema written before them: the server looks up nothing but pg_catalog by itself."""
        if not node.catalogname and not node.schemaname and node.relname in self.queries:
            return
        schema = node.schemaname or "public"
        if node.catalogname or (schema, node.relname) not in self.tables:
            raise Refused("table", "The statement reads a table that is not on the list.")
        node.schemaname = schema
        self.generic_visit(node)

    def visit_FuncCall(self, node: Any) -> None:  # noqa: N802
        """Only PostgreSQL's own, and named so that none of the same name can stand in for it."""
        schema, name = _split(node.funcname)
        if schema not in {"", "pg_catalog"} or name not in allowed.FUNCTIONS:
            raise Refused("function", "The statement calls a function that is not on the list.")
        if not schema:
            node.funcname.insert(0, pg_query_pb2.Node(string=pg_query_pb2.String(sval="pg_catalog")))
        self.generic_visit(node)

    def visit_A_Expr(self, node: Any) -> None:  # noqa: N802
        _operator(node.name)
        self.generic_visit(node)

    def visit_SubLink(self, node: Any) -> None:  # noqa: N802
        if node.oper_name:
            _operator(node.oper_name)
        self.generic_visit(node)

    def visit_SortBy(self, node: Any) -> None:  # noqa: N802
        if node.use_op:
            _operator(node.use_op)
        self.generic_visit(node)

    def visit_TypeName(self, node: Any) -> None:  # noqa: N802
        schema, name = _split(node.names)
        plain = schema in {"", "pg_catalog"} and not node.setof and not node.pct_type
        if not plain or name not in allowed.TYPES:
            raise Refused("type", "The statement names a type that is not on the list.")
        self.generic_visit(node)

    def visit_ParamRef(self, node: Any) -> None:  # noqa: N802
        if not 1 <= node.number <= MOST_PARAMETERS:
            raise Refused("parameters", f"Parameters are $1 to ${MOST_PARAMETERS}.")
        self.parameters = max(self.parameters, node.number)


def _split(names: Any) -> tuple[str, str]:
    """Schema and name; of longer names the schema says so, and is refused."""
    parts = [each.string.sval for each in names]
    return ".".join(parts[:-1]), parts[-1] if parts else ""


def _operator(names: Any) -> None:
    schema, name = _split(names)
    if schema or name not in allowed.OPERATORS:
        raise Refused("operator", "The statement has an operator that is not on the list.")
