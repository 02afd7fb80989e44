"""Our own PostgreSQL: made, configured, started, stopped."""

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from chatbackend.embedded import binaries
from chatbackend.embedded.account import Account, server_account
from chatbackend.embedded.errors import EmbeddedError
from chatbackend.embedded.processes import await_ready, end_leftover, free_port, spawn, stop, tail
from chatbackend.env import kept_secret
from dbperf.aliases import EXPLAIN, EXPLAIN_LOGIN

ELSEWHERE = Path("/var/lib/chatbackend")
DATABASE = ROLE = "chatbackend"
OWN_CONF = "chatbackend.conf"
MIB = 1024 * 1024
HAS_HYPOPG = "SELECT 1 FROM pg_available_extensions WHERE name = 'hypopg'"  # not in the wheel; Debian has it


@dataclass
class Postgres:
    """A server whose files live under `state` (a directory of the project, or of one test run).

    `throwaway`: durability is off and the data goes with the directory."""

    state: Path
    throwaway: bool = False
    notes: list[str] = field(default_factory=list)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None
    account: Account | None = field(default_factory=server_account)
    bin: Path = field(default_factory=binaries.postgres_bin)

    @property
    def data(self) -> Path:
        return self.state / "postgres"

    @property
    def log(self) -> Path:
        return self.state / "postgres.log"

    @property
    def url(self) -> str:
        """The address for the application: its own role, which owns its database and is no superuser."""
        password = quote(kept_secret(self.state / "database_password"), safe="")
        return f"postgresql://{ROLE}:{password}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def explain_url(self) -> str:
        """The address for plans of statements that staff type in: a login that may read what `db_setup` grants it."""
        password = quote(kept_secret(self.state / "explain_password"), safe="")
        return f"postgresql://{EXPLAIN}:{password}@127.0.0.1:{self.port}/{DATABASE}"

    def start(self) -> None:
        """Make it if need be, start it, and wait until it answers. Raises `EmbeddedError`."""
        self.state.mkdir(parents=True, exist_ok=True)
        self._reach()
        fresh = not (self.data / "PG_VERSION").is_file()
        if fresh:
            self._initialise()
        else:
            self._check_version()
            self._end_leftover()
        self._serve()
        self._prepare()

    def stop(self) -> None:
        """Fast shutdown: sessions are ended, everything committed stays."""
        if self.process is not None:
            stop(self.process, signal.SIGINT, within_s=4)
            self.process = None

    def _reach(self) -> None:
        """As root: make sure that the other user can reach programs and data, without opening up any
        directory of the user's; where it cannot, both live under /var/lib/chatbackend."""
        if self.account is None:
            return
        place = ELSEWHERE / hashlib.sha256(str(self.state.resolve()).encode()).hexdigest()[:12]
        if not self.account.can(self.bin / "postgres", "--version"):
            self.bin = binaries.copied_for_others(
                self.bin, _public(ELSEWHERE) / f"postgresql-{_fingerprint(self.bin)}"
            )
        if not self.data.is_symlink() and not self.account.can_enter(self.state):
            _public(place)
            self.data.symlink_to(place / "postgres")
            self.notes.append(
                f"{self.account.name} cannot reach {self.state}: the data is in {place}/postgres"
            )

    def _initialise(self) -> None:
        directory = self.data.resolve()
        if directory.exists():
            shutil.rmtree(directory)  # an initdb that was cut short: there is no PG_VERSION in it
        directory.mkdir(mode=0o700)
        if self.account is not None:
            self.account.own(directory)
        with tempfile.NamedTemporaryFile("w", prefix="chatbackend-", dir=_reachable_temp()) as password:
            password.write(kept_secret(self.state / "postgres_password") + "\n")
            password.flush()
            if self.account is not None:
                self.account.own(Path(password.name))
            self._run_initdb(directory, password.name)

    def _run_initdb(self, directory: Path, password_file: str) -> None:
        argv: list[str | Path] = [
            self.bin / "initdb",
            "-D",
            directory,
            "-U",
            "postgres",
            "--pwfile",
            password_file,
        ]
        argv += [
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--locale=C.UTF-8" if self._has_c_utf8() else "--locale=C",
        ]
        if self.throwaway:
            argv.append("--no-sync")
        with self.log.open("wb") as log:
            code = spawn(argv, output=log, account=self.account, cwd=Path("/"), env=_environment()).wait()
        if code != 0:
            raise EmbeddedError(f"initdb failed:\n{tail(self.log)}")

    def _has_c_utf8(self) -> bool:
        found = (
            subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False)
            if shutil.which("locale")
            else None
        )
        return found is not None and any(
            line.lower() in {"c.utf8", "c.utf-8"} for line in found.stdout.split()
        )

    def _check_version(self) -> None:
        made_by = int((self.data / "PG_VERSION").read_text())
        ours = binaries.major_version(self.bin)
        if made_by != ours:
            raise EmbeddedError(
                f"{self.data} was made by PostgreSQL {made_by}, the server here is PostgreSQL {ours}.\n"
                f"To keep the data: dump it with PostgreSQL {made_by} (pg_dump), move {self.data} away,"
                " start again and restore the dump.\n"
                f"To start empty: move {self.data} away. To use another server: set DATABASE_URL."
            )

    def _end_leftover(self) -> None:
        """A postmaster of a run that was killed: on Linux it is already on its way out, elsewhere not."""
        lock = self.data / "postmaster.pid"
        try:
            pid = int(lock.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return
        data = str(self.data.resolve())
        end_leftover(pid, lambda process: data in process.cmdline(), end_signal=signal.SIGINT)
        lock.unlink(missing_ok=True)

    def _serve(self) -> None:
        ports = [self.port] if self.port else [free_port() for _ in range(3)]
        for port in ports:
            self.port = port
            if self._started():
                return
        raise EmbeddedError(f"PostgreSQL did not start ({self.log}):\n{tail(self.log)}")

    def _started(self) -> bool:
        self._configure()
        with self.log.open("wb") as log:
            self.process = spawn(
                [self.bin / "postgres", "-D", self.data.resolve()],
                output=log,
                account=self.account,
                cwd=Path("/"),
                env=_environment(),
                end_signal=signal.SIGINT,
            )
        if await_ready(self.process, self._answers, within_s=40):
            return True
        self.stop()
        return False

    def _configure(self) -> None:
        own = self.data / OWN_CONF
        own.write_text("".join(f"{name} = {value}\n" for name, value in self._parameters().items()))
        if self.account is not None:
            self.account.own(own)
        main = self.data / "postgresql.conf"
        line = f"include '{OWN_CONF}'\n"
        if line not in main.read_text():
            with main.open("a") as file:
                file.write(f"\n# Written at every start by the supervisor:\n{line}")

    def _parameters(self) -> dict[str, str]:
        memory = psutil.virtual_memory().total // MIB
        shared = 64 if self.throwaway else max(64, min(memory // 8, 2048))
        parameters = {
            "listen_addresses": "'127.0.0.1'",
            "port": str(self.port),
            "unix_socket_directories": "''",
            "max_connections": "100",
            "shared_buffers": f"{shared}MB",
            "effective_cache_size": f"{max(256, memory // 2)}MB",
            "work_mem": f"{max(4, min(memory // 512, 32))}MB",
            "maintenance_work_mem": f"{max(64, min(memory // 32, 512))}MB",
            "random_page_cost": "1.1",
            "max_wal_size": "2GB",
            "jit": "off",
            "shared_preload_libraries": "'pg_stat_statements'",
            "pg_stat_statements.track": "all",
            "track_io_timing": "on",
            "log_min_duration_statement": "'1s'",
            "log_parameter_max_length": "0",  # a slow statement's parameters are people's words
            "log_parameter_max_length_on_error": "0",
            "log_line_prefix": "'%m [%p] %a '",
            "log_timezone": "'UTC'",
            "timezone": "'UTC'",
        }
        if self.throwaway:
            parameters |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return parameters

    def _admin(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host="127.0.0.1",
            port=self.port,
            user="postgres",
            password=kept_secret(self.state / "postgres_password"),
            dbname=database,
            connect_timeout=2,
            autocommit=True,
        )

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError), self._admin():
            return True
        return False

    def _prepare(self) -> None:
        """The extensions that only a superuser may make (in the template, so that test databases have them
        too), the application's role and its database. Does nothing the second time."""
        for database in ("template1", "postgres"):
            with self._admin(database) as connection:
                connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
                connection.execute("CREATE EXTENSION IF NOT EXISTS pgstattuple")
                if connection.execute(HAS_HYPOPG).fetchone():
                    connection.execute("CREATE EXTENSION IF NOT EXISTS hypopg")
        with self._admin() as connection:
            role, password = sql.Identifier(ROLE), sql.Literal(kept_secret(self.state / "database_password"))
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(role))
                connection.execute(sql.SQL("GRANT pg_monitor, pg_stat_scan_tables TO {}").format(role))
            connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, password))
            self._prepare_explain(connection)
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), role)
                )

    def _prepare_explain(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        """As `db_setup` has it made by a superuser; the application grants it its tables."""
        role = sql.Identifier(EXPLAIN)
        password = sql.Literal(kept_secret(self.state / "explain_password"))
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [EXPLAIN]).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN NOINHERIT CONNECTION LIMIT 2").format(role))
        connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, password))
        for name, value in EXPLAIN_LOGIN.items():
            setting = sql.SQL("ALTER ROLE {} SET {} = {}")
            connection.execute(setting.format(role, sql.Identifier(name), sql.Literal(value)))


def _public(directory: Path) -> Path:
    """A directory of ours outside the project, which the umask must not close."""
    for each in (ELSEWHERE, directory):
        each.mkdir(parents=True, exist_ok=True)
        each.chmod(0o755)
    return directory


def _fingerprint(directory: Path) -> str:
    return hashlib.sha256(str(directory.stat().st_mtime_ns).encode() + str(directory).encode()).hexdigest()[
        :12
    ]


def _reachable_temp() -> str | None:
    """Root's TMPDIR may be closed to others; /tmp is not."""
    return "/tmp" if os.geteuid() == 0 else None  # noqa: S108 - the file has a random name and mode 0600


def _environment() -> dict[str, str]:
    """Nothing of ours: PG* variables and locales of the caller must not steer the server."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
