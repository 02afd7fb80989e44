"""The parts of the client that touch neither clock nor socket, run as modules in the browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.server import Server


@pytest.fixture(scope="module")
def shared(chromium: Browser) -> Iterator[Page]:
    """One page for all: the modules keep nothing."""
    page = chromium.new_page()
    yield page
    page.close()


@pytest.fixture
def page(shared: Page, daphne: Server) -> Page:
    """A page of the server, without the client running in it."""
    address = f"{daphne.base_url}/health/live"
    if shared.url != address:
        shared.goto(address)
    return shared


def run(page: Page, module: str, code: str) -> Any:
    """The value of an expression that knows the module as `m`."""
    return page.evaluate(
        f"async () => {{ const m = await import('/static/messaging/{module}.js'); return {code}; }}"
    )


def test_pauses_double_up_to_a_bound_and_are_spread_over_all_of_it(page: Page) -> None:
    def pauses(random: float, code: int = 0) -> list[float]:
        found: list[float] = run(
            page,
            "backoff",
            f"[0,1,2,3,6,7,500].map((n) => m.backoff(n, {{code: {code}, random: () => {random}}}))",
        )
        return found

    assert pauses(0) == [200] * 7
    assert pauses(1) == [700, 1200, 2200, 4200, 30_200, 30_200, 30_200]
    assert pauses(0.5) == [450, 700, 1200, 2200, 15_200, 15_200, 15_200]


@pytest.mark.parametrize(
    ("code", "least", "most"),
    [
        (1006, 200, 700),
        (1012, 200, 5_200),
        (4401, 200, 700),
        (4403, 30_000, 30_500),
        (4408, 200, 700),
        (4413, 2_000, 2_500),
        (4429, 5_000, 15_000),
    ],
)
def test_a_close_code_has_its_own_first_pause(page: Page, code: int, least: int, most: int) -> None:
    span = run(page, "backoff", f"[0, 1].map((r) => m.backoff(0, {{code: {code}, random: () => r}}))")
    assert span == [least, most]


@pytest.mark.parametrize(
    ("reason", "pause"),
    [
        ("retry-after=7", 7_000),
        ("retry-after=2.5", 2_500),
        ("retry-after=99999", 600_000),
        ("retry-after=-1", 0),
        ("later", 0),
        ("", 0),
    ],
)
def test_the_advice_of_a_close_is_taken(page: Page, reason: str, pause: int) -> None:
    assert run(page, "backoff", f"m.askedBy({reason!r})") == pause
    advised = f"[0, 1].map((r) => m.backoff(0, {{code: 1012, atLeast: {pause}, random: () => r}}))"
    assert run(page, "backoff", advised) == [max(200, pause), max(200, pause) + (500 if pause else 5_000)]


@pytest.mark.parametrize(
    ("prev", "version", "place"),
    [(4, 5, "old"), (3, 4, "old"), (5, 6, "next"), (2, 9, "next"), (6, 7, "gap")],
)
def test_where_a_change_belongs(page: Page, prev: int, version: int, place: str) -> None:
    assert run(page, "feed", f"m.placeOf({{prev: {prev}, version: {version}}}, 5)") == place


def test_the_frames_of_a_message(page: Page) -> None:
    text = r"""'{"event":"pong"}\n\n[]\n{"event":1}\nnull\n{broken\n{"event":"x","n":1}\n'"""
    assert run(page, "frames", f"m.framesOf({text})") == [{"event": "pong"}, {"event": "x", "n": 1}]


@pytest.mark.parametrize(
    ("size", "is_too_long"), [("'a'.repeat(90)", False), ("'é'.repeat(50)", False), ("'é'.repeat(51)", True)]
)
def test_a_frame_is_measured_in_bytes(page: Page, size: str, is_too_long: bool) -> None:
    assert run(page, "frames", f"m.tooLong({size}, 100)") is is_too_long


@pytest.mark.parametrize(
    ("code", "temporary"),
    [
        ("rate_limited", True),
        ("unavailable", True),
        ("server_error", True),
        ("forbidden", False),
        ("invalid", False),
    ],
)
def test_which_refusals_pass(page: Page, code: str, temporary: bool) -> None:
    assert run(page, "frames", f"m.refusal({{code: {code!r}}}).temporary") is temporary


FEED = """(() => {
    const told = [];
    const feed = new m.Feed({ changes: async (id, { after }) => {
        told.push(`read ${after}`);
        return { results: [7, 8].map(change), next: null, version: 8 };
    } });
    const change = (version) => ({ event: "message.created", conversation: "c", version, prev: version - 1, data: {} });
    for (const name of ["change", "unknown", "reset"])
        feed.addEventListener(name, ({ detail }) => told.push(`${name} ${detail.version ?? ""}`.trim()));
    return { feed, told, change };
})()"""


def test_a_gap_holds_back_what_comes_after_until_it_is_read(page: Page) -> None:
    """6 is applied, 7 never comes: 8 to 10 wait for the reading, which brings 8 too; 9 comes twice."""
    told = run(
        page,
        "feed",
        f"""await (async () => {{
            const {{ feed, told, change }} = {FEED};
            feed.offer(change(3));
            feed.track("c", 5);
            for (const version of [6, 8, 9, 9, 10]) feed.offer(change(version));
            feed.offer({{ event: "message.created", conversation: "c", version: "11", prev: 10 }});
            await new Promise((resolve) => feed.addEventListener("caughtup", resolve));
            return told;
        }})()""",
    )
    assert told == [
        "unknown",
        *(f"{kind} {n}" for kind, n in [("change", 6), ("read", 6)]),
        *(f"change {n}" for n in (7, 8, 9, 10)),
    ]


def test_what_a_lost_connection_held_back_is_left_to_the_resume(page: Page) -> None:
    told = run(
        page,
        "feed",
        f"""await (async () => {{
            const {{ feed, told, change }} = {FEED};
            feed.track("c", 5);
            feed.offer(change(9));
            feed.dropHeld();
            feed.track("e", 1);
            feed.track("f", 2);
            const {{ behind, unknown }} = feed.compare({{ c: 9, d: 1, e: 1 }});
            for (const version of [6, 7, 8, 9]) feed.offer(change(version));
            await new Promise((resolve) => setTimeout(resolve));
            return [told, behind, unknown];
        }})()""",
    )
    assert told == [["read 5", *(f"change {n}" for n in (6, 7, 8, 9))], ["c", "f"], ["d"]]


def test_what_is_stored_is_not_shown_as_waiting_too(page: Page) -> None:
    """An outbox that was kept over a reload may hold what the history already has; that of others does not count."""
    told = run(
        page,
        "store",
        """(() => {
            const store = new m.Store({ id: "me" });
            const said = (seq, id, client_id) => ({ seq, version: seq, sender: { id }, client_id });
            store.putPage("c", { results: [said(1, "me", "a"), said(2, "other", "b")], has_before: false });
            for (const clientId of ["a", "b"]) store.putPending("c", { clientId, state: "pending" });
            return [...store.thread("c").pending.keys()];
        })()""",
    )
    assert told == ["b"]


OUTBOX = """(() => {
    const told = [], answers = {};
    const answer = ({ client_id }) => (answers[client_id] ?? []).shift();
    const request = async (frame) => {
        told.push(frame.client_id);
        await new Promise((resolve) => setTimeout(resolve));
        const fault = answer(frame);
        if (fault) throw new http.Problem(fault);
        return { ...frame, seq: told.length };
    };
    const outbox = new m.Outbox({ request, ready: () => true });
    const add = (id, conversation = "c", content = id) => outbox
        .add({ op: "send", client_id: id, conversation, content })
        .then(() => "stored", ({ code }) => code);
    return { outbox, told, answers, add };
})()"""


def posted(page: Page, code: str) -> Any:
    """What becomes of an outbox whose server answers as `answers` say."""
    http = "const http = await import('/static/messaging/http.js');"
    return run(
        page,
        "outbox",
        f"await (async () => {{ {http} const {{ outbox, told, answers, add }} = {OUTBOX}; {code} }})()",
    )


def test_a_message_that_has_to_wait_is_not_overtaken(page: Page) -> None:
    """Those of other conversations need not wait."""
    told = posted(
        page,
        """answers.b = [{ status: 429, code: "rate_limited" }, { status: 503, code: "unavailable" }];
        await Promise.all([add("a"), add("b"), add("c"), add("x", "d")]);
        return told;""",
    )
    assert told == ["a", "x", "b", "b", "b", "c"]


def test_a_refused_message_lets_the_next_pass(page: Page) -> None:
    told = posted(
        page,
        """answers.a = [{ status: 400, code: "invalid" }];
        const results = await Promise.all([add("a"), add("b")]);
        const [failed] = outbox.entries;
        outbox.retry("a");
        await add("a");
        return [results, told, failed.state, failed.problem.code, outbox.entries.length];""",
    )
    assert told == [["invalid", "stored"], ["a", "b", "a"], "failed", "invalid", 0]


def test_one_that_takes_the_connection_down_each_time_is_given_up(page: Page) -> None:
    """Others of the same connection are sent again as often as it takes."""
    told = posted(
        page,
        """const lost = (closeCode) => ({ code: "disconnected", closeCode });
        answers.a = Array(9).fill(lost(1011));
        answers.x = Array(7).fill(lost(1006));
        const results = Promise.all([add("a"), add("x", "d")]);
        for (let i = 0; i < 9; i++) {
            await new Promise((resolve) => setTimeout(resolve, 5));
            outbox.flush();
        }
        return [await results, told.filter((id) => id === "a").length, told.filter((id) => id === "x").length];""",
    )
    assert told == [["disconnected", "stored"], 5, 8]


def test_what_waits_is_bounded(page: Page) -> None:
    told = posted(
        page,
        """for (let i = 0; i < 200; i++) add(`${i}`);
        const many = await add("more");
        outbox.clear(new http.Problem({}));
        return [many, await add("long", "c", "x".repeat(500000)), outbox.size];""",
    )
    assert told == ["outbox_full", "outbox_full", 0]


@pytest.mark.parametrize("event", ["state", "hello"])
def test_the_past_is_asked_for_before_anything_that_a_listener_says(page: Page, event: str) -> None:
    said = run(
        page,
        "chat-client",
        f"""await (async () => {{
            const said = [];
            let line;
            class Line extends EventTarget {{
                constructor() {{ super(); line = this; }}
                readyState = 1;
                send(text) {{ said.push(JSON.parse(text).op); }}
                close() {{}}
            }}
            const usual = globalThis.WebSocket;
            globalThis.WebSocket = Line;
            try {{
                const session = Object.assign(new EventTarget(), {{
                    user: {{ id: "me" }}, accessEnds: 0, access: async () => "t", bearer: async () => "t",
                }});
                const chat = new m.ChatClient({{ origin: location.origin, session }});
                chat.api.ticket = async () => ({{ ticket: "t" }});
                chat.addEventListener("{event}", ({{ detail }}) => {{
                    if ("{event}" === "hello" || detail.name === "online") chat.read("A", 7).catch(() => 0);
                }});
                chat.track("A", 5);
                chat.start();
                while (!line) await new Promise((resolve) => setTimeout(resolve, 5));
                const hello = {{ event: "hello", user: {{ id: "me" }}, heads: {{ A: 9 }}, heartbeat: 25 }};
                line.dispatchEvent(Object.assign(new Event("message"), {{ data: JSON.stringify(hello) }}));
                chat.stop();
            }} finally {{
                globalThis.WebSocket = usual;
            }}
            return said;
        }})()""",
    )
    assert said == ["resume", "read"]


def test_times_of_snoozing_are_mornings_by_the_clock_of_the_user(page: Page) -> None:
    def offered(now: str) -> list[str]:
        told: list[str] = run(
            page,
            "snooze",
            f"m.choices(new Date('{now}')).map(({{until: u}}) => [u.getMonth() + 1, u.getDate(), u.getHours()].join())",
        )
        return told

    assert offered("2026-12-31T23:30") == ["1,1,0", "1,1,2", "1,1,9", "1,4,9", "1,7,23"]  # a Thursday
    assert offered("2026-12-28T08:00") == ["12,28,9", "12,28,11", "12,29,9", "1,4,9", "1,4,8"]  # a Monday
    assert offered("2027-01-03T08:00")[3] == "1,4,9"  # a Sunday


def test_what_is_left_to_wait_is_counted_for_members_from_their_own_last_message(page: Page) -> None:
    lines = '[["text", "me"], ["text", "x"], ["system", "me"]]'
    said = f"{{messages: new Map({lines}.map(([type, id], at) => [at + 1, {{seq: at + 1, type, sender: {{id}}}}]))}}"
    assert run(page, "pace", f'm.lastSaid({said}, {{id: "me"}}).seq') == 1
    assert run(page, "pace", "[9, 65, 3605].map(m.countdown)") == ["9 s", "1:05 min", "1:00:05 h"]
    paced = """["member", "admin", "owner"].map((role) => m.isPaced({slow_mode_s: 5, membership: {role}}))"""
    assert run(page, "pace", paced) == [True, False, False]
    assert run(page, "canned", """["/", "/he-1", "/Ä", "he", "/a b", " /a"].map(m.wanted)""") == [
        "",
        "he-1",
        "ä",
        None,
        None,
        None,
    ]


def test_in_slow_mode_nothing_is_sent_while_a_message_is_on_its_way(page: Page) -> None:
    code = """(() => {
        const held = [];
        const line = new m.SlowModeLine({me: {id: "me"}, hold: (on) => held.push(on)});
        const conversation = {id: "c", slow_mode_s: 5, membership: {role: "member"}};
        for (const state of ["pending", "failed"])
            line.render(conversation, {messages: new Map(), pending: new Map([["a", {state}]])});
        return held;
    })()"""
    assert run(page, "views/slow-mode", code) == [True, False]


def test_a_shortcut_is_not_sent_while_replies_are_looked_for(page: Page) -> None:
    code = """(async () => {
        const said = [], answers = [], field = document.createElement("textarea");
        const read = () => new Promise((resolve) => answers.push(resolve));
        const list = new m.ReplyList({read, choose: (text) => said.push(text), manage() {}});
        const press = (key) => said.push(list.key(new KeyboardEvent("keydown", {key})));
        list.attach(field);
        list.offer("acme");
        for (const keys of [["Enter"], ["Escape", "Enter"]]) {
            field.value = "/hi";
            const typed = list.typed("/hi");
            keys.forEach(press);
            answers.pop()([{shortcut: "hi", content: "Good day"}]);
            await typed;
            press("Enter");
        }
        return said;
    })()"""
    assert run(page, "views/reply-list", code) == [True, "Good day", True, True, False, False]


def test_the_wait_after_a_message_is_whole_where_the_clock_of_the_browser_is_ahead(page: Page) -> None:
    code = """(() => {
        const held = [], sent_at = new Date(Date.now() - 300_000).toISOString();
        const line = new m.SlowModeLine({me: {id: "me"}, hold: (on) => held.push(on)});
        const conversation = {id: "c", slow_mode_s: 60, membership: {role: "member"}};
        const message = (seq) => [seq, {seq, type: "text", sender: {id: "me"}, sent_at}];
        const pending = new Map([["a", {state: "pending"}]]);
        line.render(conversation, {messages: new Map([message(1)]), pending: new Map()});
        line.render(conversation, {messages: new Map([message(1)]), pending});
        line.render(conversation, {messages: new Map([message(1), message(2)]), pending: new Map()});
        line.stop();
        return held;
    })()"""
    assert run(page, "views/slow-mode", code) == [False, True, True]
