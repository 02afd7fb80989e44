"""What search reads: the words of each message, written by PostgreSQL beside its content.

On a table that holds messages this rewrites it (about a minute for a million) and lets nobody write meanwhile.
"""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
from django.contrib.postgres.operations import UnaccentExtension
from django.db import migrations, models

# Scripts without spaces between words, and pictures: Thai to Burmese, Khmer, signs and emoji, kana, Han, Hangul.
# The same as in messaging/terms.py.
UNSPACED = (
    r"\u0E00-\u0EFF\u1000-\u109F\u1780-\u17FF\u2600-\u27BF\u3005-\u3007\u3040-\u30FF\u3400-\u4DBF\u4E00-\u9FFF"
    r"\uAC00-\uD7AF\uF900-\uFAFF\U0001F300-\U0001FAFF\U00020000-\U0003FFFF"
)

# Accents folded, stems taken, no word left out: a stop word is a word that somebody may look for.
CONFIGURATION = """
    CREATE TEXT SEARCH DICTIONARY chat_search_stem (TEMPLATE = snowball, Language = english);
    CREATE TEXT SEARCH CONFIGURATION chat_search (COPY = simple);
    ALTER TEXT SEARCH CONFIGURATION chat_search
        ALTER MAPPING FOR asciiword, word, hword, asciihword, hword_part, hword_asciipart
        WITH unaccent, chat_search_stem;
"""
NO_CONFIGURATION = """
    DROP TEXT SEARCH CONFIGURATION chat_search;
    DROP TEXT SEARCH DICTIONARY chat_search_stem;
"""

# Text whose words the parser finds: each run of an unspaced script as the pairs of its neighbours, written in ASCII,
# which every locale takes for words ("xy xz z" for "xyz": any part of a run is then a phrase of pairs, or the
# beginning of one). Letters are taken apart once: substr() would count through all those before, for each of them.
SPREAD = rf"""
    CREATE FUNCTION chat_search_spread(content text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN content ~ '[{UNSPACED}]' THEN
        regexp_replace(content, '[{UNSPACED}]+', ' ', 'g') || ' ' || (
            SELECT string_agg('u' || lpad(to_hex(ascii(letter)), 5, '0')
                || coalesce('u' || lpad(to_hex(ascii(follower)), 5, '0'), ''), ' ' ORDER BY number, place)
            FROM (SELECT run.number, one.place, one.letter,
                    lead(one.letter) OVER (PARTITION BY run.number ORDER BY one.place) AS follower
                FROM regexp_matches(content, '[{UNSPACED}]+', 'g') WITH ORDINALITY run (found, number),
                    unnest(string_to_array(run.found[1], NULL)) WITH ORDINALITY one (letter, place)) pairs)
        ELSE content END
"""  # noqa: S608 - our own text

# The parser would take example.com/a for one word each as host and address, and foo/bar for the name of a file.
PLAIN = r"""
    CREATE FUNCTION chat_search_plain(content text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN translate(content, '/.:@_-#&?=+~|\<>%*' || chr(1) || chr(2), repeat(' ', 20))
"""
WORDS = """
    CREATE FUNCTION chat_search_words(content text) RETURNS tsvector LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN to_tsvector('chat_search'::regconfig, chat_search_plain(CASE
        WHEN octet_length(content) = length(content) THEN content
        ELSE chat_search_spread(normalize(content, NFKC)) END))
"""


class Migration(migrations.Migration):
    dependencies = [("messaging", "0001_initial")]

    operations = [
        UnaccentExtension(),
        migrations.RunSQL(CONFIGURATION, NO_CONFIGURATION),
        migrations.RunSQL(SPREAD, "DROP FUNCTION chat_search_spread(text)"),
        migrations.RunSQL(PLAIN, "DROP FUNCTION chat_search_plain(text)"),
        migrations.RunSQL(WORDS, "DROP FUNCTION chat_search_words(text)"),
        migrations.RemoveIndex(model_name="message", name="messages_search"),
        migrations.AddField(
            model_name="message",
            name="words",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Func(models.F("content"), function="chat_search_words"),
                output_field=django.contrib.postgres.search.SearchVectorField(),
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=django.contrib.postgres.indexes.GinIndex(
                django.contrib.postgres.indexes.OpClass(models.F("conversation"), name="uuid_ops"),
                models.F("words"),
                condition=models.Q(("deleted_at", None)),
                name="messages_search",
                gin_pending_list_limit=256,
            ),
        ),
    ]
