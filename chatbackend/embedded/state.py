"""The directory that one checkout keeps its data in, and who may use it at the moment."""

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from chatbackend.embedded.errors import EmbeddedError

ENVIRONMENT = "environment"


def claim(state: Path) -> IO[str]:
    """Take the directory for this process, for as long as the returned file is open. Raises `EmbeddedError`
    naming the process that has it."""
    try:
        state.mkdir(parents=True, exist_ok=True)
        state.chmod(0o711 if os.geteuid() == 0 else 0o700)
        lock = (state / "lock").open("a+")
    except PermissionError:
        owner = state.stat().st_uid if state.exists() else "another user"
        raise EmbeddedError(
            f"{state} belongs to user {owner}: run as that user, or move the directory away"
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        pid = lock.read().strip() or "unknown"
        lock.close()
        raise EmbeddedError(
            f"It already runs from this directory, as process {pid}: stop that one first"
        ) from None
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def publish(state: Path, variables: Mapping[str, str]) -> None:
    """Write the addresses for `manage.py` in other terminals, while this runs."""
    path = state / ENVIRONMENT
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "w") as file:
        file.writelines(f"{name}={value}\n" for name, value in variables.items())


def withdraw(state: Path) -> None:
    """Take the addresses back."""
    (state / ENVIRONMENT).unlink(missing_ok=True)
