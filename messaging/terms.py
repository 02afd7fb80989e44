"""What somebody typed into a search box, as a query that PostgreSQL takes. Pure: text in, text out.

The syntax is that of web searches: words, "phrases", -without and `or`. Nothing that can be typed is an error. What
makes words of a message (`chat_search_words`, migration 0002) is done to the terms too, so that both meet.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

MAX_TERMS = 16

# Scripts without spaces between words, and pictures. The same as in migration 0002.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2600-\u27bf\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\U0001f300-\U0001faff\U00020000-\U0003ffff"
)
_RUN = re.compile(f"[{UNSPACED}]+")
_TERM = re.compile(r'(-?)"([^"]*)"?|([^\s"]+)')
_SIGNS = str.maketrans(dict.fromkeys("/.:@_-#&?=+~|\\<>%*\x01\x02", " "))  # as chat_search_plain
_SHORTEST_PART = 2  # letters by which words are found that begin so


@dataclass(frozen=True, slots=True)
class Terms:
    """A search. `exact` and `partial` are for `to_tsquery`, empty where nothing can be found; in `partial` the bare
    words stand for every word that begins so (empty where there is no such word). `runs` are the unspaced scripts'
    parts, as typed. `single`: it is one word and nothing else."""

    exact: str
    partial: str
    runs: tuple[str, ...]
    number: int
    single: bool = False


@dataclass(frozen=True, slots=True)
class _Term:
    text: str
    excluded: bool
    quoted: bool

    @property
    def runs(self) -> list[str]:
        return _RUN.findall(self.text)

    @property
    def words(self) -> str:
        """What is written with spaces, without the signs between."""
        plain = _RUN.sub(" ", self.text).translate(_SIGNS)
        return " ".join(plain.split()) if any(sign.isalnum() for sign in plain) else ""

    @property
    def has_part(self) -> bool:
        """Whether it may stand for the beginning of a word."""
        return not self.quoted and not self.excluded and len(self.words) >= _SHORTEST_PART

    def operand(self, *, partial: bool) -> str:
        """Empty where there is nothing in it to look for."""
        found = [_pairs(run) for run in self.runs]
        if self.words:
            quoted = self.words.replace("'", "''")
            found.append(f"'{quoted}'" + (":*" if partial and self.has_part else ""))
        together = " & ".join(found)
        return f"!({together})" if together and self.excluded else together


def read(text: str) -> Terms:
    """The terms of what was typed."""
    alternatives = [
        terms
        for terms in _alternatives(text)
        if any(term.operand(partial=False) and not term.excluded for term in terms)
    ]
    every = [term for terms in alternatives for term in terms]
    return Terms(
        exact=_query(alternatives, partial=False),
        partial=_query(alternatives, partial=True) if any(term.has_part for term in every) else "",
        runs=tuple(run for term in every if not term.excluded for run in term.runs),
        number=len(_TERM.findall(text)),
        single=len(every) == 1 and not every[0].runs and every[0].words.isalnum(),
    )


def _alternatives(text: str) -> Iterator[list[_Term]]:
    """What stands between the `or`s."""
    terms: list[_Term] = []
    for term in _terms(unicodedata.normalize("NFKC", text)):
        if not term.quoted and term.text.lower() == "or":
            yield terms
            terms = []
        else:
            terms.append(term)
    yield terms


def _terms(text: str) -> Iterator[_Term]:
    for minus, phrase, word in _TERM.findall(text):
        if word:
            excluded = len(word) > 1 and word.startswith("-")
            yield _Term(word[excluded:], excluded, quoted=False)
        else:
            yield _Term(phrase, bool(minus), quoted=True)


def _query(alternatives: list[list[_Term]], *, partial: bool) -> str:
    each = (filter(None, (term.operand(partial=partial) for term in terms)) for terms in alternatives)
    return " | ".join(f"({' & '.join(operands)})" for operands in each)


def _pairs(run: str) -> str:
    """A run as its neighbours in pairs, which follow each other; of a single sign, every pair that begins with it."""
    signs = [f"u{ord(sign):05x}" for sign in run]
    if len(signs) == 1:
        return f"'{signs[0]}':*"
    return "'" + " ".join(one + other for one, other in pairwise(signs)) + "'"
