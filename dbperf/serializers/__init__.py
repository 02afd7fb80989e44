"""Shapes of the replies, for the OpenAPI document. No serializer of a reply runs: what is kept is JSON already."""

from dbperf.serializers.jobs import Job, Optimize
from dbperf.serializers.metrics import Metrics
from dbperf.serializers.plans import Asked, Plan
from dbperf.serializers.sizes import Size
from dbperf.serializers.suggestions import Suggestions

__all__ = ["Asked", "Job", "Metrics", "Optimize", "Plan", "Size", "Suggestions"]
