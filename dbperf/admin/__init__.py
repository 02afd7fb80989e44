"""The staff's pages."""

from dbperf.admin import alerts, builds, maintenance, pages, plans, reports

__all__ = ["alerts", "builds", "maintenance", "pages", "plans", "reports"]
