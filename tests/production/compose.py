"""docker-compose.yml and what it leans on, read as data."""

import re
from pathlib import Path
from typing import Any

import yaml

from tests.server import ROOT

DEPLOY = ROOT / "docs" / "deploy"
OURS = re.compile(r"chatbackend-server:")
SECRETS = "/run/secrets/"

Service = dict[str, Any]


def project() -> dict[str, Any]:
    """The whole file, merged and without its fragments."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return {name: part for name, part in found.items() if not name.startswith("x-")}


def services() -> dict[str, Service]:
    """By name."""
    found: dict[str, Service] = project()["services"]
    return found


def ours() -> dict[str, Service]:
    """Those that run the project's own image."""
    return {name: service for name, service in services().items() if OURS.match(service["image"])}


def words(service: Service) -> list[str]:
    """Its command, as its words."""
    command = service["command"]
    return command.split() if isinstance(command, str) else list(command)


def environment(service: Service, *, host: str, secrets: Path) -> dict[str, str]:
    """What it is started with, where people use `host` and the secrets lie in this folder."""
    given = {
        name: re.sub(r"\$\{CHAT_HOST:\?[^}]*\}", host, text) for name, text in service["environment"].items()
    }
    return {name: text.replace(SECRETS, f"{secrets}/") for name, text in given.items()}


def ini() -> dict[str, str]:
    """The settings of PgBouncer."""
    return dict(re.findall(r"^(\w+) = (.*)$", (DEPLOY / "pgbouncer.ini").read_text(), re.MULTILINE))


def postgres_parameters() -> dict[str, str]:
    """The settings of PostgreSQL."""
    return dict(re.findall(r"^([\w.]+) = (.*)$", (DEPLOY / "postgresql.conf").read_text(), re.MULTILINE))
