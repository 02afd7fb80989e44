"""What a check has to say, as a record. Text for people is made at the edge (pages, commands, mail)."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Level(StrEnum):
    """How bad it is: worth knowing, worth a task, worth getting up for."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return [Level.CRITICAL, Level.WARNING, Level.INFO].index(self)


@dataclass(frozen=True, slots=True)
class Remedy:
    """What to do: in words, as SQL to run, and as the line of a Django model. Empty where there is none."""

    text: str
    sql: str = ""
    model: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault of one subject (a table, an index, a session, a setting).

    `detail` is one sentence with its numbers; `evidence` the numbers themselves, with units in their names
    (`_bytes`, `_s`, `_pct`), as JSON can hold them.
    """

    check: str
    level: Level
    subject: str
    detail: str
    remedy: Remedy
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The same for the same fault tomorrow: to find it again, and to silence it by."""
        return f"{self.check}:{self.subject}"

    def as_json(self) -> dict[str, Any]:
        """The record with its key, ready for JSON."""
        return {"key": self.key, **asdict(self), "level": str(self.level), "evidence": dict(self.evidence)}


def worst_first(findings: list[Finding]) -> list[Finding]:
    """Sorted by level, then by key."""
    return sorted(findings, key=lambda finding: (finding.level.rank, finding.key))
