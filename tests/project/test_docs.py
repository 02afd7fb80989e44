"""The documentation hangs together: reachable pages, links that lead somewhere, commands that exist, reasons."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands

from tests.server import ROOT

DOCS = ROOT / "docs"
INDEX = DOCS / "index.md"
DECISIONS = sorted((DOCS / "decisions").glob("*.md"))
PAGES = sorted(DOCS.rglob("*.md"))
TEXTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *PAGES]

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)
MAKE = re.compile(r"\bmake ((?:[a-z]+ ?)+)")
MANAGE = re.compile(r"manage\.py (\w+)")
PARTS = ("Rule", "Why", "What it forbids", "Alternatives")


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _prose(path: Path) -> str:
    """The page without its code samples, in which `#` and brackets mean something else."""
    return FENCE.sub("", path.read_text())


def _shell(path: Path) -> str:
    return "\n".join(code for language, code in FENCE.findall(path.read_text()) if language == "sh")


def _anchors(path: Path) -> set[str]:
    """As GitHub makes them: lower case, punctuation dropped, blanks to hyphens."""
    plain = (re.sub(r"[^\w\- ]", "", title).lower() for _, title in HEADING.findall(_prose(path)))
    return {title.strip().replace(" ", "-") for title in plain}


def _internal(path: Path) -> Iterator[tuple[Path, str]]:
    """Where the page's links inside the project lead: file and anchor."""
    for target in LINK.findall(_prose(path)):
        if "://" not in target and not target.startswith("mailto:"):
            file, _, anchor = target.partition("#")
            yield (path.parent / file).resolve() if file else path, anchor


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("path", TEXTS, ids=_name)
def test_links_lead_somewhere(path: Path) -> None:
    for file, anchor in _internal(path):
        assert file.exists(), f"{_name(path)} links to {file}, which is not there"
        if anchor:
            assert anchor in _anchors(file), f"{_name(path)} links to #{anchor} of {file.name}"


@pytest.mark.parametrize("path", TEXTS, ids=_name)
def test_one_title_a_page(path: Path) -> None:
    levels = [len(marks) for marks, _ in HEADING.findall(_prose(path))]
    assert levels[:1] == [1]
    assert levels.count(1) == 1


def test_every_page_is_reachable_from_the_index() -> None:
    seen, todo = {INDEX}, [INDEX]
    while todo:
        linked = {file for file, _ in _internal(todo.pop()) if file.suffix == ".md"} - seen
        seen |= linked
        todo.extend(linked)
    assert [_name(page) for page in PAGES if page not in seen] == []


@pytest.mark.parametrize("path", TEXTS, ids=_name)
def test_shell_samples_name_what_exists(path: Path) -> None:
    code = _shell(path)
    asked = {word for words in MAKE.findall(code) for word in words.split()}
    assert asked <= _targets()
    assert set(MANAGE.findall(code)) <= get_commands().keys()


def test_the_readme_names_both_commands() -> None:
    assert {"make run", "make test"} <= set(_shell(ROOT / "README.md").splitlines())


NAMED_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_tests_that_pages_lean_on_exist() -> None:
    named = {found for page in PAGES for found in NAMED_TEST.findall(page.read_text())}
    assert len(named) > 20
    assert [
        f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / file).read_text()
    ] == []


def test_every_dependency_has_a_reason() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pinned = {found[1] for line in lines if (found := re.match(r"([A-Za-z0-9_-]+)(?:\[[\w,]+\])?==", line))}
    told = set(re.findall(r"`([\w-]+)`", "\n".join(path.read_text() for path in DECISIONS)))
    assert pinned
    assert pinned - told == set()


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_decisions_have_their_parts(path: Path) -> None:
    text = path.read_text()
    assert text.startswith(f"# {path.stem[:4]}. ")
    assert [part for part in PARTS if f"**{part}.**" not in text] == []


def test_decisions_are_numbered_without_gaps() -> None:
    assert [int(path.stem[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))


def test_the_map_of_the_readme_has_every_package() -> None:
    packages = {f"{each.parent.name}/" for each in ROOT.glob("*/__init__.py")}
    assert packages == set(re.findall(r"^\| `(\w+/)` \|", (ROOT / "README.md").read_text(), re.MULTILINE)) - {
        "docs/"
    }
