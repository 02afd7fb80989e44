"""Addresses below /api/v1: exports, erasures, and how far they are."""

from django.urls import path

from conversations.urls import CONVERSATION
from personal.views.jobs import JobViewSet

jobs = JobViewSet.as_view

urlpatterns = [
    path("users/me/export", jobs({"post": "export_own"})),
    path(f"{CONVERSATION}/export", jobs({"post": "export_conversation"})),
    path("users/<id:user_id>/erase", jobs({"post": "erase"})),
    path("jobs/<id:job_id>", jobs({"get": "retrieve"})),
    path("jobs/<id:job_id>/result", jobs({"get": "result"})),
]
