"""The reference page and .env.example say what the code reads, no more and no less."""

import re

import pytest

from chatbackend import env
from tests.server import ROOT

ROW = re.compile(r"^\| `(\w+)` \| (\w+) \|([^|]*)\| [^|]+ \|$", re.MULTILINE)
WITH_FIXED_DEFAULT = {"integer", "milliseconds", "number"}

# As it is when the tests are collected: later the tests of the readers ask for names of their own.
READ = {name: variable for name, variable in env.READ.items() if variable.kind != "path"}


@pytest.fixture(scope="module")
def documented() -> dict[str, tuple[str, str]]:
    page = (ROOT / "docs" / "reference" / "configuration.md").read_text()
    return {name: (kind, default.strip()) for name, kind, default in ROW.findall(page)}


def test_every_variable_is_documented(documented: dict[str, tuple[str, str]]) -> None:
    assert documented.keys() == READ.keys()


def test_types_are_right(documented: dict[str, tuple[str, str]]) -> None:
    assert {name: kind for name, (kind, _) in documented.items()} == {
        name: variable.kind for name, variable in READ.items()
    }


def test_numbers_are_right(documented: dict[str, tuple[str, str]]) -> None:
    numbers = {
        name: variable.default for name, variable in READ.items() if variable.kind in WITH_FIXED_DEFAULT
    }
    assert {name: documented[name][1] for name in numbers} == numbers


def test_the_example_names_every_variable() -> None:
    text = (ROOT / ".env.example").read_text()
    assert set(re.findall(r"^#?(\w+)=", text, re.MULTILINE)) - {"NAME_FILE"} == READ.keys()


def test_the_example_gives_the_documented_defaults(documented: dict[str, tuple[str, str]]) -> None:
    text = (ROOT / ".env.example").read_text()
    shown = dict(re.findall(r"^#(\w+)=(.*)$", text, re.MULTILINE))
    expected = {name: documented[name][1].removesuffix(" beside manage.py") for name in shown}
    assert shown == expected
