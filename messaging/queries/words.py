"""How words are made of messages, and making them anew."""

from collections.abc import Iterator

from django.db import connection

from conversations.queries.statement import one
from messaging.languages import STEMMED_LANGUAGES

BATCH = 1_000

_KINDS = "asciiword, word, hword, asciihword, hword_part, hword_asciipart"


def use_language(language: str) -> None:
    """Has endings taken off by the rules of a language, from the next message on; `simple`: none. Raises ValueError.

    Words of earlier messages stay as they are until `rewrite`.
    """
    if language not in STEMMED_LANGUAGES:
        raise ValueError(language)
    stem = "simple" if language == "simple" else "chat_search_stem"
    with connection.cursor() as cursor:
        if language != "simple":
            cursor.execute(f"ALTER TEXT SEARCH DICTIONARY chat_search_stem (Language = {language})")
        cursor.execute(
            f"ALTER TEXT SEARCH CONFIGURATION chat_search ALTER MAPPING FOR {_KINDS} WITH unaccent, {stem}"
        )


def last_id() -> int:
    """The highest id of a message. Uses index: messages_pkey."""
    return int(one("SELECT coalesce(max(id), 0) FROM messages", {})[0])


def rewrite(last: int) -> Iterator[int]:
    """Makes the words of all messages up to an id anew, a batch a transaction; yields how many of each had others.

    Naming `content` is what has PostgreSQL write `words` again. Uses index: messages_pkey.
    """
    for first in range(0, last, BATCH):
        with connection.cursor() as cursor:
            cursor.execute(
                """UPDATE messages m SET content = content
                WHERE m.id > %(first)s::bigint AND m.id <= %(first)s::bigint + %(batch)s::bigint
                AND m.words IS DISTINCT FROM chat_search_words(m.content)""",
                {"first": first, "batch": BATCH},
            )
            yield cursor.rowcount
