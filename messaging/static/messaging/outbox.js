/**
 * Messages on their way: kept until the server says that they are stored, sent again after every reconnect.
 *
 * The server takes a `client_id` once, so sending again is always safe. Of a conversation one message is under way at
 * a time: the next must not overtake one that has to be sent again. What the server refuses for good stays as
 * `failed`, until somebody says `retry` or `discard`.
 *
 * Fires `entry` (detail: {@link Entry}, and with `sent` the stored `message`).
 *
 * @typedef {{op: "send", conversation: string, client_id: string, content: string}} SendFrame
 * @typedef {{clientId: string, conversation: string, content: string, frame: SendFrame, at: string,
 *            state: "pending" | "failed" | "sent" | "discarded", problem: Problem | null}} Entry
 */
import { backoff } from "./backoff.js";
import { Problem } from "./http.js";
import { Shelf } from "./shelf.js";

const MOST_UNDER_WAY = 16;
const MOST_KEPT = 200;
const MOST_CHARACTERS = 500_000;
const MOST_TRIES = 5;
/** Connections that end with one of these may have been ended by what was sent. */
const BLAMING = new Set([1007, 1009, 1011, 4400, 4413]);

export class Outbox extends EventTarget {
  /** @type {Map<string, {frame: SendFrame, at: string, problem: Problem | null, underWay: boolean, tries: number,
   *                     settle: {resolve: Function, reject: Function}[]}>} */
  #entries = new Map();
  #shelf = null;
  #user = "";
  #request;
  #ready;
  #pause = 0;
  #setbacks = 0;

  /** @param {{request: (frame: SendFrame) => Promise<object>, ready: () => boolean}} transport */
  constructor({ request, ready }) {
    super();
    this.#request = request;
    this.#ready = ready;
  }

  /** How many messages the server has not yet acknowledged, without those that it refused. */
  get size() {
    return [...this.#entries.values()].filter(({ problem }) => !problem).length;
  }

  /** Everything that is kept, oldest first. @returns {Entry[]} */
  get entries() {
    return [...this.#entries.values()].map(told);
  }

  /** From now on this user's: what an earlier page of theirs left behind is taken up and sent. */
  open(user) {
    if (user === this.#user) return;
    this.close(signedOut());
    this.#user = user;
    this.#shelf = new Shelf({ user, take: (left) => this.#takeOver(left) });
  }

  /**
   * @param {SendFrame} frame
   * @returns {Promise<object>} the stored message, however many connections that takes
   * @throws {Problem} where the server refuses it for good, or too many wait already
   */
  add(frame) {
    const known = this.#entries.get(frame.client_id);
    if (known) return this.#again(known);
    if (this.#isFull(frame)) return Promise.reject(full());
    const entry = fresh({ frame, at: new Date().toISOString() });
    const stored = this.#promise(entry);
    this.#entries.set(frame.client_id, entry);
    this.#changed(entry);
    this.flush();
    return stored;
  }

  /** Send one that was refused once more. */
  retry(clientId) {
    const entry = this.#entries.get(clientId);
    if (!entry?.problem) return;
    this.#entries.delete(clientId);
    Object.assign(entry, { problem: null, tries: 0, at: new Date().toISOString() });
    this.#entries.set(clientId, entry);
    this.#changed(entry);
    this.flush();
  }

  /** Let go of one that was refused. */
  discard(clientId) {
    const entry = this.#entries.get(clientId);
    if (!entry?.problem) return;
    this.#entries.delete(clientId);
    this.#changed(entry, { state: "discarded" });
  }

  /** Send what waits, oldest first; called at each (re)connect. */
  flush() {
    if (!this.#ready() || this.#pause) return;
    const all = [...this.#entries.values()];
    const busy = new Set(all.filter((entry) => entry.underWay).map(({ frame }) => frame.conversation));
    for (const entry of all) {
      if (busy.size >= MOST_UNDER_WAY) break;
      if (entry.problem || busy.has(entry.frame.conversation)) continue;
      busy.add(entry.frame.conversation);
      this.#deliver(entry);
    }
  }

  /** A message of the user came by another way than its ack: the ack was lost, or another tab sent it. */
  heard(message) {
    const entry = this.#entries.get(message.client_id);
    if (entry?.frame.conversation === message.conversation) this.#settle(entry, message);
  }

  /** Stop, and leave what is kept to the next page of this user. @param {Problem} reason for those who wait */
  close(reason) {
    this.#shelf?.leave();
    this.#end(reason);
  }

  /** Stop, and forget what is kept. @param {Problem} reason for those who wait */
  clear(reason) {
    this.#shelf?.clear();
    this.#end(reason);
  }

  #end(reason) {
    clearTimeout(this.#pause);
    this.#pause = this.#setbacks = 0;
    this.#shelf = null;
    this.#user = "";
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const entry of entries) reject(entry, reason);
  }

  async #deliver(entry) {
    entry.underWay = true;
    try {
      this.#settle(entry, await this.#request(entry.frame));
    } catch (problem) {
      entry.underWay = false;
      if (this.#entries.get(entry.frame.client_id) !== entry) return;
      if (mayPass(problem, entry)) this.#later(problem);
      else this.#fail(entry, problem);
    }
  }

  #settle(entry, message) {
    this.#setbacks = 0;
    if (this.#entries.get(entry.frame.client_id) !== entry) return;
    this.#entries.delete(entry.frame.client_id);
    this.#changed(entry, { state: "sent", message });
    for (const { resolve } of entry.settle.splice(0)) resolve(message);
    this.flush();
  }

  #fail(entry, problem) {
    entry.problem = problem;
    this.#changed(entry);
    reject(entry, problem);
    this.flush();
  }

  /** After a lost connection the next one flushes; else the server asked for patience. */
  #later(problem) {
    if (problem.code === "disconnected" || this.#pause) return;
    const wait = Math.max((problem.retryAfter ?? 0) * 1000, backoff(++this.#setbacks));
    this.#pause = setTimeout(() => {
      this.#pause = 0;
      this.flush();
    }, wait);
  }

  #again(entry) {
    const stored = this.#promise(entry);
    this.retry(entry.frame.client_id);
    return stored;
  }

  #promise(entry) {
    return new Promise((resolve, reject) => entry.settle.push({ resolve, reject }));
  }

  /** What another page left comes in among what is here, in the order in which it was written. */
  #takeOver(left) {
    const isNew = (entry) => entry?.frame?.client_id && !this.#entries.has(entry.frame.client_id);
    const news = left.filter(isNew).map(fresh);
    for (const entry of news) this.#entries.set(entry.frame.client_id, entry);
    const inOrder = [...this.#entries].sort(([, a], [, b]) => (a.at < b.at ? -1 : Number(a.at > b.at)));
    this.#entries = new Map(inOrder);
    for (const entry of news) this.#changed(entry);
    this.flush();
  }

  #changed(entry, more) {
    const kept = [...this.#entries.values()];
    this.#shelf?.save(kept.map(({ frame, at, problem }) => ({ frame, at, problem: problem && written(problem) })));
    this.dispatchEvent(new CustomEvent("entry", { detail: { ...told(entry), ...more } }));
  }

  #isFull(frame) {
    const frames = [...this.#entries.values()].map((entry) => entry.frame);
    const characters = [...frames, frame].reduce((sum, each) => sum + JSON.stringify(each).length, 0);
    return frames.length >= MOST_KEPT || characters > MOST_CHARACTERS;
  }
}

function fresh({ frame, at, problem = null }) {
  return { frame, at, problem: problem && new Problem(problem), underWay: false, tries: 0, settle: [] };
}

function told({ frame, at, problem }) {
  const { client_id: clientId, conversation, content } = frame;
  return { clientId, conversation, content, frame, at, problem, state: problem ? "failed" : "pending" };
}

function written({ status, code, title, detail, errors }) {
  return { status, code, title, detail, errors };
}

function reject(entry, problem) {
  for (const waiting of entry.settle.splice(0)) waiting.reject(problem);
}

/** Whether it is worth sending again. One that takes the connection down each time must not do so for ever. */
function mayPass(problem, entry) {
  if (problem.code === "server_error" || BLAMING.has(problem.closeCode)) entry.tries += 1;
  return problem.temporary && entry.tries < MOST_TRIES;
}

function full() {
  return new Problem({ status: 400, code: "outbox_full", title: "Too many messages wait to be sent already." });
}

function signedOut() {
  return new Problem({ code: "signed_out", title: "You are signed out." });
}
