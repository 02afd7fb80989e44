"""What the demo accounts have said to each other: steps in the order of their times."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Say:
    """`hours` ago, `who` says `text`. `key` is a name for it to be answered by (`reply`); `was` is what it said
    before it was edited; `gone`: it was taken back."""

    hours: float
    who: str
    text: str
    key: str = ""
    reply: str = ""
    mentions: Sequence[str] = ()
    was: str = ""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """`who` reads everything said so far."""

    who: str


@dataclass(frozen=True, slots=True)
class Assign:
    """An agent gives the case to somebody."""

    hours: float
    who: str
    to: str


@dataclass(frozen=True, slots=True)
class Status:
    """An agent sets the case's status."""

    hours: float
    who: str
    status: str


Step = Say | Read | Assign | Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Talk:
    """A conversation of `people`, the first of whom opens it; with a `name` it is a group, with a `business` a case."""

    people: Sequence[str]
    steps: Sequence[Step]
    name: str = ""
    business: str = ""
    pinned_by: Sequence[str] = ()
    priority: str = "normal"
    labels: Sequence[str] = ()


BUSINESS = "demo-shop"
AGENTS = {"demo-agent": "owner", "demo-agent-2": "agent"}

LUNCH = Talk(
    people=("alice", "bob"),
    steps=(
        Say(75.0, "alice", "Hi! Are you in the office on Thursday?"),
        Say(74.8, "bob", "Yes, all day. Why?"),
        Say(74.7, "alice", "There is a new noodle place by the station. Lunch?", key="lunch"),
        Say(74.1, "bob", "Gladly. At noon?", reply="lunch"),
        Say(
            74.0,
            "alice",
            "Half past twelve, I have a call before.",
            was="Half past eleven, I have a call before.",
        ),
        Say(49.2, "bob", "I can't find my bicycle lock, can I borrow yours?", gone=True),
        Say(49.1, "bob", "Never mind, found it in the other bag."),
        Say(26.0, "alice", "The noodles were good. Next time the big table outside."),
        Say(25.8, "bob", "And the dumplings! Here is the menu I promised: https://example.com/menu"),
        Read("alice"),
        Say(3.2, "bob", "Do you still have the notes from Monday?"),
        Say(3.1, "bob", "The part about the release, mostly."),
    ),
    pinned_by=("bob",),
)
KEYS = Talk(
    people=("carol", "alice"),
    steps=(
        Say(30.5, "carol", "I left the spare key with the neighbour on the second floor."),
        Say(30.2, "alice", "Perfect, thank you. I'll water the plants on Saturday."),
        Say(30.1, "carol", "The fern wants the least. The one in the kitchen wants the most."),
        Say(29.9, "alice", "Noted 🌿"),
        Read("carol"),
    ),
)
GARDEN = Talk(
    name="Community garden",
    people=("alice", "bob", "carol", "demo-guest"),
    steps=(
        Say(98.0, "alice", "Welcome, everybody! This is where we plan the garden for spring."),
        Say(97.6, "carol", "Hello! I can bring tools, my shed is full of them."),
        Say(97.5, "bob", "I can bring enthusiasm."),
        Say(73.4, "alice", "Shall we meet on Sunday to mark out the beds?", key="sunday"),
        Say(73.1, "carol", "Sunday works. Ten o'clock, before the rain?", reply="sunday"),
        Say(72.9, "bob", "Ten is early, but yes.", reply="sunday"),
        Say(72.2, "demo-guest", "I'll join at eleven.", reply="sunday"),
        Say(
            50.0,
            "carol",
            "Seeds so far: beans, chard, three kinds of tomato.",
            was="Seeds so far: beans, chard.",
        ),
        Say(28.5, "alice", "@bob can you bring the long tape measure?", mentions=("bob",), key="tape"),
        Say(28.1, "bob", "It is in the car already.", reply="tape"),
        Say(27.0, "demo-guest", "Is there water at the far end, or do we need cans?", key="water"),
        Say(26.2, "carol", "There is a tap, but it leaks.", reply="water"),
        Read("alice"),
        Read("bob"),
        Say(5.5, "carol", "@alice the forecast changed: dry until noon.", mentions=("alice",)),
        Say(5.4, "demo-guest", "Then I'll come at ten, too."),
        Say(2.0, "carol", "@alice @bob who makes the coffee?", mentions=("alice", "bob")),
    ),
    pinned_by=("alice",),
)
FILMS = Talk(
    name="Film night",
    people=("bob", "alice", "carol"),
    steps=(
        Say(53.0, "bob", "Vote for Friday: something old or something new?", key="vote"),
        Say(52.8, "alice", "Old.", reply="vote"),
        Say(52.0, "carol", "New, but I lose gracefully.", reply="vote"),
        Say(51.9, "bob", "Old it is. I bring popcorn."),
        Read("alice"),
        Read("carol"),
    ),
)
PARCEL = Talk(
    people=("alice",),
    business=BUSINESS,
    name="Parcel has not come",
    steps=(
        Say(31.0, "alice", "Hello, my order from last week has not come yet."),
        Assign(30.4, "demo-agent", "demo-agent"),
        Say(
            30.3,
            "demo-agent",
            "Hello Alice, I am looking into it. May I have the order number?",
            key="number",
        ),
        Say(29.9, "alice", "It is 1047.", reply="number"),
        Say(29.7, "demo-agent", "Thank you. The carrier has it since Monday; I asked them where it is."),
        Status(29.6, "demo-agent", "pending"),
        Say(4.0, "demo-agent", "News from the carrier: it will be with you tomorrow."),
    ),
    priority="high",
    labels=("delivery",),
)
REFUND = Talk(
    people=("bob",),
    business=BUSINESS,
    name="Refund for a return",
    steps=(
        Say(77.0, "bob", "I sent the lamp back. When do I get the money?"),
        Say(76.5, "demo-agent-2", "Hello Bob, we received it this morning; the refund is on its way."),
        Say(76.2, "bob", "That was quick, thanks!"),
        Status(76.0, "demo-agent-2", "resolved"),
        Read("bob"),
    ),
    labels=("returns", "payment"),
)
COLOUR = Talk(
    people=("carol",),
    business=BUSINESS,
    name="Question about a chair",
    steps=(Say(1.2, "carol", "Is the chair also available in green?"), Say(1.1, "carol", "Or in dark blue?")),
)
TALKS = (LUNCH, KEYS, GARDEN, FILMS, REFUND, PARCEL, COLOUR)
