"""Words that lie sealed (conversations/contents.py) are no words to search. What is there is not touched."""

from django.db import migrations

_WORDS = """
    CREATE OR REPLACE FUNCTION chat_search_words(content text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN {words}
"""
_FOUND = """to_tsvector('chat_search'::regconfig, chat_search_plain(CASE
        WHEN octet_length(content) = length(content) THEN content
        ELSE chat_search_spread(normalize(content, NFKC)) END))"""
_UNSEALED = f"CASE WHEN starts_with(content, chr(26)) THEN ''::tsvector ELSE {_FOUND} END"


class Migration(migrations.Migration):
    dependencies = [
        ("messaging", "0010_notes"),
    ]

    operations = [
        migrations.RunSQL(_WORDS.format(words=_UNSEALED), _WORDS.format(words=_FOUND)),
    ]
