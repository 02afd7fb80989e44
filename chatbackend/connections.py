"""How the addresses of PostgreSQL, Redis and the mail server become what their clients take."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit


def session_options(values: Mapping[str, object]) -> str:
    """Settings of the database session in libpq's `options` form: they cost no statement and survive the
    pool, which has no reset hook that would undo a SET."""
    return " ".join(f"-c {name}={_escaped(str(value))}" for name, value in values.items())


def database(url: str, *, options: Mapping[str, object]) -> dict[str, Any]:
    """Django's database settings for `postgresql://user:password@host:port/name?sslmode=…`. What the URL's
    query says is added to `options`; a session `options` string is put after ours, so that it wins."""
    parts = urlsplit(url)
    extra = dict(parse_qsl(parts.query))
    merged = {**options, **extra}
    if "options" in options and "options" in extra:
        merged["options"] = f"{options['options']} {extra['options']}"
    return {
        "ENGINE": "chatbackend.postgres",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": merged,
    }


def unpooled(
    url: str, *, options: Mapping[str, object], name: str, session: Mapping[str, object]
) -> dict[str, Any]:
    """Django's database settings for a connection of its own kind: `session` instead of the session settings in
    `options`, its own application name, no pool."""
    own = {**options, "application_name": name, "options": session_options(session)}
    own.pop("pool", None)
    return {**database(url, options=own), "CONN_MAX_AGE": 0}


def redis_database(url: str, number: int) -> str:
    """The same server's logical database `number`."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{number}"))


class MailServer(NamedTuple):
    """Where mail goes. `starttls`: encrypted after the first words; `tls`: from the first byte on."""

    host: str
    port: int
    user: str
    password: str
    starttls: bool
    tls: bool


MAIL_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


def mail_server(url: str) -> MailServer:
    """Of `smtp+starttls://user:password@host:587`."""
    parts = urlsplit(url)
    return MailServer(
        host=parts.hostname or "",
        port=parts.port or MAIL_PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        starttls=parts.scheme == "smtp+starttls",
        tls=parts.scheme == "smtps",
    )


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
