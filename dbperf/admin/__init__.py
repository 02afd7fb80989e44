"""The staff's pages."""

from dbperf.admin import alerts, maintenance, pages, plans, reports

__all__ = ["alerts", "maintenance", "pages", "plans", "reports"]
