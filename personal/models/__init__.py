"""Exports and erasures on their way, and what came of them."""

from personal.models.jobs import ACTIVE, Job

__all__ = ["ACTIVE", "Job"]
