"""Which index a plan lacks: a table that is read whole, a condition that throws rows away, the order wanted.

Pure: a plan as PostgreSQL's JSON goes in, proposals come out. Only btrees over plain columns are proposed.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dbperf.units import quoted

MOST_COLUMNS: Final = 3
IDENTIFIER: Final = r'(?:"(?:[^"]|"")+"|\w+)'
CONDITION: Final = re.compile(
    rf"\(?(?P<alias>{IDENTIFIER})\.(?P<column>{IDENTIFIER})\)?(?:::[a-z ]+)? (?P<sign>=|<=|>=|<|>) "
    r"(?:ANY \()?\(?(?P<parameter>\$\d+)?"
)
ORDER: Final = re.compile(rf"(?P<alias>{IDENTIFIER})\.(?P<column>{IDENTIFIER})(?P<down> DESC)?")
PASSED_ON: Final = ("Gather", "Gather Merge", "Limit", "Sort", "Incremental Sort", "Result")


@dataclass(frozen=True, slots=True)
class Proposal:
    """An index over a table: columns in order, those read downwards with a minus, as Django writes them. `parameters`
    says of `$1` and so on with which column each is compared."""

    schema: str
    table: str
    keys: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...] = ()
    guessed: bool = False  # nothing but ranges are compared

    @property
    def name(self) -> str:
        """The same each time, and no longer than Django allows."""
        words = "_".join((self.table, *(key.lstrip("-") for key in self.keys)))
        digest = hashlib.sha256("|".join((self.schema, self.table, *self.keys)).encode()).hexdigest()[:6]
        return f"{re.sub(r'[^a-z0-9_]', '', words.lower())[:21]}_{digest}_i"

    @property
    def columns(self) -> str:
        """As SQL."""
        return ", ".join(
            quoted(key.lstrip("-")) + (" DESC" if key.startswith("-") else "") for key in self.keys
        )

    def sql(self, *, concurrently: bool = True) -> str:
        """The statement that builds it."""
        how = "INDEX CONCURRENTLY" if concurrently else "INDEX"
        return f"CREATE {how} {quoted(self.name)} ON {quoted(self.schema, self.table)} ({self.columns})"

    @property
    def line(self) -> str:
        """The line of the model's Meta.indexes, by the names of columns."""
        fields = ", ".join(f'"{key}"' for key in self.keys)
        return f'models.Index(fields=[{fields}], name="{self.name}")'


def proposals(plan: dict[str, Any]) -> list[Proposal]:
    """One for each table that the plan reads whole and of which it throws rows away or sorts them."""
    return list(_walk(plan, []))


def _walk(node: dict[str, Any], order: Sequence[str]) -> Iterator[Proposal]:
    kept = list(order) if node["Node Type"] in PASSED_ON else []
    if "Sort Key" in node:
        kept = list(node["Sort Key"])
    if node["Node Type"] == "Seq Scan" and (found := _proposal(node, list(order))):
        yield found
    for part in node.get("Plans", ()):
        yield from _walk(part, kept)


def _proposal(node: dict[str, Any], order: Sequence[str]) -> Proposal | None:
    condition = str(node.get("Filter", ""))
    if " OR " in condition:
        return None  # takes an index for each side, which is another matter
    seen = [found for found in CONDITION.finditer(condition) if _bare(found["alias"]) == node["Alias"]]
    equal = list(dict.fromkeys(_bare(each["column"]) for each in seen if each["sign"] == "="))
    ranges = list(dict.fromkeys(_bare(each["column"]) for each in seen if each["sign"] != "="))
    keys = [*equal, *(_ordered(order, node["Alias"], equal) or ranges[:1])][:MOST_COLUMNS]
    given = tuple((each["parameter"], _bare(each["column"])) for each in seen if each["parameter"])
    if not seen or not keys:
        return None
    return Proposal(node["Schema"], node["Relation Name"], tuple(keys), given, guessed=not equal)


def _ordered(order: Sequence[str], alias: str, equal: Sequence[str]) -> list[str]:
    """The order wanted as further keys; none where anything else than a column of this table is in it."""
    found = [ORDER.fullmatch(each) for each in order]
    if not all(each and _bare(each["alias"]) == alias for each in found):
        return []
    keys = [("-" if each["down"] else "") + _bare(each["column"]) for each in found if each]
    return [key for key in keys if key.lstrip("-") not in equal]


def _bare(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
