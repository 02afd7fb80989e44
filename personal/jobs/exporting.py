"""Making an export: packed on this machine's disk, then put into the storage, and told of only when it is there."""

from collections.abc import Callable
from contextlib import closing
from tempfile import TemporaryFile
from typing import Final

from messaging import files, sealing
from personal.archives.conversation import export_conversation
from personal.archives.own import export_own
from personal.archives.parcel import Parcel
from personal.archives.script import Counts
from personal.jobs.turns import Turn
from personal.models import Job

Make = Callable[[Turn, Parcel], Counts]
MAKES: Final[dict[str, Make]] = {
    Job.Kind.OWN_EXPORT: export_own,
    Job.Kind.CONVERSATION_EXPORT: export_conversation,
}


def export(turn: Turn) -> None:
    """From the beginning, whatever became of an attempt before: what that has left is overwritten.

    The file has no name here, so that it is gone however the worker ends.
    """
    with TemporaryFile() as packed:
        with closing(Parcel(packed)) as parcel:
            told = MAKES[turn.job.kind](turn, parcel)
        size = packed.seek(0, 2)
        turn.hold()
        made = sealing.new_key(turn.job.pk)
        kept, key = made or (None, None)
        files.write(turn.job.pk, packed, key=key, part="export")
    turn.keep(size=size, key=kept, result=told)
