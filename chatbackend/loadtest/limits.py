"""The open files that many sockets need."""

import resource

SPARE = 200


class TooFewFilesError(Exception):
    """The hard limit of open files is below what was asked for; the text says which command raises it."""


def raise_open_files(sockets: int) -> None:
    """Raises the soft limit for so many sockets. Processes started afterwards have it, too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = sockets + SPARE
    if hard != resource.RLIM_INFINITY and wanted > hard:
        raise TooFewFilesError(
            f"{sockets:,} sockets need {wanted:,} open files, and {hard:,} is the hard limit: raise it"
            " (`ulimit -Hn`, or LimitNOFILE= of the service)"
        )
    if soft != resource.RLIM_INFINITY and wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
