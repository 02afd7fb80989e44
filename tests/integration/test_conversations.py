"""Each kind of conversation from its beginning to its end, over REST and the socket together."""

from conversations.models import BusinessAgent
from tests.integration.conftest import People


def test_a_direct_conversation(people: People) -> None:
    ann, ben, cleo = people["ann"], people["ben"], people["cleo"]
    hears = ben.socket
    room = ann.post("conversations", expect=201, type="direct", participant_ids=[ben.id])["id"]
    assert ben.post("conversations", type="direct", participant_ids=[ann.id])["id"] == room

    first = ann.say(room, "Are you there?", client_id="1")
    assert hears.hear("message.created", conversation=room)["data"] == first
    assert ann.post(f"conversations/{room}/messages", content="again", client_id="1") == first
    assert (ben.unread(room), ann.unread(room)) == (1, 0)

    answer = hears.do("send", conversation=room, content="Yes", client_id="1")
    assert answer["seq"] == 2
    assert ann.socket.hello["heads"][room] == answer["version"]
    assert ann.unread(room) == 1
    assert ann.post(f"conversations/{room}/read", seq=2) == {"last_read_seq": 2, "unread_count": 0}

    ben.patch(f"conversations/{room}/messages/2", content="Yes!")
    assert ann.socket.hear("message.updated", conversation=room)["data"]["content"] == "Yes!"
    ann.delete(f"conversations/{room}/messages/1", expect=200)
    assert hears.hear("message.deleted", conversation=room)["data"]["seq"] == 1
    contents = [one["content"] for one in ben.get(f"conversations/{room}/messages")["results"]]
    assert contents == ["", "Yes!"]

    cleo.get(f"conversations/{room}", expect=404)
    cleo.post(f"conversations/{room}/messages", expect=404, content="let me in")
    assert [one["id"] for one in cleo.get("conversations")["results"]] == []


def test_a_group(people: People) -> None:
    ann, ben, cleo, dan = (people[name] for name in ("ann", "ben", "cleo", "dan"))
    ids = [ben.id, cleo.id]
    room = ann.post("conversations", expect=201, type="group", name="Plans", participant_ids=ids)["id"]
    address = f"conversations/{room}"
    assert ben.socket.hello["heads"].keys() == {room}

    ben.patch(address, expect=403, name="Mine now")
    ann.patch(f"{address}/participants/{ben.id}", role="admin")
    ben.patch(address, name="Better plans")
    assert ben.socket.hear("conversation.updated")["data"]["name"] == "Better plans"

    ben.post(f"{address}/participants", expect=201, user_ids=[dan.id])
    said = dan.say(room, "Thanks for having me", mentions=[ann.id])
    unread = ann.get("unread")["conversations"]
    assert [(one["id"], one["mention_count"]) for one in unread] == [(room, 1)]
    ann.put(f"{address}/messages/{said['seq']}/reactions/👍")
    heard = ben.socket.hear("message.updated")
    assert heard["data"]["reactions"] == [{"emoji": "👍", "count": 1}]
    assert heard["reacted"] == [{"user": ann.id, "emojis": ["👍"]}]
    found = cleo.get("search/messages", q="having")["results"]
    assert [(one["conversation"], one["seq"]) for one in found] == [(room, said["seq"])]

    ben.delete(f"{address}/participants/{dan.id}")
    dan.get(address, expect=404)
    assert dan.get("search/messages", q="having")["results"] == []
    ann.post(f"{address}/leave", expect=409)
    ann.patch(f"{address}/participants/{ben.id}", role="owner")
    ann.post(f"{address}/leave", expect=204)
    ben.delete(address)
    cleo.get(address, expect=404)


def test_a_business_conversation(people: People) -> None:
    ann, ben, cleo, dan = (people[name] for name in ("ann", "ben", "cleo", "dan"))
    BusinessAgent.objects.create(business_id="acme", user_id=ben.id, role="owner")
    ben.put(f"business/acme/agents/{cleo.id}")
    desk = cleo.socket

    case = ann.post("conversations", expect=201, type="business", business_id="acme", content="My order?")
    room = case["id"]
    assert case["business"]["status"] == "open"
    assert desk.hear("message.created", conversation=room)["data"]["content"] == "My order?"
    assert [one["id"] for one in cleo.get("business/acme/conversations")["results"]] == [room]

    cleo.post(f"conversations/{room}/assign", user_id=cleo.id)
    assert ann.socket.hello["heads"][room]
    cleo.say(room, "It is on its way.")
    assert ann.socket.hear("message.created")["data"]["content"] == "It is on its way."
    assert ann.get(f"conversations/{room}")["business"]["first_response_at"]
    cleo.post(f"conversations/{room}/status", status="resolved")
    assert cleo.get("business/acme/conversations", status="resolved")["results"][0]["id"] == room

    dan.get(f"conversations/{room}", expect=404)
    dan.get("business/acme/conversations", expect=404)


def test_a_client_that_was_away_has_everything_again(people: People) -> None:
    ann, ben = people["ann"], people["ben"]
    room = ann.post("conversations", expect=201, type="direct", participant_ids=[ben.id])["id"]
    head = ben.socket.hello["heads"][room]
    ben.leave()
    for number in range(3):
        ann.say(room, str(number))
    (moved,) = ben.post("sync", cursors={room: head})["conversations"]
    assert [one["data"]["content"] for one in moved["changes"]] == ["0", "1", "2"]
