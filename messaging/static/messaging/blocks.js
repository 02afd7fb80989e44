/**
 * Whom the user has blocked: read when it is first asked for, and kept. Nobody is told by an event, so what another page
 * of theirs changed shows when it is read anew.
 *
 * Fires `change`.
 */
import { nameOf } from "./conversations.js";

const PAGE = 200;

export class Blocks extends EventTarget {
  #api;
  /** @type {Map<string, object>} */
  #people = new Map();
  #reading = null;

  /** @param {{api: object}} parts */
  constructor({ api }) {
    super();
    this.#api = api;
  }

  /** @param {string} userId */
  has(userId) {
    return this.#people.has(userId);
  }

  /** By their names. */
  get people() {
    return [...this.#people.values()].sort((a, b) => nameOf(a).localeCompare(nameOf(b)));
  }

  /** @param {{anew?: boolean}} [options] @throws {Problem} the next one asks again */
  read({ anew = false } = {}) {
    if (anew) this.#reading = null;
    this.#reading ??= this.#load().catch((problem) => {
      this.#reading = null;
      throw problem;
    });
    return this.#reading;
  }

  /** Block somebody, or hear from them again. @param {object} user @param {boolean} on */
  async set(user, on) {
    await this.#api.block(user.id, on);
    if (on) this.#people.set(user.id, user);
    else this.#people.delete(user.id);
    this.dispatchEvent(new Event("change"));
  }

  async #load() {
    const people = new Map();
    let cursor;
    do {
      const { results, next } = await this.#api.blocks({ cursor, limit: PAGE });
      for (const user of results) people.set(user.id, user);
      cursor = next;
    } while (cursor);
    this.#people = people;
    this.dispatchEvent(new Event("change"));
  }
}
