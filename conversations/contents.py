"""What people say, as it lies in PostgreSQL: with ENCRYPT_MESSAGES a token that only the processes can read.

A token is MARK, the name of the key, a dot, and nonce and cipher in base64. It stands wherever the words would, so
that PostgreSQL writes all JSON as ever; but as JSON it writes a token as a string between two bare MARKs, with whose
words they are (`queries.fragments.said`). No JSON that anybody sends has a bare MARK in it: control characters in
strings are escaped. So whatever leaves a process goes through `opened`, which costs a look for one character, may be
done twice, and can be led to open nothing that PostgreSQL did not take out of a message.

Words are bound to their conversation, their sender and their client_id: in another's place they are not opened.
"""

import logging
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID

import orjson
from django.conf import settings

from conversations import content_keys, wrapping
from conversations.content_keys import Cipher, Key
from conversations.wrapping import Damaged, KeyMissing

log = logging.getLogger(__name__)

MARK: Final = "\x1a"  # SUBSTITUTE; migrations and queries.fragments have it as chr(26)
NOTE: Final = "note:"  # what is said among agents is no message, whoever puts it in the place of one
KEY_GONE: Final = "[This message cannot be read: its key is missing.]"
DAMAGED: Final = "[This message cannot be read: it was changed where it is stored.]"

_SPELT = "="  # behind MARK: words that begin with MARK themselves, in base64


class Stored(NamedTuple):
    """Words as they lie, whose they are, and the name of the key that they are sealed under, if they are."""

    about: str
    key: str | None
    text: str

    def read(self, cipher: Cipher) -> str:
        """The words. Raises KeyMissing, Damaged or ValueError."""
        if self.key is not None:
            if cipher is None:
                raise KeyMissing(self.key)
            return wrapping.unseal(cipher, a2b_base64(self.text), about=self.about.encode()).decode()
        if self.text.startswith(_SPELT):
            return a2b_base64(self.text[1:]).decode()
        return MARK + self.text  # from before there were tokens

    def shown(self, cipher: Cipher) -> str:
        """The words, or why there are none."""
        try:
            return self.read(cipher)
        except KeyMissing:
            return KEY_GONE
        except (Damaged, ValueError):
            log.error("A message of %s was changed where it is stored", self.about.partition(MARK)[0])
            return DAMAGED


# --- to be stored


def seal(
    content: str, *, conversation: UUID, sender: UUID | None, client_id: str | None, kind: str = ""
) -> str:
    """Words as they are to be stored."""
    return sealing()(content, about(conversation, sender, client_id, kind=kind))


def sealing() -> Callable[[str, str], str]:
    """The same for many, all under one key: takes the words, and what they are about."""
    if not settings.ENCRYPT_MESSAGES:
        return lambda content, about: spelt(content)
    return partial(sealed, content_keys.newest())


def sealed(key: Key, content: str, about: str) -> str:
    """As a token; where nothing is said there is nothing to hide."""
    cipher = wrapping.seal(key.cipher, content.encode(), about=about.encode())
    return f"{MARK}{key.name}.{_base64(cipher)}" if content else ""


def spelt(content: str) -> str:
    """Nobody's words are taken for a token."""
    return MARK + _SPELT + _base64(content.encode()) if content.startswith(MARK) else content


def about(conversation: UUID, sender: UUID | None, client_id: str | None, *, kind: str = "") -> str:
    """What words are bound to. The same in `queries.fragments.said`."""
    return f"{kind}{conversation}{MARK}{sender or ''}{MARK}{client_id or ''}"


# --- to be read


def words(
    stored: str, *, conversation: UUID, sender: UUID | None, client_id: str | None, kind: str = ""
) -> str:
    """What was said, out of a row, or why it cannot be read."""
    if not stored.startswith(MARK):
        return stored
    one = _parsed(stored[1:], about(conversation, sender, client_id, kind=kind))
    return one.shown(_ciphers([one])(one))


def read_each(rows: Iterable[tuple[str, str]]) -> list[str | None]:
    """What was said, out of many rows: of each its words as stored, and what they are about. None: not to be read."""
    each = [(text, _parsed(text[1:], about)) for text, about in rows]
    cipher = _ciphers(one for text, one in each if text.startswith(MARK))
    return [_read(one, cipher) if text.startswith(MARK) else text for text, one in each]


def _read(one: Stored, cipher: Callable[[Stored], Cipher]) -> str | None:
    try:
        return one.read(cipher(one))
    except (KeyMissing, Damaged, ValueError):
        return None


def opened(text: str) -> str:
    """JSON that PostgreSQL wrote, with the words in place of their tokens. Statements only for keys not held yet."""
    if MARK not in text:
        return text
    pieces = text.split(MARK)  # in turn what is finished and what is not
    found = [told(piece) for piece in pieces[1::2]]
    cipher = _ciphers(found)
    pieces[1::2] = [orjson.dumps(one.shown(cipher(one))).decode() for one in found]
    return "".join(pieces)


def opened_each(texts: Sequence[str]) -> list[str]:
    """The same for many: one statement at most."""
    learn(texts)
    return [opened(text) for text in texts]


def locked(texts: Iterable[str]) -> bool:
    """Whether `opened` would have to ask PostgreSQL for a key."""
    return any(MARK in text and content_keys.unknown(_names(text)) for text in texts)


def learn(texts: Iterable[str]) -> None:
    """Has `opened` ask nobody about these. At most one statement."""
    names: set[str] = set()
    for text in texts:
        if MARK in text:
            names |= _names(text)
    content_keys.ciphers(names)


def _names(text: str) -> set[str]:
    return {key for piece in text.split(MARK)[1::2] if (key := told(piece).key)}


def told(piece: str) -> Stored:
    """A JSON string: what the words are about, MARK, and the rest of them as stored."""
    about, _, text = str(orjson.loads(piece)).rpartition(MARK)
    return _parsed(text, about)


def _parsed(text: str, about: str) -> Stored:
    name, dot, cipher = text.partition(".")
    sealed = dot and len(name) == content_keys.NAME
    return Stored(about, name, cipher) if sealed else Stored(about, None, text)


def _ciphers(each: Iterable[Stored]) -> Callable[[Stored], Cipher]:
    found = content_keys.ciphers({key for one in each if (key := one.key)})
    return lambda one: found.get(one.key or "")


def _base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode()
