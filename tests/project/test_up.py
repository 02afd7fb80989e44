"""`make run`, really run."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import pytest

from chatbackend.embedded.processes import free_port
from tests.server import ROOT

READY_S = 90


@dataclass
class Machine:
    """One checkout's state, and the `up` that runs on it."""

    state: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def env(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "CHATBACKEND_ENV_FILE": os.devnull,
            "CHATBACKEND_STATE_DIR": str(self.state),
            "STATIC_ROOT": os.environ["STATIC_ROOT"],
            "PORT": str(self.port),
        }

    @property
    def output(self) -> str:
        return (self.state / "up.log").read_text()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        with (self.state / "up.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        assert self.until(lambda: "Ready on" in self.output, READY_S), self.output

    def until(self, condition: Callable[[], bool], within_s: float = 30) -> bool:
        """Wait for it, as long as `up` runs."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            if condition():
                return True
            if self.process is None or self.process.poll() is not None:
                return False
            time.sleep(0.1)
        return False

    def parts(self) -> list[psutil.Process]:
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def part(self, word: str) -> psutil.Process:
        """The process with that word in its command line, nearest to `up`."""
        return next(process for process in self.parts() if word in process.cmdline())

    def manage(self, *arguments: str) -> str:
        """`manage.py` as in another terminal, which knows nothing but the checkout."""
        finished = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            check=True,
        )
        return finished.stdout.strip()

    def again(self) -> subprocess.CompletedProcess[str]:
        """A second `up` beside the first."""
        return subprocess.run(
            [sys.executable, "manage.py", "up"],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )


@pytest.fixture
def machine(state: Path) -> Iterator[Machine]:
    made = Machine(state)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.wait()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_whole_life(machine: Machine) -> None:
    machine.start()
    assert signs_in(machine)
    told = [line for line in machine.output.rstrip().splitlines() if "chatbackend.audit" not in line]
    assert told[-1] == f"Ready on {machine.url}/ (Ctrl-C stops everything)"
    assert httpx.get(f"{machine.url}/health").json()["status"] == "ok"
    assert machine.manage("shell", "-v", "0", "-c", COUNT_USERS) == "4"

    # By the login that `up` makes and `prepare` grants its columns.
    assert "messages" in machine.manage("db_explain", "SELECT id FROM messages WHERE seq > 1")

    second = machine.again()
    assert second.returncode != 0
    assert machine.process is not None
    assert f"process {machine.process.pid}" in second.stderr

    for word, name in (("worker", "worker"), ("daphne", "web")):
        machine.part(word).kill()
        assert machine.until(lambda name=name: f"{name} runs again" in machine.output), machine.output  # type: ignore[misc]
    assert machine.until(lambda: answers(machine.url))
    killed_with_its_data_open(machine)

    parts = machine.parts()
    machine.process.send_signal(signal.SIGINT)
    started = time.monotonic()
    assert machine.process.wait(15) == 0
    assert time.monotonic() - started < 10
    assert psutil.wait_procs(parts, timeout=0)[1] == []
    assert not (machine.state / "environment").exists()


def signs_in(machine: Machine) -> bool:
    """One of the accounts, with the password that was told."""
    (password,) = re.findall(r"password: (\S+)\n", machine.output)
    body = {"username": "alice", "password": password}
    return httpx.post(f"{machine.url}/api/v1/auth/token", json=body, timeout=30).is_success


def killed_with_its_data_open(machine: Machine) -> None:
    """-9 for the supervisor: nothing is left over, and the next start finds the data."""
    assert machine.process is not None
    parts = machine.parts()
    machine.process.kill()
    machine.process.wait()
    assert psutil.wait_procs(parts, timeout=15)[1] == []
    machine.start()
    assert "Made the accounts" not in machine.output
    assert signs_in(machine)


def test_a_taken_port_is_named_before_anything_starts(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        machine.port = taken.getsockname()[1]
        refused = machine.again()
    assert refused.returncode != 0
    assert f"port {machine.port}" in refused.stderr
    assert f"make run PORT={machine.port + 1}" in refused.stderr
    assert "Starting" not in refused.stdout
    assert not (machine.state / "postgres").exists()


COUNT_USERS = "from conversations.models import User; print(User.objects.count())"


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready").is_success
    except httpx.TransportError:
        return False
