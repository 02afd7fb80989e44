"""What a server process takes, as the operating system tells."""

import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import psutil

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Reading(NamedTuple):
    """CPU seconds so far; resident and proportional memory in KiB. `pss_kb` counts shared pages by their share.
    `files`: open ones, sockets among them."""

    cpu_s: float
    rss_kb: int
    pss_kb: int
    files: int = 0


def read(pid: int | None) -> Reading | None:
    """Of a process and its children; None where it cannot be looked at."""
    if pid is None:
        return None
    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
        times = [each.cpu_times() for each in family]
        rss = sum(each.memory_info().rss for each in family) // 1024
        pss = sum(_pss_kb(each.pid) for each in family)
        files = sum(each.num_fds() for each in family)
    except (psutil.Error, OSError):
        return None
    return Reading(sum(each.user + each.system for each in times), rss, pss, files)


def _pss_kb(pid: int) -> int:
    found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(found[1]) if found else 0


def listener(url: str) -> int | None:
    """The process of this machine that answers at a URL, where there is one and it may be seen."""
    parts = urlsplit(url)
    if parts.hostname not in LOOPBACK:
        return None
    with suppress(psutil.Error, OSError):
        for each in psutil.net_connections("tcp"):
            if each.status == psutil.CONN_LISTEN and each.laddr[1:2] == (parts.port,):
                return each.pid
    return None
