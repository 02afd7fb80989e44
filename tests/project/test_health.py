import httpx

from tests.server import Server


def test_health_of_a_running_server(daphne: Server) -> None:
    answer = httpx.get(f"{daphne.base_url}/health")
    assert answer.status_code == 200
    assert answer.json()["dependencies"] == {"postgresql": "ok", "redis": "ok"}
    assert answer.headers["X-Request-ID"]
    assert httpx.get(f"{daphne.base_url}/health/live").json() == {"status": "ok"}
    assert httpx.get(f"{daphne.base_url}/health/ready").json() == {"status": "ok"}


def test_unknown_address_under_health_is_a_problem(daphne: Server) -> None:
    answer = httpx.get(f"{daphne.base_url}/health/nope")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


def test_schema_and_docs(daphne: Server) -> None:
    assert httpx.get(f"{daphne.base_url}/api/schema").json()["openapi"].startswith("3.1")
    page = httpx.get(f"{daphne.base_url}/api/docs")
    assert page.status_code == 200
