/**
 * A chat in any front end: sign in, hear everything once and in order, send without loss.
 *
 *     const chat = new ChatClient({ origin: "https://chat.example.com" });
 *     chat.addEventListener("change", ({ detail }) => apply(detail));
 *     await chat.session.signIn({ username, password }); // or, after a reload: chat.session.restore()
 *     chat.start();
 *     const { results } = await chat.api.conversations();
 *     for (const { id, version } of results) chat.track(id, version);
 *     await chat.send({ conversation, content: "Hello" });
 *
 * It knows nothing of pages and elements, and needs only the modules that it imports: copy `chat-client.js`, `api.js`,
 * `backoff.js`, `connection.js`, `feed.js`, `frames.js`, `http.js`, `outbox.js`, `renewal.js`, `session.js`,
 * `shelf.js` and `signals.js`, or import it from the server. docs/how-to/write-a-client.md has a page that works.
 *
 * | to do                 | call                                                                                    |
 * |-----------------------|-----------------------------------------------------------------------------------------|
 * | sign in and out       | `session.signIn`, `.restore`, `.handOver`, `.signOut`, `.user`, `.signedIn`             |
 * | connect               | `start`, `stop`, `wake` (try now), `state`                                              |
 * | hold conversations    | `track(id, version)` once it is read, `forget`, `cursor`                                |
 * | write                 | `send`, `edit`, `remove`, `react`                                                       |
 * | what is not stored    | `outbox`, `unsent`, `retry`, `discard`                                                  |
 * | tell what one does    | `read`, `typing`                                                                        |
 * | see who is here       | `watch(users)`, then `passing` events `presence` of each                                |
 * | everything else       | `api.…` (REST)                                                                          |
 *
 * Each event has a `detail`; a name that is not in this table means nothing yet and may be passed over.
 *
 * | event      | detail                                  | meaning                                                    |
 * |------------|-----------------------------------------|------------------------------------------------------------|
 * | `state`    | `{name, retryAt, code}`                 | idle, connecting, online, waiting (until `retryAt`), refused |
 * | `hello`    | `{user, session, limits, unknown}`      | connected; `unknown`: conversations that are new, or moved, and not tracked |
 * | `change`   | `{event, conversation, version, data}`  | a durable change of a tracked conversation, once, in order |
 * | `note`     | `{event, conversation, notes_version, data}` | to agents: a note beside a case, newer where its `version` is; on `note.reset`, and after each `hello`, read those of the cases you show by `api.notes` |
 * | `passing`  | `{event, …}`                            | read, typing, presence: no version, may be lost            |
 * | `unknown`  | `{conversation}`                        | something moved where nothing is tracked: read it, track it |
 * | `reset`    | `{conversation}`                        | what is held is too old, or no longer ours: read it anew, track it |
 * | `caughtup` | `{conversation?}`                       | a replay is complete (of one conversation, or of all)      |
 * | `outbox`   | `{clientId, conversation, content, at, frame, state, problem, message?}` | one of the user's messages is `pending`, `sent` (`message`: as stored), `failed` (`problem`: why) or `discarded` |
 * | `signedout`| `{reason}`                              | asked, elsewhere (another tab), expired                    |
 *
 * What is written is kept in `localStorage` until it is stored: through lost connections, reloads and crashes, and until
 * its user signs in again where the session ran out. `session.signOut()` forgets it.
 *
 * @typedef {{conversation: string, content: string, clientId?: string, type?: string, metadata?: object,
 *            replyTo?: number, mentions?: string[], attachments?: string[], internal?: boolean}} Draft `internal`: a note among
 *   the agents of a case, with `content` alone
 */
import { Api } from "./api.js";
import { backoff } from "./backoff.js";
import { Connection } from "./connection.js";
import { Feed } from "./feed.js";
import { Problem } from "./http.js";
import { Outbox } from "./outbox.js";
import { Renewal } from "./renewal.js";
import { Session, randomId } from "./session.js";
import { listenToBrowser } from "./signals.js";

const DURABLE = /^(message|conversation|participant)\./;
const NOTE = /^note\./;
const TYPING_EVERY_MS = 3_000;
const CURSORS_A_FRAME = 200;
const MOST_WATCHED = 200;

export class ChatClient extends EventTarget {
  #connection;
  #feed;
  #outbox;
  #renewal;
  #hello = null;
  #typedAt = new Map();
  #watched = [];
  #listening = null;

  /**
   * @param {{origin?: string, session?: Session, random?: () => number}} [options] `origin` of the server;
   *   `session` may be any EventTarget with `access({insteadOf})`, `accessEnds`, `user` and a `signedout` event, such
   *   as one that gets its tokens from an outside identity provider
   */
  constructor({ origin = globalThis.location?.origin, session, random } = {}) {
    super();
    const base = `${origin}/api/v1`;
    this.session = session ?? new Session({ base });
    this.api = new Api({ tokens: this.session, base });
    this.#connection = new Connection({
      url: `${origin.replace(/^http/, "ws")}/ws/chat`,
      ticket: (why) => this.#ticket(why),
      random,
    });
    this.#renewal = new Renewal({
      session: this.session,
      show: (token) => this.#connection.request({ op: "auth", token }),
    });
    this.#feed = new Feed({ changes: (conversation, window) => this.api.changes(conversation, window) });
    this.#outbox = new Outbox({
      request: (frame) => this.#connection.request(frame),
      ready: () => this.#connection.online,
    });
    this.#wire();
  }

  /** @returns {{name: string, retryAt: number, code: number}} the connection's state */
  get state() {
    return this.#connection.state;
  }

  /** How many messages wait for the server's acknowledgement. */
  get unsent() {
    return this.#outbox.size;
  }

  /** The user's messages that are not stored yet, oldest first, as in the `outbox` event. */
  get outbox() {
    return this.#outbox.entries;
  }

  /** Connect, and stay connected until `stop`. */
  start() {
    this.#listening ??= new AbortController();
    const doubt = () => this.#connection.doubt();
    listenToBrowser({ wake: () => this.wake(), doubt }, this.#listening.signal);
    if (this.session.user) this.#outbox.open(this.session.user.id);
    this.#connection.open();
  }

  stop() {
    this.#listening?.abort();
    this.#listening = null;
    this.#connection.close();
  }

  /** Forget what belongs to the user who was here; with `keep`, all but what they wrote and is not stored. */
  clear({ keep = false } = {}) {
    const reason = new Problem({ code: "signed_out", title: "You are signed out." });
    this.stop();
    this.#feed.clear();
    this.#typedAt.clear();
    this.#watched = [];
    if (keep) this.#outbox.close(reason);
    else this.#outbox.clear(reason);
  }

  /** Try now rather than when the next try is due. */
  wake() {
    this.#connection.wake();
  }

  /** State of this conversation as of `version` is held from now on: its changes are wanted. */
  track(conversation, version) {
    this.#feed.track(conversation, version);
  }

  forget(conversation) {
    this.#feed.forget(conversation);
  }

  /** @returns {number | undefined} the version up to which a tracked conversation is complete */
  cursor(conversation) {
    return this.#feed.cursor(conversation);
  }

  /**
   * Send a message; it waits for a connection, outlives lost ones and reloads, and is stored once. Messages of one
   * conversation are stored in the order in which they were sent.
   *
   * @param {Draft} draft the same `clientId` again is the same message
   * @returns {Promise<object>} the stored message or note
   * @throws {Problem} where the server refuses it (it is then in `outbox` as `failed`), or where 200 wait already
   */
  send({ conversation, content, clientId = randomId(), type, metadata, replyTo, mentions, attachments, internal }) {
    this.#typedAt.delete(conversation);
    const frame = { op: "send", conversation, client_id: clientId, content };
    if (type) frame.type = type;
    if (metadata) frame.metadata = metadata;
    if (replyTo) frame.reply_to = replyTo;
    if (mentions?.length) frame.mentions = mentions;
    if (attachments?.length) frame.attachments = attachments;
    if (internal) frame.internal = true;
    return this.#outbox.add(frame);
  }

  /** Send a refused message once more. */
  retry(clientId) {
    this.#outbox.retry(clientId);
  }

  /** Let go of a refused message. */
  discard(clientId) {
    this.#outbox.discard(clientId);
  }

  /** @returns {Promise<object>} the message as it is now */
  edit(conversation, seq, content) {
    return this.#connection.request({ op: "edit", conversation, seq, content });
  }

  /** @returns {Promise<object>} the deleted message: its place, without content */
  remove(conversation, seq) {
    return this.#connection.request({ op: "delete", conversation, seq });
  }

  /** Put an emoji under a message, or take it back. @returns {Promise<object>} the message as it is now */
  react(conversation, seq, emoji, on) {
    return this.#connection.request({ op: "react", conversation, seq, emoji, on });
  }

  /** @returns {Promise<{last_read_seq: number, unread_count: number}>} */
  read(conversation, seq) {
    return this.#connection.request({ op: "read", conversation, seq });
  }

  /** Say that the user types (at most every 3 s) or stopped. */
  typing(conversation, on) {
    const now = Date.now();
    const recently = now - (this.#typedAt.get(conversation) ?? -Infinity) < TYPING_EVERY_MS;
    if (on ? recently : !this.#typedAt.has(conversation)) return;
    if (on) this.#typedAt.set(conversation, now);
    else this.#typedAt.delete(conversation);
    this.#connection.post({ op: "typing", conversation, on });
  }

  /** From now on hear of these people's presence (at most 200), and of no others'; also after reconnecting. */
  watch(users) {
    const wanted = [...new Set(users)].sort().slice(0, MOST_WATCHED);
    if (wanted.join() === this.#watched.join()) return;
    this.#watched = wanted;
    if (this.#hello) this.#connection.post({ op: "presence", users: wanted });
  }

  #wire() {
    this.#connection.addEventListener("state", ({ detail }) => {
      if (detail.name === "online") return; // told once the past was asked for
      this.#offline();
      this.#fire("state", detail);
    });
    this.#connection.addEventListener("hello", ({ detail }) => this.#welcome(detail));
    this.#connection.addEventListener("frame", ({ detail }) => this.#dispatch(detail));
    this.#feed.addEventListener("change", ({ detail }) => this.#change(detail));
    for (const name of ["unknown", "reset", "caughtup"]) {
      this.#feed.addEventListener(name, ({ detail }) => this.#fire(name, detail));
    }
    this.#outbox.addEventListener("entry", ({ detail }) => this.#fire("outbox", detail));
    this.session.addEventListener("signedout", ({ detail }) => {
      this.clear({ keep: detail.reason === "expired" });
      this.#fire("signedout", detail);
    });
  }

  async #ticket(why) {
    await this.#renewal.token(why);
    return (await this.api.ticket()).ticket;
  }

  #offline() {
    this.#hello = null;
    this.#renewal.stop();
    this.#feed.dropHeld();
  }

  #welcome(hello) {
    this.#hello = hello;
    const { behind, unknown } = this.#feed.compare(hello.heads);
    this.#renewal.start();
    this.#outbox.open(hello.user.id);
    // First of all: whatever else is said, what is live comes at once, and the past would be too late.
    if (behind.length) this.#resume(behind);
    else this.#connection.post({ op: "ping" }); // wants no past, and need not wait
    this.#fire("state", this.#connection.state);
    this.#fire("hello", { ...hello, unknown });
    if (this.#watched.length) this.#connection.post({ op: "presence", users: this.#watched });
    this.#outbox.flush();
  }

  /** Ask for everything after the cursors of these, as often as it takes on this connection. */
  async #resume(conversations) {
    const parts = [];
    for (let from = 0; from < conversations.length; from += CURSORS_A_FRAME)
      parts.push(this.#replay(conversations.slice(from, from + CURSORS_A_FRAME)));
    const done = await Promise.all(parts);
    if (done.every(Boolean)) this.#fire("caughtup", {});
  }

  /** @returns {Promise<boolean>} false where the connection went away first: the next one asks again */
  async #replay(conversations) {
    const hello = this.#hello;
    for (let attempt = 0; hello === this.#hello; attempt++) {
      const held = conversations.filter((id) => this.cursor(id) !== undefined);
      const cursors = Object.fromEntries(held.map((id) => [id, this.cursor(id)]));
      try {
        // However long it takes: the heartbeat watches over it.
        if (held.length) await this.#connection.request({ op: "resume", cursors }, { timeout: 0 });
        return true;
      } catch (problem) {
        if (!problem.temporary) for (const conversation of held) this.#feed.reset(conversation);
      }
      await new Promise((resolve) => setTimeout(resolve, backoff(attempt)));
    }
    return false;
  }

  #dispatch(frame) {
    if (DURABLE.test(frame.event)) this.#feed.offer(frame);
    else if (NOTE.test(frame.event)) this.#hearNote(frame);
    else if (frame.event === "reset") this.#feed.reset(frame.conversation);
    else this.#fire("passing", frame);
  }

  #change(change) {
    this.#fire("change", change);
    if (change.event === "message.created") this.#own(change.data);
  }

  #hearNote(frame) {
    this.#fire("note", frame);
    if (frame.event === "note.created") this.#own(frame.data);
  }

  /** What the user wrote is its ack too: that one may have been lost with the connection before. */
  #own(data) {
    if (data.client_id && data.sender?.id === this.#hello?.user.id) this.#outbox.heard(data);
  }

  #fire(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
