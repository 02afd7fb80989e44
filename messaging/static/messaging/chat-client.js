/**
 * A chat in any front end: sign in, hear everything once and in order, send without loss.
 *
 *     const chat = new ChatClient();
 *     await chat.session.signIn({ username, password });
 *     chat.addEventListener("change", ({ detail }) => apply(detail));
 *     chat.start();
 *     const { results } = await chat.api.conversations();
 *     for (const { id, version } of results) chat.track(id, version);
 *     await chat.send({ conversation, content: "Hello" });
 *
 * It knows nothing of pages and elements. The events, each with its `detail`:
 *
 * | event      | detail                                  | meaning                                                    |
 * |------------|-----------------------------------------|------------------------------------------------------------|
 * | `state`    | `{name, retryAt, code}`                 | idle, connecting, online, waiting (until `retryAt`), refused |
 * | `hello`    | `{user, session, limits, unknown, gone}`| connected; conversations that are new here, or no longer ours |
 * | `change`   | `{event, conversation, version, data}`  | a durable change of a tracked conversation, once, in order |
 * | `passing`  | `{event, conversation, …}`              | read, typing: no version, may be lost                      |
 * | `unknown`  | `{conversation}`                        | something moved where nothing is tracked: read it, track it |
 * | `reset`    | `{conversation}`                        | what is held is too old: read it anew, track it            |
 * | `caughtup` | `{conversation?}`                       | a replay is complete (of one conversation, or of all)      |
 * | `signedout`| `{reason}`                              | asked, elsewhere (another tab), expired                    |
 *
 * @typedef {{conversation: string, content: string, clientId?: string, type?: string, metadata?: object,
 *            replyTo?: number, mentions?: string[]}} Draft
 */
import { Api } from "./api.js";
import { Connection } from "./connection.js";
import { Feed } from "./feed.js";
import { Problem } from "./http.js";
import { Outbox } from "./outbox.js";
import { Session, randomId } from "./session.js";

const DURABLE = /^(message|conversation|participant)\./;
const TYPING_EVERY_MS = 3_000;
const RENEW_BEFORE_MS = 45_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const CURSORS_A_FRAME = 200;

export class ChatClient extends EventTarget {
  #connection;
  #feed;
  #outbox;
  #typedAt = new Map();
  #renewal = 0;

  /**
   * @param {{origin?: string, session?: Session, random?: () => number}} [options] `origin` of the server;
   *   `session` may be any EventTarget with `access({insteadOf})`, `accessEnds` and a `signedout` event, such as
   *   one that gets its tokens from an outside identity provider
   */
  constructor({ origin = globalThis.location?.origin, session, random } = {}) {
    super();
    const base = `${origin}/api/v1`;
    this.session = session ?? new Session({ base });
    this.api = new Api({ tokens: this.session, base });
    this.#connection = new Connection({
      url: `${origin.replace(/^http/, "ws")}/ws/chat`,
      ticket: async () => (await this.api.ticket()).ticket,
      random,
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

  /** Connect, and stay connected until `stop`. */
  start() {
    this.#connection.open();
  }

  stop() {
    clearTimeout(this.#renewal);
    this.#connection.close();
  }

  /** Forget what belongs to the user who was here. */
  clear() {
    this.stop();
    this.#feed.clear();
    this.#typedAt.clear();
    this.#outbox.clear(new Problem({ code: "signed_out", title: "You are signed out." }));
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
   * Send a message; it waits for a connection, outlives lost ones, and is stored once.
   *
   * @param {Draft} draft the same `clientId` again is the same message
   * @returns {Promise<object>} the stored message
   * @throws {Problem} where the server refuses it
   */
  send({ conversation, content, clientId = randomId(), type, metadata, replyTo, mentions }) {
    this.#typedAt.delete(conversation);
    const frame = { op: "send", conversation, client_id: clientId, content };
    if (type) frame.type = type;
    if (metadata) frame.metadata = metadata;
    if (replyTo) frame.reply_to = replyTo;
    if (mentions?.length) frame.mentions = mentions;
    return this.#outbox.add(frame);
  }

  /** @returns {Promise<object>} the message as it is now */
  edit(conversation, seq, content) {
    return this.#connection.request({ op: "edit", conversation, seq, content });
  }

  /** @returns {Promise<object>} the deleted message: its place, without content */
  remove(conversation, seq) {
    return this.#connection.request({ op: "delete", conversation, seq });
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

  #wire() {
    this.#connection.addEventListener("state", ({ detail }) => {
      if (detail.name !== "online") this.#feed.dropHeld();
      this.#fire("state", detail);
    });
    this.#connection.addEventListener("hello", ({ detail }) => this.#resume(detail));
    this.#connection.addEventListener("frame", ({ detail }) => this.#dispatch(detail));
    for (const name of ["change", "unknown", "reset", "caughtup"]) {
      this.#feed.addEventListener(name, ({ detail }) => this.#fire(name, detail));
    }
    this.session.addEventListener("signedout", ({ detail }) => {
      this.clear();
      this.#fire("signedout", detail);
    });
  }

  #resume(hello) {
    const { behind, gone, unknown } = this.#feed.compare(hello.heads ?? {});
    this.#scheduleRenewal();
    this.#fire("hello", { ...hello, gone, unknown });
    for (const conversation of gone) this.#feed.reset(conversation);
    const cursors = Object.entries(behind);
    for (let from = 0; from < cursors.length; from += CURSORS_A_FRAME) {
      const some = Object.fromEntries(cursors.slice(from, from + CURSORS_A_FRAME));
      this.#connection.post({ op: "resume", cursors: some });
    }
    this.#outbox.flush();
  }

  #dispatch(frame) {
    if (DURABLE.test(frame.event)) this.#feed.offer(frame);
    else if (frame.event === "reset") this.#feed.reset(frame.conversation);
    else if (frame.event === "resumed") this.#fire("caughtup", {});
    else this.#fire("passing", frame);
  }

  /** Show the socket a new token before the old one runs out, so that it need not be closed for it. */
  #scheduleRenewal() {
    clearTimeout(this.#renewal);
    const ends = this.session.accessEnds;
    if (!ends || !this.#connection.online) return;
    const wait = Math.max(5_000, ends - Date.now() - RENEW_BEFORE_MS);
    this.#renewal = setTimeout(() => this.#renew(), Math.min(wait, LONGEST_TIMER_MS));
  }

  async #renew() {
    try {
      const old = await this.session.access();
      const endsSoon = this.session.accessEnds - Date.now() < 2 * RENEW_BEFORE_MS;
      const token = endsSoon ? await this.session.access({ insteadOf: old }) : old;
      await this.#connection.request({ op: "auth", token });
    } catch {
      // The socket runs on until the server closes it, and the reconnect asks for a ticket with a new token.
    }
    this.#scheduleRenewal();
  }

  #fire(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
