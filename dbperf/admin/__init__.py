"""The staff's pages."""

from dbperf.admin import maintenance, pages, plans

__all__ = ["maintenance", "pages", "plans"]
