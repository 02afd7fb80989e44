/**
 * Messages on their way: kept until the server says that they are stored, sent again after every reconnect.
 *
 * The server takes a `client_id` once, so sending again is always safe. Nothing else needs to know whether the
 * socket was there when the user pressed Send.
 *
 * @typedef {{op: "send", conversation: string, client_id: string, content: string}} SendFrame
 */

const MOST_UNDER_WAY = 16;
const PAUSE_MS = 1_000;
const MOST_TRIES = 8;

export class Outbox {
  /** @type {Map<string, {frame: SendFrame, resolve: Function, reject: Function, underWay: boolean,
   *                     tries: number}>} */
  #entries = new Map();
  #request;
  #ready;
  #pause = 0;

  /** @param {{request: (frame: SendFrame) => Promise<object>, ready: () => boolean}} transport */
  constructor({ request, ready }) {
    this.#request = request;
    this.#ready = ready;
  }

  /** How many messages the server has not yet acknowledged. */
  get size() {
    return this.#entries.size;
  }

  /**
   * @param {SendFrame} frame
   * @returns {Promise<object>} the stored message, however many connections that takes
   * @throws {Problem} where the server refuses it for good
   */
  add(frame) {
    return new Promise((resolve, reject) => {
      this.#entries.set(frame.client_id, { frame, resolve, reject, underWay: false, tries: 0 });
      this.flush();
    });
  }

  /** Send what waits, oldest first; called at each (re)connect. */
  flush() {
    if (!this.#ready() || this.#pause) return;
    let underWay = [...this.#entries.values()].filter((entry) => entry.underWay).length;
    for (const entry of this.#entries.values()) {
      if (underWay >= MOST_UNDER_WAY) break;
      if (entry.underWay) continue;
      underWay += 1;
      this.#deliver(entry);
    }
  }

  /** Forget everything, as at signing out. @param {Error} reason */
  clear(reason) {
    clearTimeout(this.#pause);
    this.#pause = 0;
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const { reject } of entries) reject(reason);
  }

  async #deliver(entry) {
    entry.underWay = true;
    entry.tries += 1;
    try {
      const message = await this.#request(entry.frame);
      this.#settle(entry, () => entry.resolve(message));
    } catch (problem) {
      entry.underWay = false;
      // One that takes the connection down each time must not do so for ever.
      const again = problem.temporary && entry.tries < MOST_TRIES;
      if (!again) this.#settle(entry, () => entry.reject(problem));
      else if (problem.code !== "disconnected") this.#later(problem.retryAfter);
    }
  }

  #settle(entry, finish) {
    if (this.#entries.get(entry.frame.client_id) === entry) this.#entries.delete(entry.frame.client_id);
    finish();
    this.flush();
  }

  #later(seconds) {
    if (this.#pause) return;
    const wait = seconds ? seconds * 1000 : PAUSE_MS;
    this.#pause = setTimeout(() => {
      this.#pause = 0;
      this.flush();
    }, wait);
  }
}
