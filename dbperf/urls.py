"""Addresses for staff, below /admin/database."""

from django.urls import path

from dbperf.views import DatabaseViewSet

view = DatabaseViewSet.as_view

urlpatterns = [
    path("metrics", view({"get": "metrics"}), name="dbperf-metrics"),
    path("size", view({"get": "size"}), name="dbperf-size"),
    path("index-suggestions", view({"get": "index_suggestions"}), name="dbperf-index-suggestions"),
    path("analyze-query", view({"post": "analyze_query"}), name="dbperf-analyze-query"),
    path("optimize", view({"post": "optimize"}), name="dbperf-optimize"),
    path(
        "optimize/<int:job>",
        view({"get": "optimize_job", "delete": "cancel_job"}),
        name="dbperf-optimize-job",
    ),
]
