"""PostgreSQL and Redis really stopped under a running web server."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from chatbackend.embedded.postgres import DATABASE, Postgres
from chatbackend.embedded.redis import Redis
from tests.server import ROOT, Server


@pytest.fixture(scope="module")
def own() -> Iterator[tuple[Postgres, Redis]]:
    """Databases that the tests may stop. Each leaves them running."""
    place = Path(tempfile.mkdtemp(prefix="away-", dir="/tmp"))
    place.chmod(0o711)
    postgres, redis = Postgres(place, throwaway=True), Redis(place)
    for server in (postgres, redis):
        server.start()
    yield postgres, redis
    for server in (redis, postgres):
        server.stop()
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="module")
def web(own: tuple[Postgres, Redis], static_files: None) -> Iterator[Server]:
    """A web server on them."""
    postgres, redis = own
    server = Server(database=DATABASE, settings={"DATABASE_URL": postgres.url, "REDIS_URL": redis.url})
    subprocess.run([sys.executable, "manage.py", "migrate", "-v", "0"], cwd=ROOT, env=server.env, check=True)
    server.start()
    yield server
    server.stop()
    server.log.unlink()


def sign_in(web: Server) -> httpx.Response:
    """A request that needs the database."""
    body = {"username": "nobody", "password": "wrong"}
    return httpx.post(f"{web.base_url}/api/v1/auth/token", json=body, timeout=20)


def eventually(condition: Callable[[], bool], within_s: float = 10) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.slow
def test_postgresql_away_and_back(web: Server, own: tuple[Postgres, Redis]) -> None:
    postgres, _ = own
    assert sign_in(web).status_code == 401

    postgres.stop()
    assert eventually(lambda: httpx.get(f"{web.base_url}/health/ready").status_code == 503)
    ready = httpx.get(f"{web.base_url}/health/ready")
    assert ready.headers["Retry-After"] == "2"
    assert ready.json()["code"] == "database_unavailable"
    assert httpx.get(f"{web.base_url}/health/live").status_code == 200
    assert httpx.get(f"{web.base_url}/health").json()["dependencies"]["postgresql"] == "unavailable"
    started = time.monotonic()
    refused = sign_in(web)
    assert time.monotonic() - started < 8  # less than a pool that is merely busy is waited for
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")
    assert refused.json()["code"] == "database_unavailable"
    assert "127.0.0.1" not in refused.text

    postgres.start()
    assert eventually(lambda: sign_in(web).status_code == 401)
    assert eventually(lambda: httpx.get(f"{web.base_url}/health/ready").status_code == 200)


@pytest.mark.slow
def test_redis_away_is_only_slower(web: Server, own: tuple[Postgres, Redis]) -> None:
    _, redis = own
    redis.stop()
    assert eventually(lambda: httpx.get(f"{web.base_url}/health/ready").json() == {"status": "degraded"})
    assert httpx.get(f"{web.base_url}/health/ready").status_code == 200
    assert sign_in(web).status_code == 401
    redis.start()
    assert eventually(lambda: httpx.get(f"{web.base_url}/health/ready").json() == {"status": "ok"})
