"""Checks: one fault each, one file each. A module in this package with a function `run(context)` is a check; its name
is the module's, its title the first line of its docstring. docs/reference/checks/ has a page for each. Where it says
`LIVE = True` it asks of this very moment, costs next to nothing, and is made twice a minute besides."""

import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module

from dbperf.catalog.server import Capabilities, capabilities
from dbperf.connections import Database, Unavailable
from dbperf.findings import Finding, worst_first


@dataclass(frozen=True)
class Context:
    """What a check may ask: the database watched, what it lets us know, and where our history is kept."""

    database: Database
    capabilities: Capabilities
    store: str = "default"
    build_on: Database | None = None  # where an index may be built on trial and taken back; nowhere


@dataclass(frozen=True, slots=True)
class Check:
    """A check found in the package."""

    name: str
    title: str
    run: Callable[[Context], Iterator[Finding]]
    live: bool = False


@dataclass(frozen=True, slots=True)
class Skipped:
    """A check that could not be made, and why."""

    check: str
    reason: str


@dataclass(slots=True)
class Outcome:
    """What a round of checks found, worst first, and what it could not look at."""

    findings: list[Finding] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


@cache
def found() -> dict[str, Check]:
    """Every check of the package, by name."""
    names = sorted(
        module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")
    )
    modules = {name: import_module(f"{__name__}.{name}") for name in names}
    return {
        name: Check(
            name,
            (module.__doc__ or name).strip().splitlines()[0].rstrip("."),
            module.run,
            getattr(module, "LIVE", False),
        )
        for name, module in modules.items()
    }


def live() -> list[str]:
    """The names of those that ask of this moment."""
    return [name for name, check in found().items() if check.live]


def context(database: Database, *, store: str = "default", build_on: Database | None = None) -> Context:
    """Asks the server what it is, once for all checks."""
    return Context(database, capabilities(database), store, build_on)


def run(asked: Context, names: Sequence[str] = ()) -> Outcome:
    """Runs the named checks, or all. One that PostgreSQL does not answer is skipped with the reason; the rest go on."""
    outcome = Outcome()
    for check in found().values():
        if names and check.name not in names:
            continue
        try:
            outcome.findings.extend(check.run(asked))
        except Unavailable as error:
            outcome.skipped.append(Skipped(check.name, str(error)))
    outcome.findings = worst_first(outcome.findings)
    return outcome
