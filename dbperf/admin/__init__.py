"""The staff's pages."""

from dbperf.admin import (
    alerts,
    builds,
    dashboard,
    maintenance,
    plans,
    relations,
    reports,
    statements,
    suggestions,
)

__all__ = [
    "alerts",
    "builds",
    "dashboard",
    "maintenance",
    "plans",
    "relations",
    "reports",
    "statements",
    "suggestions",
]
