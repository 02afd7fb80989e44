"""Messages to be read by people: pages of HTML without a script, that need nothing from anywhere."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final
from urllib.parse import quote

PER_PAGE: Final = 1_000  # messages

_HEAD = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src 'self'">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #1b1b1f; }}
article {{ margin: 0 0 1rem; }} header {{ color: #555; font-size: .85rem; }} header b {{ color: #1b1b1f; }}
p {{ margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }} .gone {{ color: #777; font-style: italic; }}
nav a {{ margin-right: 1rem; }} @media (prefers-color-scheme: dark) {{
body {{ background: #17171a; color: #e8e8ea; }} header b {{ color: #e8e8ea; }} header {{ color: #aaa; }}
a {{ color: #9ab8ff; }} }}
</style>
<h1>{title}</h1>
"""


def head(title: str) -> str:
    """How a page begins."""
    return _HEAD.format(title=escape(title))


def message(one: Mapping[str, Any], *, title: str, paths: Mapping[str, str]) -> str:
    """A message. `paths` are those of its files that lie in the archive, by their ids."""
    sender = one["sender"]["display_name"] if one["sender"] else ""
    edited = " (edited)" if one["edited_at"] else ""
    when = f'<time datetime="{one["sent_at"]}">{one["sent_at"][:19].replace("T", " ")} UTC</time>'
    about = f"<b>{escape(sender)}</b> {when}{edited} {escape(title)}".rstrip()
    body = f"<p>{escape(one['content'])}</p>" if one["content"] else ""
    if one["deleted_at"]:
        body = '<p class="gone">deleted</p>'
    files = "".join(_file(file, paths.get(file["id"])) for file in one["attachments"])
    reactions = " ".join(f"{each['emoji']} {each['count']}" for each in one["reactions"])
    more = f"<p>{escape(reactions)}</p>" if reactions else ""
    return f"<article><header>{about}</header>{body}{files}{more}</article>\n"


def _file(file: Mapping[str, Any], path: str | None) -> str:
    name = escape(file["name"])
    return f'<p><a href="../{quote(path)}" download>{name}</a></p>' if path else f"<p>{name} (left out)</p>"


def index(title: str, told: Sequence[str], pages: Sequence[tuple[str, str]]) -> str:
    """The first page: what this is, and where the messages are."""
    lines = "".join(f"<p>{escape(line)}</p>\n" for line in told)
    links = "".join(f'<li><a href="{escape(name)}">{escape(label)}</a></li>\n' for name, label in pages)
    return f"{head(title)}{lines}<ul>\n{links}</ul>\n"
