"""What people wrote there, in our words: names for ids, plain links, emojis for their codes. Pure."""

import html
import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from emoji import emojize

from messaging.emojis import spelled

_CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
_CODED_EMOJI = re.compile(r":([a-z0-9_+\-']{1,60}):(?::skin-tone-([2-6]):)?")
_BRACKETS = re.compile(r"<([^<>\n]*)>")
_SLACK_NAMES = {"simple_smile": "slightly_smiling_face", "thumbsup_all": "+1"}


@lru_cache(maxsize=4_096)
def emoji_named(name: str) -> str | None:
    """The emoji that chat servers call `name`, without the colons, or None for one that only they have."""
    name, _, tone = name.partition("::skin-tone-")
    name = _SLACK_NAMES.get(name, name)
    if name.startswith("flag-") and len(name) == 7:
        return spelled(
            "".join(chr(0x1F1E6 + ord(letter) - ord("a")) for letter in name[5:] if "a" <= letter <= "z")
        )
    for alias in (name, name.replace("-", "_"), name.replace("_", "-")):
        found = spelled(emojize(f":{alias}:", language="alias"))
        if found:
            return _toned(found, tone)
    return None


def _toned(emoji: str, tone: str) -> str:
    """With a colour of skin, where there is one of this emoji."""
    if tone not in {"2", "3", "4", "5", "6"}:
        return emoji
    return spelled(emoji.replace("\ufe0f", "") + chr(0x1F3FB + int(tone) - 2)) or emoji


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """Changes a text but for what stands between backticks, which people meant as it is."""
    parts = _CODE.split(text)
    return "".join(part if place % 2 else change(part) for place, part in enumerate(parts))


def with_emojis(text: str) -> str:
    """Codes such as `:tada:` become emojis; those that are none of Unicode's stay."""

    def put(match: re.Match[str]) -> str:
        code = f"{match[1]}::skin-tone-{match[2]}" if match[2] else match[1]
        return emoji_named(code) or match[0]

    return outside_code(text, lambda part: _CODED_EMOJI.sub(put, part))


def from_slack(text: str, *, people: Mapping[str, str], channels: Mapping[str, str]) -> tuple[str, list[str]]:
    """A text of Slack's as people see it, and the ids of those it names."""
    named: list[str] = []

    def put(match: re.Match[str]) -> str:
        what, _, label = match[1].partition("|")
        if what.startswith("@"):
            named.append(what[1:])
            return f"@{people.get(what[1:]) or label or what[1:]}"
        if what.startswith("#"):
            return f"#{channels.get(what[1:]) or label or what[1:]}"
        if what.startswith("!"):
            return label or f"@{what[1:].partition('^')[0]}"
        address = what.removeprefix("mailto:")
        return address if not label or label in (what, address) else f"{label} ({address})"

    plain = with_emojis(_BRACKETS.sub(put, text))
    return html.unescape(plain), list(dict.fromkeys(named))
