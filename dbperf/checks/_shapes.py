"""What an index consists of, comparable among indexes."""

from dbperf.connections import Row

REVERSED = 3  # pg_index.indoption: DESC and NULLS FIRST together are the order read backwards


class Shape:
    """A valid index out of `catalog.indexes.shapes`."""

    def __init__(self, row: Row) -> None:
        self.schema: str = row["schema"]
        self.table: str = row["table"]
        self.name: str = row["name"]
        self.method: str = row["method"]
        self.size_bytes: int = row["size_bytes"]
        self.scans: int = row["scans"]
        self.needed: bool = row["is_needed"]  # by a constraint, as unique, as identity of a replica
        self.definition: str = row["definition"]
        self.keys: tuple[str, ...] = tuple(row["keys"])
        self.included = frozenset(row["included"])
        self._predicate: str = row["predicate"]
        self._options: tuple[int, ...] = tuple(row["options"])

    @property
    def identity(self) -> object:
        """Equal for two indexes that hold the same: also where one is the other read backwards."""
        return (self._place, self.keys, _forwards(self._options), self.included)

    def begins(self, other: "Shape") -> bool:
        """Whether every search by this index can go by the other one, whose columns begin with this one's."""
        length = len(self.keys)
        return (
            self.method == "btree"
            and self._place == other._place
            and length < len(other.keys)
            and self.keys == other.keys[:length]
            and _forwards(self._options) == _forwards(other._options[:length])
            and self.included <= other.included | {key.split("|")[0] for key in other.keys}
        )

    @property
    def _place(self) -> object:
        return (self.schema, self.table, self.method, self._predicate)


def _forwards(options: tuple[int, ...]) -> tuple[int, ...]:
    """The order or its reverse, whichever sorts first: a btree is read either way."""
    return min(options, tuple(option ^ REVERSED for option in options))
