"""How commands show what they do: a bar for people at a terminal, plain lines for logs; tables."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, cast

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table


class Advance(Protocol):
    """Tells that one more step is done, and what it was."""

    def __call__(self, text: str) -> None: ...


@contextmanager
def progress(output: Any, title: str, *, total: int) -> Iterator[Advance]:
    """Shows `total` steps on `output`: a bar on a terminal, else a line for each."""
    console = _console(output)
    if not console.is_terminal:
        done = 0

        def line(text: str) -> None:
            nonlocal done
            done += 1
            console.print(f"{title} {done}/{total}: {text}", highlight=False, markup=False, soft_wrap=True)

        yield line
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[step]}", markup=False), console=console) as bar:
        task = bar.add_task(title, total=total, step="")
        yield lambda text: bar.update(task, advance=1, step=text)


def table(output: Any, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Prints a table; every column but the first is taken for numbers. No names, no head."""
    drawn = Table(title=title, title_justify="left", show_header=any(columns))
    for place, name in enumerate(columns):
        drawn.add_column(name, justify="right" if place else "left")
    for row in rows:
        drawn.add_row(*(_text(cell) for cell in row))
    _console(output).print(drawn, markup=False)


def _text(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell)


def _console(output: Any) -> Console:
    """Over a command's `self.stdout` or `self.stderr`."""
    return Console(file=cast(Any, output))


def say(output: Any, text: str) -> None:
    """Prints a line as it is, however long."""
    _console(output).print(text, highlight=False, markup=False, soft_wrap=True)
