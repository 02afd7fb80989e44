"""What is remembered of the database. Everything here is bounded, by rows and by bytes: see `history.retention`."""

from dbperf.models.alerts import Alert, AlertWord
from dbperf.models.builds import BuiltIndex
from dbperf.models.history import (
    Dashboard,
    EndpointHour,
    ExplainCall,
    MaintenanceRun,
    Origin,
    OriginHour,
    RelationDay,
    Report,
    Snapshot,
    Statement,
    StatementUse,
    StoredFinding,
)

__all__ = [
    "Alert",
    "AlertWord",
    "BuiltIndex",
    "Dashboard",
    "EndpointHour",
    "ExplainCall",
    "MaintenanceRun",
    "Origin",
    "OriginHour",
    "RelationDay",
    "Report",
    "Snapshot",
    "Statement",
    "StatementUse",
    "StoredFinding",
]
