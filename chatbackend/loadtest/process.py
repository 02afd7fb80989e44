"""The process that makes the load, from the side of the one that started it, and what it needs."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

Say = Callable[[str], None]


class LoadTestError(Exception):
    """It could not be run; the text says why."""


def require(module: str, remedy: str) -> None:
    """Raises LoadTestError where it is not installed."""
    if importlib.util.find_spec(module) is None:
        raise LoadTestError(f"{module} is not installed: {remedy}")


def socket_url(url: str) -> str:
    """Where the sockets of a deployment are. Raises LoadTestError."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise LoadTestError(f"{url} is not an address like http://127.0.0.1:8000")
    return f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}/ws/chat"


@contextmanager
def client_process(module: str, load: Any) -> Iterator[Iterator[str]]:
    """The lines that the client writes; it is `module`, and reads `load`, a dataclass, as JSON.

    Raises LoadTestError with the last line of its complaint.
    """
    argv = [sys.executable, "-m", module]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=Path(settings.BASE_DIR), env=_environment()
    ) as process:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise LoadTestError("the client has no pipes")
        try:
            json.dump(asdict(load), process.stdin)
            process.stdin.close()
            yield iter(process.stdout)
        except BaseException:
            process.terminate()
            raise
        complaint = process.stderr.read().strip().splitlines()
        if process.wait() != 0:
            raise LoadTestError(f"the client failed: {complaint[-1] if complaint else process.returncode}")


def _environment() -> dict[str, str]:
    """No secrets of ours: the client needs none."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
