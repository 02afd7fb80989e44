"""Which connection is for what, as data: read by the project's settings. An alias that `DATABASES` lacks is `default`.

monitor         reads statistics: gives up after a second behind a lock, and after five in a statement
maintenance     owns the tables, never pooled, autocommit, no statement timeout: VACUUM and index builds. They end with
                the process that asked for them: nobody would watch them any more
dbperf_explain  a login of its own that may read a few tables: plans of statements that people type in
"""

from typing import Final

DEFAULT: Final = "default"
MONITOR: Final = "monitor"
MAINTENANCE: Final = "maintenance"
EXPLAIN: Final = "dbperf_explain"

# What each alias is given on connecting, as PostgreSQL settings. Milliseconds, unless a unit is named.
SESSIONS: Final[dict[str, dict[str, str]]] = {
    MONITOR: {
        "lock_timeout": "1000",
        "statement_timeout": "5000",
        "idle_in_transaction_session_timeout": "10000",
        "default_transaction_read_only": "on",
        "jit": "off",
        "timezone": "UTC",
    },
    MAINTENANCE: {
        "lock_timeout": "1000",
        "statement_timeout": "0",
        "idle_session_timeout": "0",
        "client_connection_check_interval": "2s",
        "vacuum_cost_delay": "2ms",
        "timezone": "UTC",
    },
    EXPLAIN: {
        "lock_timeout": "500",
        "statement_timeout": "5000",
        "idle_in_transaction_session_timeout": "10000",
        "default_transaction_read_only": "on",
        "jit": "off",
        "timezone": "UTC",
    },
}
# What the login for plans is given for good, also where somebody connects as it by another way.
EXPLAIN_LOGIN: Final[dict[str, str]] = {
    name: SESSIONS[EXPLAIN][name]
    for name in (
        "default_transaction_read_only",
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
    )
}
APPLICATION_NAMES: Final = {
    MONITOR: "dbperf-monitor",
    MAINTENANCE: "dbperf-maintenance",
    EXPLAIN: "dbperf-explain",
}
