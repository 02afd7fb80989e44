"""What is measured. A new question is a new entry."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chatbackend.benchmark.data import Dataset
from chatbackend.benchmark.queries import after, asking, before
from chatbackend.benchmark.queries.asking import Ask


@dataclass(frozen=True, slots=True)
class Question:
    """`writes`: it leaves something behind, so it is measured after those that do not. `copies`: COPY is its limit."""

    name: str
    asks: Callable[[Dataset], Sequence[Ask]]
    before: Callable[[Ask], object]
    after: Callable[[Ask], object]
    writes: bool = False
    copies: bool = False


QUESTIONS = (
    Question("history_newest", asking.largest, before.history_newest, after.history_newest),
    Question("history_deep", asking.largest, before.history_deep, after.history_deep),
    Question("unread_totals", asking.readers, before.unread_totals, after.unread_totals),
    Question("inbox", asking.readers, before.inbox, after.inbox),
    Question(
        "latest_per_conversation",
        asking.readers,
        before.latest_per_conversation,
        after.latest_per_conversation,
    ),
    Question("business_inbox", asking.desks, before.business_inbox, after.business_inbox),
    Question("changes_since", asking.missed, before.changes_since, after.changes_since),
    Question("search_common", asking.common, before.search, after.search),
    Question("search_rare", asking.seldom, before.search, after.search),
    Question("search_absent", asking.absent, before.search, after.search),
    Question("send_message", asking.spread, before.send_message, after.send_message, writes=True),
    Question("bulk_insert", asking.spread, before.bulk_insert, after.bulk_insert, writes=True, copies=True),
    Question(
        "bulk_insert_together",
        asking.spread,
        before.bulk_insert_together,
        after.bulk_insert,
        writes=True,
        copies=True,
    ),
)
