"""The staff's pages."""

from dbperf.admin import alerts, builds, maintenance, pages, plans

__all__ = ["alerts", "builds", "maintenance", "pages", "plans"]
