"""Whether an estimate of bloat can be confirmed here."""

from dbperf.checks import Context


def confirmable(context: Context) -> bool:
    """pgstattuple is there and the role may call it."""
    known = context.capabilities
    return "pgstattuple" in known.extensions and (known.scan_tables or known.superuser)
