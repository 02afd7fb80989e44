/** Shows the socket a new token before the old one runs out, so that it need not be closed for it. */
import { backoff } from "./backoff.js";

const BEFORE_MS = 90_000; // a tab in the background is given one turn a minute
const AT_SHARE = 2 / 3;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export class Renewal {
  #session;
  #show;
  #shown = "";
  #timer = 0;
  #failures = 0;

  /** @param {{session: object, show: (token: string) => Promise<unknown>}} parts `show` sends it over the socket */
  constructor({ session, show }) {
    this.#session = session;
    this.#show = show;
  }

  /** The token to connect with. @param {{refused: boolean}} why another one than the last, where that was refused */
  async token({ refused }) {
    this.#shown = await this.#session.access({ insteadOf: refused ? this.#shown : "" });
    return this.#shown;
  }

  /** The socket is there, with the token given. */
  start() {
    this.stop();
    const ends = this.#session.accessEnds;
    if (!ends) return;
    const left = ends - Date.now();
    const wait = Math.max(backoff(this.#failures), left - BEFORE_MS, left * AT_SHARE);
    this.#timer = setTimeout(() => this.#renew(), Math.min(wait, LONGEST_TIMER_MS));
  }

  stop() {
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  async #renew() {
    const timer = this.#timer;
    try {
      // Where another tab or a call has renewed it already, this gives that one.
      const token = await this.#session.access({ insteadOf: this.#shown });
      await this.#show(token);
      this.#shown = token;
      this.#failures = 0;
    } catch {
      // The socket runs on until the server closes it, and the reconnect asks for a ticket with a new token.
      this.#failures += 1;
    }
    if (timer === this.#timer) this.start();
  }
}
