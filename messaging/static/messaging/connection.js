/**
 * One WebSocket that is kept open: ticket, connect, hello, heartbeat, replies by `ref`, and again after every loss.
 *
 * Fires `state` (detail: {@link State}), `hello` (the hello frame) and `frame` (any other event of the server).
 *
 * @typedef {{name: "idle" | "connecting" | "online" | "waiting" | "refused", retryAt: number, code: number}} State
 */
import { Problem } from "./http.js";

export const PROTOCOL = "chat.v1";
const HELLO_MS = 15_000;
const REPLY_MS = 15_000;
const PONG_MS = 10_000;
const STEADY_MS = 10_000;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
const AT_LEAST_MS = { 1012: 1_000, 4403: 30_000, 4413: 2_000, 4429: 5_000 };

/**
 * How long to wait before the next try: exponential, with jitter so that a restart does not bring everybody at once.
 *
 * @param {number} attempt 0 for the first try after a loss
 * @param {{code?: number, random?: () => number}} [options] close code of the loss
 */
export function backoff(attempt, { code = 0, random = Math.random } = {}) {
  const ceiling = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** attempt);
  return Math.max(ceiling, AT_LEAST_MS[code] ?? 0) * (0.5 + random() / 2);
}

/** The frames of one WebSocket message: one JSON object a line. A line that is none is left out. */
export function framesOf(text) {
  const frames = [];
  for (const line of text.split("\n")) {
    if (!line.trim()) continue;
    try {
      const frame = JSON.parse(line);
      if (frame && typeof frame.event === "string") frames.push(frame);
    } catch {
      console.warn("chat: a line from the server is not JSON");
    }
  }
  return frames;
}

export class Connection extends EventTarget {
  /** @type {State} */
  state = { name: "idle", retryAt: 0, code: 0 };
  #url;
  #ticket;
  #random;
  #socket = null;
  #attempt = 0;
  #nextRef = 1;
  #frameBytes = 65_536;
  #replies = new Map();
  #timers = { retry: 0, hello: 0, beat: 0, pong: 0, steady: 0 };

  /**
   * @param {{url: string, ticket: () => Promise<string>, random?: () => number}} options
   *   `ticket` is asked before each try; a `Problem` of status 401 from it ends the trying
   */
  constructor({ url, ticket, random = Math.random }) {
    super();
    this.#url = url;
    this.#ticket = ticket;
    this.#random = random;
  }

  get online() {
    return this.state.name === "online";
  }

  /** Start, and keep trying until `close`. */
  open() {
    if (this.state.name === "idle" || this.state.name === "refused") this.#connect();
  }

  /** Stop for good (until `open`). */
  close() {
    this.#abandon("closed");
    this.#enter("idle");
  }

  /** Do not wait any longer before the next try: the network came back, or somebody looks at the page again. */
  wake() {
    if (this.state.name === "waiting") this.#connect();
    else if (this.online) this.#beat();
  }

  /** Take this socket for dead and connect anew. */
  drop() {
    if (this.online) this.#lost(0);
  }

  /** Send a frame that nobody waits for. */
  post(frame) {
    if (this.online) this.#socket.send(JSON.stringify(frame));
  }

  /**
   * Send a frame and wait for its one ack.
   *
   * @returns {Promise<object>} the ack's result
   * @throws {Problem} the error frame's; `disconnected` where the socket went away first, so that it is not known
   *   whether the server did it
   */
  request(frame, { timeout = REPLY_MS } = {}) {
    if (!this.online) return Promise.reject(disconnected());
    const ref = `r${this.#nextRef++}`;
    const text = JSON.stringify({ ...frame, ref });
    // The server would close the connection for it, and again each time that it is sent.
    if (new TextEncoder().encode(text).length > this.#frameBytes) return Promise.reject(tooLong());
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.drop(), timeout);
      this.#replies.set(ref, { resolve, reject, timer });
      this.#socket.send(text);
    });
  }

  #enter(name, { retryAt = 0, code = 0 } = {}) {
    this.state = { name, retryAt, code };
    this.dispatchEvent(new CustomEvent("state", { detail: this.state }));
  }

  async #connect() {
    this.#abandon("superseded");
    const attempt = {};
    this.#socket = attempt;
    this.#enter("connecting");
    try {
      const ticket = await this.#ticket();
      if (this.#socket === attempt) this.#dial(ticket);
    } catch (problem) {
      if (this.#socket !== attempt) return;
      if (problem.status === 401) this.#enter("refused", { code: 4401 });
      else this.#retry(0, (problem.retryAfter ?? 0) * 1000);
    }
  }

  #dial(ticket) {
    const socket = new WebSocket(`${this.#url}?ticket=${encodeURIComponent(ticket)}`, [PROTOCOL]);
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => {
      if (this.#socket === socket && typeof data === "string") this.#receive(data);
    });
    socket.addEventListener("close", ({ code }) => {
      if (this.#socket === socket) this.#lost(code);
    });
    this.#timers.hello = setTimeout(() => this.#lost(0), HELLO_MS);
  }

  #receive(text) {
    clearTimeout(this.#timers.pong);
    for (const frame of framesOf(text)) {
      if (frame.event === "ack" || frame.event === "error") this.#reply(frame);
      else if (frame.event === "hello") this.#welcome(frame);
      else if (frame.event !== "pong") this.dispatchEvent(new CustomEvent("frame", { detail: frame }));
    }
  }

  #welcome(hello) {
    clearTimeout(this.#timers.hello);
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
    if (frame.event === "ack") waiting.resolve(frame.result ?? {});
    else waiting.reject(refusal(frame.error ?? {}));
  }

  #beat() {
    this.post({ op: "ping" });
    clearTimeout(this.#timers.pong);
    this.#timers.pong = setTimeout(() => this.drop(), PONG_MS);
  }

  #lost(code) {
    this.#abandon("lost");
    this.#retry(code);
  }

  #retry(code, atLeast = 0) {
    const delay = Math.max(atLeast, backoff(this.#attempt++, { code, random: this.#random }));
    this.#enter("waiting", { retryAt: Date.now() + delay, code });
    this.#timers.retry = setTimeout(() => this.#connect(), delay);
  }

  /** Let go of the socket at once; a dead one may take minutes to say that it closed. */
  #abandon(reason) {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    const socket = this.#socket;
    this.#socket = null;
    if (socket instanceof WebSocket) socket.close(1000, reason);
    const replies = [...this.#replies.values()];
    this.#replies.clear();
    for (const { reject, timer } of replies) {
      clearTimeout(timer);
      reject(disconnected());
    }
  }
}

function disconnected() {
  return new Problem({ code: "disconnected", title: "The connection was lost." });
}

function tooLong() {
  return new Problem({ status: 413, code: "frame_too_large", title: "This is too long to send at once." });
}

function refusal({
  code = "error",
  title = "",
  detail = "",
  status = 400,
  retry_after: retryAfter = null,
  errors = [],
}) {
  return new Problem({
    status: code === "rate_limited" ? 429 : status,
    code,
    title,
    detail,
    errors,
    retryAfter,
  });
}
