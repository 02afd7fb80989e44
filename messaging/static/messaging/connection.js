/**
 * One WebSocket that is kept open: ticket, connect, hello, heartbeat, replies by `ref`, and again after every loss.
 *
 * There is never more than one, and between two tries there is always a pause: {@link backoff} after a loss, and still
 * a second, or what the server asked for, where the network or somebody at the page wants the next try at once.
 *
 * Fires `state` (detail: {@link State}), `hello` (the hello frame) and `frame` (any other event of the server).
 *
 * @typedef {{name: "idle" | "connecting" | "online" | "waiting" | "refused", retryAt: number, code: number}} State
 */
import { askedBy, backoff, floorOf } from "./backoff.js";
import { disconnected, frameTooLarge, framesOf, refusal, tooLong } from "./frames.js";

export const PROTOCOL = "chat.v1";
const OPEN = 1; // of WebSocket.readyState: not yet closing
const HELLO_MS = 30_000; // a server to which everybody comes back takes one after the other
const REPLY_MS = 15_000;
const PONG_MS = 10_000;
const PONG_IN_DOUBT_MS = 3_000;
const STEADY_MS = 10_000;
const APART_MS = 1_000;
const HUNG_MS = 3_000;
const UNAUTHENTICATED = 4401;
const ANSWERS = new Set(["ack", "error", "resumed"]);

export class Connection extends EventTarget {
  /** @type {State} */
  state = { name: "idle", retryAt: 0, code: 0 };
  #url;
  #ticket;
  #random;
  #socket = null;
  #attempt = 0;
  #triedAt = 0;
  #notBefore = 0;
  #silentUntil = 0;
  #nextRef = 1;
  #frameBytes = 65_536;
  #replies = new Map();
  #timers = { retry: 0, hello: 0, beat: 0, pong: 0, steady: 0 };

  /**
   * @param {{url: string, ticket: (why: {refused: boolean}) => Promise<string>, random?: () => number}} options
   *   `ticket` is asked before each try, with `refused` where the token behind the last one no longer counts; a
   *   `Problem` of status 401 from it ends the trying
   */
  constructor({ url, ticket, random = Math.random }) {
    super();
    this.#url = url;
    this.#ticket = ticket;
    this.#random = random;
  }

  get online() {
    return this.state.name === "online" && this.#socket.readyState === OPEN;
  }

  /** Start, and keep trying until `close`. */
  open() {
    if (this.state.name === "idle" || this.state.name === "refused") this.#connect();
  }

  /** Stop for good (until `open`). */
  close() {
    this.#abandon();
    this.#attempt = 0;
    this.#enter("idle");
  }

  /** Do not wait any longer before the next try: the network came back, or somebody looks at the page again. */
  wake() {
    const now = Date.now();
    if (this.online) this.#beat();
    else if (this.state.name === "waiting") {
      const soonest = Math.max(now, this.#notBefore, this.#triedAt + APART_MS);
      this.#tryAt(Math.min(soonest, this.state.retryAt));
    } else if (this.state.name === "connecting" && now - this.#triedAt > HUNG_MS) this.#connect();
  }

  /** The network may be gone: find out soon, since a dead connection says nothing by itself. */
  doubt() {
    if (this.online) this.#beat(PONG_IN_DOUBT_MS);
  }

  /** Send a frame that nobody waits for. */
  post(frame) {
    if (this.online) this.#socket.send(JSON.stringify(frame));
  }

  /**
   * Send a frame and wait for its one reply.
   *
   * @param {object} frame without `ref`
   * @param {{timeout?: number}} [options] in ms; a server that is silent for longer counts as dead. 0: only the
   *   heartbeat watches over it
   * @returns {Promise<object>} the ack's result
   * @throws {Problem} the error frame's; `disconnected` where the socket went away first, so that it is not known
   *   whether the server did it
   */
  request(frame, { timeout = REPLY_MS } = {}) {
    if (!this.online) return Promise.reject(disconnected());
    const ref = `r${this.#nextRef++}`;
    const text = JSON.stringify({ ...frame, ref });
    if (tooLong(text, this.#frameBytes)) return Promise.reject(frameTooLarge());
    return new Promise((resolve, reject) => {
      const timer = timeout ? setTimeout(() => this.#lost(0), timeout) : 0;
      this.#replies.set(ref, { resolve, reject, timer });
      this.#socket.send(text);
    });
  }

  #enter(name, { retryAt = 0, code = 0 } = {}) {
    this.state = { name, retryAt, code };
    this.dispatchEvent(new CustomEvent("state", { detail: this.state }));
  }

  async #connect() {
    const refused = this.state.code === UNAUTHENTICATED;
    this.#abandon();
    const attempt = {};
    this.#socket = attempt;
    this.#triedAt = Date.now();
    this.#timers.hello = setTimeout(() => this.#lost(0), HELLO_MS);
    this.#enter("connecting");
    try {
      const ticket = await this.#ticket({ refused });
      if (this.#socket === attempt) this.#dial(ticket);
    } catch (problem) {
      if (this.#socket === attempt) this.#noTicket(problem);
    }
  }

  #noTicket(problem) {
    this.#abandon();
    if (problem.status === 401) this.#enter("refused", { code: UNAUTHENTICATED });
    else this.#retry(0, (problem.retryAfter ?? 0) * 1000);
  }

  #dial(ticket) {
    const socket = new WebSocket(`${this.#url}?ticket=${encodeURIComponent(ticket)}`, [PROTOCOL]);
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      if (typeof data === "string") this.#receive(socket, data);
    });
    socket.addEventListener("close", ({ code, reason }) => {
      if (this.#socket === socket) this.#lost(code, askedBy(reason));
    });
  }

  #receive(socket, text) {
    if (this.#socket === socket) this.#heard();
    for (const frame of framesOf(text)) {
      // Whoever hears a frame may end the connection: the rest of the message is then of the past.
      if (this.#socket !== socket) return;
      if (frame.event === "hello") this.#welcome(frame);
      else if (ANSWERS.has(frame.event)) this.#reply(frame);
      else if (frame.event !== "pong") this.dispatchEvent(new CustomEvent("frame", { detail: frame }));
    }
  }

  #welcome(hello) {
    clearTimeout(this.#timers.hello);
    clearInterval(this.#timers.beat);
    this.#frameBytes = hello.limits?.frame_bytes ?? this.#frameBytes;
    this.#timers.steady = setTimeout(() => {
      this.#attempt = 0;
    }, STEADY_MS);
    this.#timers.beat = setInterval(() => this.#beat(), (hello.heartbeat || 25) * 1000);
    this.#enter("online");
    this.dispatchEvent(new CustomEvent("hello", { detail: hello }));
  }

  #reply(frame) {
    const waiting = this.#replies.get(frame.ref);
    if (!waiting) return;
    this.#replies.delete(frame.ref);
    clearTimeout(waiting.timer);
    if (frame.event === "error") waiting.reject(refusal(frame.error));
    else waiting.resolve(frame.result ?? {});
  }

  #heard() {
    clearTimeout(this.#timers.pong);
    this.#timers.pong = 0;
  }

  /** Asking again and again must not put off the moment at which silence tells. */
  #beat(within = PONG_MS) {
    const until = Date.now() + within;
    if (this.#timers.pong && this.#silentUntil <= until) return;
    clearTimeout(this.#timers.pong);
    this.#silentUntil = until;
    this.#timers.pong = setTimeout(() => this.#lost(0), within);
    this.post({ op: "ping" });
  }

  #lost(code, atLeast = 0) {
    this.#abandon(code);
    this.#retry(code, atLeast);
  }

  #retry(code, atLeast = 0) {
    const now = Date.now();
    this.#notBefore = now + floorOf(code, atLeast);
    this.#tryAt(now + backoff(this.#attempt++, { code, atLeast, random: this.#random }), code);
  }

  #tryAt(retryAt, code = this.state.code) {
    clearTimeout(this.#timers.retry);
    this.#timers.retry = setTimeout(() => this.#connect(), retryAt - Date.now());
    this.#enter("waiting", { retryAt, code });
  }

  /** Let go of the socket at once; a dead one may take minutes to say that it closed. */
  #abandon(code = 0) {
    for (const [name, timer] of Object.entries(this.#timers)) {
      clearTimeout(timer);
      this.#timers[name] = 0;
    }
    const socket = this.#socket;
    this.#socket = null;
    if (socket instanceof WebSocket) socket.close(1000);
    const replies = [...this.#replies.values()];
    this.#replies.clear();
    for (const { reject, timer } of replies) {
      clearTimeout(timer);
      reject(disconnected(code));
    }
  }
}
