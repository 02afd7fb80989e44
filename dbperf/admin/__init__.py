"""The staff's pages."""

from dbperf.admin import pages, plans

__all__ = ["pages", "plans"]
