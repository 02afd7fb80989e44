"""What a statement that people type in may use. Whatever does not stand here is refused."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from django.conf import settings

# Left out on purpose: what runs other SQL (query_to_xml, ts_stat), has effects (pg_*, lo_*, set_config, nextval), tells
# of the server (current_setting, has_*), or makes much out of little while planning (repeat, lpad, replace).
_FUNCTIONS = """
    count sum avg min max array_agg string_agg bool_and bool_or every stddev variance percentile_cont percentile_disc
    row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
    abs ceil ceiling floor round trunc sign mod lower upper length char_length octet_length btrim ltrim rtrim
    left right strpos starts_with substr concat concat_ws coalesce nullif
    now date_trunc date_part extract date_bin age to_timestamp statement_timestamp transaction_timestamp
    array_length cardinality unnest array_position jsonb_array_length jsonb_extract_path jsonb_extract_path_text
    to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery ts_rank ts_rank_cd
    like_escape timezone overlaps position
"""
FUNCTIONS: Final = frozenset(_FUNCTIONS.split())
_TYPES = """
    bool int2 int4 int8 float4 float8 numeric text varchar bpchar uuid bytea date time timetz timestamp timestamptz
    interval json jsonb tsvector tsquery
"""
TYPES: Final = frozenset(_TYPES.split())
# No regular expressions, which can take long over little, and no powers, which can grow large.
_OPERATORS = "= <> != < > <= >= + - * / % || ~~ !~~ ~~* !~~* -> ->> #> #>> @> <@ ? ?| ?& && @@"
_BETWEEN = frozenset({"BETWEEN", "NOT BETWEEN", "BETWEEN SYMMETRIC", "NOT BETWEEN SYMMETRIC"})
OPERATORS: Final = frozenset(_OPERATORS.split()) | _BETWEEN
# Names of libpg_query's messages. Node is an empty place in a list.
_NODES = """
    ParseResult RawStmt SelectStmt WithClause CommonTableExpr ResTarget RangeVar RangeSubselect RangeFunction JoinExpr
    Alias ColumnRef A_Star A_Const A_Expr A_ArrayExpr BoolExpr NullTest BooleanTest SubLink CaseExpr CaseWhen
    CoalesceExpr MinMaxExpr RowExpr FuncCall WindowDef SortBy GroupingSet GroupingFunc TypeCast TypeName ParamRef
    SQLValueFunction String Integer Float Boolean BitString List Node
"""
NODES: Final = frozenset(_NODES.split())
# Never to be read by way of plans, whoever allows it.
SECRET: Final = re.compile(r"passw|secret|token|session|ticket|credential|api_?key", re.IGNORECASE)

Columns = frozenset[str] | None  # None: all of them
Tables = Mapping[tuple[str, str], Columns]


def tables() -> Tables:
    """(schema, table) → its columns, out of `DBPERF["EXPLAIN_TABLES"]`; what sounds of secrets is left out."""
    chosen: Mapping[str, Sequence[str] | None] = getattr(settings, "DBPERF", {}).get("EXPLAIN_TABLES", {})
    named = {_qualified(name): columns for name, columns in chosen.items()}
    return {
        name: None if columns is None else frozenset(columns)
        for name, columns in named.items()
        if not SECRET.search(name[1])
    }


def readable(column: str, columns: Columns) -> bool:
    """Whether a column of an allowed table may be read."""
    return not SECRET.search(column) and (columns is None or column in columns)


def _qualified(name: str) -> tuple[str, str]:
    schema, _, table = name.rpartition(".")
    return schema or "public", table
