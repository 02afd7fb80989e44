"""PostgreSQL refuses to run as root, so root needs another user for it."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = "chatbackend-pg"


@dataclass(frozen=True)
class Account:
    """A system user to run a server as."""

    name: str
    uid: int
    gid: int

    def as_popen(self) -> dict[str, Any]:
        """The arguments of `subprocess.Popen` that switch to it."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can(self, *argv: str | Path) -> bool:
        """Whether the command succeeds as this user: tried, since modes, ACLs and mounts all count."""
        return _succeeds([str(part) for part in argv], **self.as_popen())

    def can_enter(self, directory: Path) -> bool:
        """Whether this user can reach the directory."""
        return self.can("/bin/sh", "-c", 'cd "$1"', "sh", directory)

    def own(self, path: Path) -> None:
        """Give the file or directory to this user."""
        os.chown(path, self.uid, self.gid)


def server_account() -> Account | None:
    """The user that PostgreSQL must run as: None (ourselves) unless we are root. A user of its own is made
    where `useradd` exists, else it is `nobody`."""
    if os.geteuid() != 0:
        return None
    entry = _entry(NAME) or _made() or _entry("nobody")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid) if entry else Account("65534", 65534, 65534)


def _entry(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _made() -> pwd.struct_passwd | None:
    useradd = shutil.which("useradd")
    options = [
        "--system",
        "--user-group",
        "--no-create-home",
        "--home-dir",
        "/nonexistent",
        "--shell",
        "/bin/false",
    ]
    if useradd is None or not _succeeds([useradd, *options, NAME]):
        return _entry(NAME)  # another process may have been quicker
    return _entry(NAME)


def _succeeds(argv: Sequence[str], **options: Any) -> bool:
    try:
        finished = subprocess.run(
            argv,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=20,
            check=False,
            **options,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return finished.returncode == 0
