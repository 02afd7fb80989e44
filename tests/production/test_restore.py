"""Backups as backup.sh makes them, of the run's own PostgreSQL, and what comes back out of them."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connection

from chatbackend.embedded.processes import spawn, stop
from tests import factories, services
from tests.production import compose
from tests.replication import Replica

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not services.STARTED, reason="needs the run's own PostgreSQL"),
]
PATIENCE_S = 20.0
SETTINGS = "postgresql.auto.conf"
WRITTEN = """
    SELECT pg_current_wal_insert_lsn() <= flush_lsn FROM pg_stat_replication WHERE application_name = 'pg_receivewal'"""


@dataclass
class Backups:
    """A folder of them, kept by the user that PostgreSQL runs as."""

    place: Path
    keep: int = 1
    env: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        server = services.STARTED[0]
        self.account = server.account
        self.script = shutil.copy(compose.DEPLOY / "backup.sh", self.place)
        password = shutil.copy(server.state / "postgres_password", self.place)
        for path in (self.place, self.script, password):
            self.own(Path(path))
        self.env = {
            "PATH": f"{server.bin}:{os.defpath}",
            "BACKUPS": str(self.place),
            "BACKUP_KEEP": str(self.keep),
        }
        self.env |= {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGUSER": "postgres"}
        self.env["PGPASSWORD_FILE"] = str(password)

    def own(self, path: Path) -> None:
        """Theirs, where PostgreSQL runs as somebody else."""
        if self.account is not None:
            self.account.own(path)

    @property
    def copies(self) -> list[Path]:
        return sorted(self.place.glob("base/[0-9]*"))

    def run(self, *arguments: str | Path, **env: str) -> bool:
        """Whether it went well."""
        argv = ["sh", self.script, *arguments]
        user = self.account.as_popen() if self.account else {}
        return not subprocess.run(argv, env=self.env | env, cwd="/", check=False, **user).returncode

    @contextmanager
    def streaming(self) -> Iterator[None]:
        """The log is written down meanwhile."""
        with (self.place / "stream.log").open("wb") as log:
            argv = ["sh", str(self.script), "stream"]
            process = spawn(argv, output=log, env=self.env, cwd=Path("/"), account=self.account)
        try:
            yield
        finally:
            stop(process, signal.SIGTERM, within_s=5)
            with services.STARTED[0]._admin() as admin:
                admin.execute("SELECT pg_drop_replication_slot('backup')")


@pytest.fixture
def backups() -> Iterator[Backups]:
    """None yet."""
    place = Path(tempfile.mkdtemp(prefix="backups-", dir="/tmp"))
    yield Backups(place)
    shutil.rmtree(place, ignore_errors=True)


def _eventually(condition: Callable[[], bool]) -> bool:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


def _asked(statement: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
    return row[0] if row else None


def _said(server: Replica, room: UUID) -> list[str]:
    """By the restored server, once it has found its end."""
    ended = "SELECT NOT pg_is_in_recovery()"
    with server.session as session:
        assert _eventually(lambda: session.execute(ended).fetchone() == (True,))
    with server._admin(str(connection.settings_dict["NAME"])) as session:
        rows = session.execute("SELECT content FROM messages WHERE conversation_id = %s ORDER BY seq", [room])
        return [str(content) for (content,) in rows]


@contextmanager
def _started(backups: Backups, *, until: str = "") -> Iterator[Replica]:
    with tempfile.TemporaryDirectory(prefix="restored-", dir="/tmp") as name:
        state = Path(name)
        state.chmod(0o711)
        backups.own(state)
        for secret in ("postgres_password", "database_password"):
            shutil.copy(services.STARTED[0].state / secret, state)
        assert backups.run("restore", backups.copies[-1], state / "postgres", RESTORE_TO=until)
        server = Replica(state, bin=services.STARTED[0].bin)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _written(data: Path) -> str:
    """The settings that lie with the data."""
    return (data / SETTINGS).read_text()


def test_a_copy_and_the_log_bring_back_any_moment(backups: Backups) -> None:
    ann, bob = factories.persons(2)
    room = factories.direct(ann, bob)
    factories.say(ann, room, "before the copy")
    with backups.streaming():
        assert not backups.run("check")
        assert backups.run("base")
        assert backups.run("check")
        factories.say(ann, room, "after the copy")
        moment = str(_asked("SELECT clock_timestamp()"))
        factories.say(ann, room, "a mistake")
        assert _eventually(lambda: _asked(WRITTEN) is True)
    with _started(backups, until=moment) as server:
        assert _said(server, room) == ["before the copy", "after the copy"]
        assert "recovery_target" not in _written(
            server.data
        )  # a replica made of it would not go past that moment
    assert not backups.run("restore", backups.copies[-1], backups.place / "wal")  # nothing is written over
    assert not (backups.place / "wal" / backups.copies[-1].name).exists()
    with (backups.copies[-1] / SETTINGS).open("a") as file:  # as of a server that was restored once itself
        file.write(f"recovery_target_time = '{moment}'\n")
    with _started(backups) as server:
        assert _said(server, room) == ["before the copy", "after the copy", "a mistake"]


def test_a_log_that_stands_still_is_told(backups: Backups) -> None:
    assert not backups.run("flows")
    ann, bob = factories.persons(2)
    room = factories.direct(ann, bob)
    with backups.streaming():
        assert _eventually(lambda: backups.run("flows"))
        for path in backups.place.glob("wal/*.partial"):
            os.utime(path, times=(long_ago := time.time() - 700, long_ago))
        assert not backups.run("flows")
        factories.say(ann, room, "something to write down")
        assert _eventually(lambda: backups.run("flows"))


def test_what_is_older_goes(backups: Backups) -> None:
    with backups.streaming():
        assert _eventually(lambda: any(backups.place.glob("wal/*.partial")))
        assert backups.run("base")
    (newest,) = backups.copies
    (first,) = re.findall(r"START WAL LOCATION: .*file (\w+)", (newest / "backup_label").read_text())
    older, unneeded = newest.with_name("20200101T000000Z"), backups.place / "wal" / f"{0:024X}"
    older.mkdir()
    unneeded.touch()
    backups.own(older)
    written = {path.name for path in backups.place.glob("wal/*")}
    assert backups.run("prune")
    assert backups.copies == [newest]
    assert (
        {path.name for path in backups.place.glob("wal/*")}
        == {name for name in written if name >= first}
        != set()
    )
