"""Plans without values: what is compared with what may be seen, what with which value may not."""

from typing import Any, Final

import postgast
from postgast import PgQueryError, pg_query_pb2

# What names things and holds no expression. Every other text is read by PostgreSQL's lexer and loses its constants.
NAMES: Final = frozenset(
    {
        "Node Type",
        "Parent Relationship",
        "Join Type",
        "Strategy",
        "Partial Mode",
        "Command",
        "Operation",
        "Relation Name",
        "Schema",
        "Alias",
        "Index Name",
        "CTE Name",
        "Function Name",
        "Subplan Name",
        "Scan Direction",
        "Sort Method",
        "Sort Space Type",
        "Storage",
    }
)
DROPPED: Final = frozenset({"Query Text", "Settings", "Triggers", "Output"})
CONSTANTS: Final = frozenset({"SCONST", "USCONST", "ICONST", "FCONST", "BCONST", "XCONST"})


def scrubbed(value: Any, key: str = "") -> Any:
    """`?` in place of every constant."""
    if isinstance(value, dict):
        return {name: scrubbed(each, name) for name, each in value.items() if name not in DROPPED}
    if isinstance(value, list):
        return [scrubbed(each, key) for each in value]
    return without_constants(value) if isinstance(value, str) and key not in NAMES else value


def without_constants(text: str) -> str:
    """What the lexer cannot read is not shown at all."""
    raw = text.encode()
    try:
        tokens = postgast.scan(text).tokens
    except PgQueryError:
        return "?"
    kept, place = [], 0
    for token in tokens:
        if pg_query_pb2.Token.Name(token.token) in CONSTANTS:
            kept += [raw[place : token.start], b"?"]
            place = token.end
    return b"".join([*kept, raw[place:]]).decode()
