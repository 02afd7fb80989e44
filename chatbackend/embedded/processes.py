"""Processes that end with us, however we end."""

import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import psutil

from chatbackend.embedded.account import Account

PR_SET_PDEATHSIG = 1
PORTS = range(10_000, 32_000)  # below what Linux (32768) and others (49152) hand out
TRIES = 100
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform.startswith("linux") else None


def spawn(
    argv: Sequence[str | Path],
    *,
    output: IO[bytes] | int,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    account: Account | None = None,
    end_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own (a Ctrl-C at the terminal is ours to pass on). On Linux the
    kernel sends it `end_signal` when this process dies, even by -9. Call it from the main thread: the kernel
    watches the thread that forked."""
    user: dict[str, Any] = account.as_popen() if account else {}
    return subprocess.Popen(
        [str(part) for part in argv],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=dict(env) if env is not None else None,
        cwd=cwd,
        start_new_session=True,
        preexec_fn=_die_with(os.getpid(), end_signal),
        **user,
    )


def _die_with(parent: int, end_signal: signal.Signals) -> Callable[[], None] | None:
    if _LIBC is None:
        return None

    def arrange() -> None:
        # Runs after the change of user, which would clear the arrangement.
        _LIBC.prctl(PR_SET_PDEATHSIG, int(end_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return arrange


def stop(process: subprocess.Popen[bytes], end_signal: signal.Signals | None, *, within_s: float) -> None:
    """Ask it to end (None: it was asked before); after `within_s` kill it and all it started."""
    if end_signal is not None and process.poll() is None:
        process.send_signal(end_signal)
    try:
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        kill_group(process.pid)
        process.wait()


def kill_group(pid: int) -> None:
    """Kill the session that `spawn` began with `pid`."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this moment.

    Not one of those that the kernel hands out: any connection that somebody opens may be given that the next moment.
    """
    for _ in range(TRIES):
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port := random.choice(PORTS)))
            return port
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_ready(
    process: subprocess.Popen[bytes], ready: Callable[[], bool], *, within_s: float, every_s: float = 0.05
) -> bool:
    """Wait until `ready()`; False when the process ended or the time ran out first."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return False
        if ready():
            return True
        time.sleep(every_s)
    return False


def end_leftover(pid: int, belongs: Callable[[psutil.Process], bool], *, end_signal: signal.Signals) -> None:
    """End process `pid` of an earlier run if it is still the one we mean (pids are used again)."""
    try:
        process = psutil.Process(pid)
        if not belongs(process):
            return
        process.send_signal(end_signal)
        try:
            process.wait(10)
        except psutil.TimeoutExpired:
            kill_group(pid)
            process.kill()
            process.wait(5)
    except psutil.NoSuchProcess:
        return


def tail(path: Path, lines: int = 15) -> str:
    """The last lines of a log, to go with an error."""
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
