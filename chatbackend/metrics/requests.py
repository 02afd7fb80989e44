"""Requests as they were answered: how many, by what, how fast."""

from collections.abc import Callable
from time import perf_counter

from django.http import HttpRequest, HttpResponse
from prometheus_client import Counter, Histogram

GetResponse = Callable[[HttpRequest], HttpResponse]

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
BUCKETS_S = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

ANSWERED = Counter("chat_http_requests", "Requests answered.", ["method", "route", "status"])
TOOK = Histogram("chat_http_request_seconds", "From request to reply.", ["route"], buckets=BUCKETS_S)


class MetricsMiddleware:
    """Counts each request under its route, never under its address: there are as many routes as the code has."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = perf_counter()
        response = self.get_response(request)
        route = request.resolver_match.route if request.resolver_match else "none"
        method = str(request.method) if request.method in METHODS else "other"
        ANSWERED.labels(method, route, str(response.status_code)).inc()
        TOOK.labels(route).observe(perf_counter() - began)
        return response
