"""What a business's agents say often."""

import pytest

from conversations.models import CannedReply
from conversations.services import canned
from tests import factories
from tests.api import Api, pages, problem, read

pytestmark = pytest.mark.django_db
PATH = "/business/acme/canned-replies"


def added(api: Api, shortcut: str, content: str = "Hello!") -> dict[str, str]:
    found: dict[str, str] = read(api.post(PATH, {"shortcut": shortcut, "content": content}), 201)
    return found


def test_agents_share_them() -> None:
    one, other = Api(factories.agent()), Api(factories.agent())
    made = added(one, "Hello.World", " Hello,\n how are you? ")
    assert (made["shortcut"], made["content"]) == ("hello.world", " Hello,\n how are you? ")
    assert read(other.get(PATH)) == {"results": [made], "next": None}
    changed = read(other.patch(f"{PATH}/{made['id']}", {"content": "Hi!"}))
    assert (changed["content"], changed["shortcut"]) == ("Hi!", "hello.world")
    assert changed["updated_at"] > made["updated_at"]
    assert read(other.patch(f"{PATH}/{made['id']}", {"content": "Hi!"})) == changed
    assert read(other.patch(f"{PATH}/{made['id']}", {})) == changed
    read(one.delete(f"{PATH}/{made['id']}"), 204)
    problem(one.delete(f"{PATH}/{made['id']}"), 404)
    assert read(one.get(PATH))["results"] == []


def test_a_shortcut_means_one_thing_in_a_business() -> None:
    api = Api(factories.agent())
    added(api, "hi")
    bye = added(api, "bye")
    for refused in (
        api.post(PATH, {"shortcut": "HI", "content": "x"}),
        api.patch(f"{PATH}/{bye['id']}", {"shortcut": "Hi"}),
    ):
        assert problem(refused, 409)["code"] == "shortcut_taken"
    other = Api(factories.agent("other"))
    read(other.post("/business/other/canned-replies", {"shortcut": "hi", "content": "x"}), 201)
    problem(other.patch(f"/business/other/canned-replies/{bye['id']}", {"content": "x"}), 404)
    problem(other.delete(f"/business/other/canned-replies/{bye['id']}"), 404)
    assert CannedReply.objects.get(pk=bye["id"]).content == "Hello!"


@pytest.mark.parametrize("shortcut", ["", " ", "a b", "a/b", "x" * 41, 5, None, "a\n"])
def test_shortcuts_are_words(shortcut: object) -> None:
    refused = Api(factories.agent()).post(PATH, {"shortcut": shortcut, "content": "x"})
    assert problem(refused, 400)["errors"][0]["field"] == "shortcut"


def test_pages_and_search() -> None:
    api = Api(factories.agent())
    for shortcut, content in (("c", "100 %"), ("a", "Morning"), ("b", "Evening"), ("mor", "x")):
        added(api, shortcut, content)
    found = list(pages(api, PATH, limit=3))
    assert [[one["shortcut"] for one in page] for page in found] == [["a", "b", "c"], ["mor"]]
    for word, shortcuts in (("MOR", ["a", "mor"]), ("ing", ["a", "b"]), ("%", ["c"]), ("none", [])):
        assert [one["shortcut"] for one in read(api.get(PATH, search=word))["results"]] == shortcuts


def test_there_is_an_end_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canned, "MAX_REPLIES", 1)
    api = Api(factories.agent())
    added(api, "a")
    assert problem(api.post(PATH, {"shortcut": "b", "content": "x"}), 409)["code"] == "too_many_replies"
