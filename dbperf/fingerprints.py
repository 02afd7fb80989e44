"""One name for a statement, whether our code has it with `%s` or pg_stat_statements with `$1`.

Values, comments and the lengths of lists are left out of it; nothing that somebody wrote is in the text that remains.
"""

import hashlib
import re
from typing import Final

LONGEST: Final = 4_000  # characters of the text without values; pg_stat_statements' texts come cut, too
TOKENS: Final = re.compile(
    r"""(?P<gap>/\*.*?\*/|--[^\n]*|\s+)
    |(?P<name>"(?:[^"]|"")*")
    |(?P<value>[eE]?'(?:[^'\\]|''|\\.)*'|\$(?P<quote>\w*)\$.*?\$(?P=quote)\$
        |\$\d+|%s|%\(\w+\)s|(?<![\w.])\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b|\b(?:true|false|null)\b)
    |(?P<percent>%%)""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
ITEM: Final = r"\?(?:::\w+(?:\[\])?)?"
STEPS: Final = (
    (re.compile(r" +"), " "),
    (re.compile(r"([(\[]) | (?=[)\],])"), r"\1"),
    (re.compile(r"([(,=<>\[] ?)- ?\?"), r"\1?"),
    (re.compile(rf"([(\[])({ITEM})(?:, ?{ITEM})+(?=[)\]])"), r"\1\2"),  # a list, however long
    (re.compile(r"(\(\?[^()]*\))(?:, ?\1)+"), r"\1"),  # rows of VALUES
)


def plain(sql: str) -> str:
    """The statement with `?` for each value, `(?)` for each list of them, and single spaces."""
    text = TOKENS.sub(_token, sql)
    for pattern, instead in STEPS:
        text = pattern.sub(instead, text)
    return text.strip(" ;")[:LONGEST]


def _token(found: re.Match[str]) -> str:
    if found["gap"]:
        return " "
    if found["value"]:
        return "?"
    return "%" if found["percent"] else found[0]


def fingerprint(sql: str) -> str:
    """32 hexadecimal digits, the same for the same statement."""
    return hashlib.sha256(plain(sql).encode()).hexdigest()[:32]
