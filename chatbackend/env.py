"""Typed readers of the environment. A value that cannot be used is refused by the name of its variable."""

import base64
import json
import os
import re
import secrets
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE: Final = frozenset({"1", "true", "yes", "on"})
FALSE: Final = frozenset({"0", "false", "no", "off"})


class Variable(NamedTuple):
    """What a reader was asked for."""

    kind: str
    default: str


READ: Final[dict[str, Variable]] = {}
"""Every variable that was asked for: the reference page is held against it."""


def text(name: str, default: str = "", *, choices: tuple[str, ...] = ()) -> str:
    """A string; one of `choices` where given."""
    value = _value(name, "text", default)
    if choices and value not in choices:
        raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}")
    return value


def boolean(name: str, *, default: bool) -> bool:
    """on, true, yes, 1 or off, false, no, 0."""
    value = _value(name, "boolean", "on" if default else "off").lower()
    if value not in TRUE | FALSE:
        raise ImproperlyConfigured(f"{name} must be on or off, not {value!r}")
    return value in TRUE


def integer(name: str, default: int, *, minimum: int = 0, maximum: int | None = None) -> int:
    """A whole number within the bounds."""
    value = _value(name, "integer", str(default))
    return _within(name, _integer(name, value), minimum, maximum)


def number(name: str, default: float, *, minimum: float = 0.0, maximum: float = float("inf")) -> float:
    """A finite number within the bounds."""
    value = _value(name, "number", str(default))
    try:
        result = float(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a number, not {value!r}") from None
    if not minimum <= result < float("inf"):
        raise ImproperlyConfigured(f"{name} must be a finite number of at least {minimum:g}, not {value!r}")
    if result > maximum:
        raise ImproperlyConfigured(f"{name} must be at most {maximum:g}, not {value!r}")
    return result


def seconds(name: str, default_ms: int, *, minimum_ms: int = 0) -> float:
    """A variable in whole milliseconds, returned in seconds."""
    value = _value(name, "milliseconds", str(default_ms))
    return _within(name, _integer(name, value), minimum_ms, None) / 1000


def items(name: str, default: str = "") -> list[str]:
    """A comma-separated list without empty entries."""
    return [item.strip() for item in _value(name, "list", default).split(",") if item.strip()]


def ports(name: str, default: str) -> list[int]:
    """A comma-separated list of port numbers."""
    return [_within(name, _integer(name, item), 1, 65_535) for item in items(name, default)]


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """A comma-separated list of networks in CIDR notation, or single addresses."""
    try:
        return [ip_network(item) for item in items(name)]
    except ValueError:
        raise ImproperlyConfigured(
            f"{name} must be networks such as 10.1.0.0/16, separated by commas"
        ) from None


def url(name: str, default: str = "", *, schemes: tuple[str, ...]) -> str:
    """A URL of one of the schemes with a host, or empty where that is the default. Never quoted in the
    refusal: it may carry a password."""
    value = _secret(name, default)
    READ[name] = Variable("url", default)
    if value == default:
        return value
    try:
        parts = urlsplit(value)
        usable = parts.scheme in schemes and (parts.hostname is not None or bool(parts.path))
        _ = parts.port
    except ValueError:
        usable = False
    if not usable:
        raise ImproperlyConfigured(
            f"{name} must be a URL that begins with {' or '.join(f'{s}://' for s in schemes)}"
        )
    return value


def secret(name: str, default: str = "") -> str:
    """A secret: the value of NAME, or the content of the file that NAME_FILE names."""
    value = _secret(name, default)
    READ[name] = Variable("secret", "")
    return value


def options(name: str) -> dict[str, Any]:
    """A JSON object, read as a secret: it may hold one. Empty where there is none."""
    try:
        value = json.loads(secret(name) or "{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ImproperlyConfigured(f"{name} must be a JSON object")
    return value


def keys(name: str, *, size: int = 32) -> dict[str, bytes]:
    """`name:base64`, each on a line of its own or after a comma; in the order given. Never quoted in the refusal."""
    found: dict[str, bytes] = {}
    for line in filter(None, re.split(r"[\s,]+", secret(name))):
        label, _, text = line.partition(":")
        try:
            key = base64.b64decode(text, altchars=b"-_", validate=True)
        except ValueError:
            key = b""
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,32}", label) or len(key) != size or label in found:
            raise ImproperlyConfigured(
                f"{name} must be NAME:KEY, each name once and each key {size} random bytes in base64"
            )
        found[label] = key
    return found


def kept_secret(path: Path, *, size: int = 48) -> str:
    """The random secret kept in `path` (0600), made when first asked for, with the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with open(descriptor, "w") as file:
        value = secrets.token_urlsafe(size)
        file.write(value + "\n")
    return value


def load_file(path: Path) -> None:
    """Take NAME=value lines into the environment; what the environment already says stays."""
    if not path.is_file():
        return
    for number_, line in enumerate(path.read_text().splitlines(), start=1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.strip().isidentifier():
            raise ImproperlyConfigured(f"{path}, line {number_}: expected NAME=value")
        os.environ.setdefault(name.strip(), _unquoted(value.strip()))


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def _value(name: str, kind: str, default: str) -> str:
    READ[name] = Variable(kind, default)
    return os.environ.get(name, "").strip() or default


def _secret(name: str, default: str) -> str:
    READ[f"{name}_FILE"] = Variable("path", "")
    file = os.environ.get(f"{name}_FILE", "").strip()
    if not file:
        return _value(name, "secret", default)
    if os.environ.get(name, "").strip():
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set: leave one out")
    try:
        value = Path(file).read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE: cannot read {file}: {error.strerror}") from None
    if not value:
        raise ImproperlyConfigured(f"{name}_FILE: {file} is empty")
    return value


def _integer(name: str, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}") from None


def _within(name: str, value: int, minimum: int, maximum: int | None) -> int:
    if value < minimum or (maximum is not None and value > maximum):
        bounds = f"at least {minimum}" if maximum is None else f"between {minimum} and {maximum}"
        raise ImproperlyConfigured(f"{name} must be {bounds}, not {value}")
    return value
