"""The last that a process does."""

from collections.abc import Callable
from multiprocessing.util import Finalize


def at_end(do: Callable[[], object]) -> None:
    """As `atexit`, and also in a process of `multiprocessing`, which ends without asking that, as Granian's workers do.
    A fork leaves what its parent was to do."""
    Finalize(None, do, exitpriority=0)
