/**
 * What one tab keeps of its user beyond its own end: a list in `localStorage`, under a name of the user and the tab.
 *
 * A tab holds a lock (Web Locks) as long as it lives. A list whose lock is free belongs to a tab that is gone, by a
 * reload, a crash or by closing it: one of those that are still there takes it over. Where a browser has no locks (a
 * page on plain http), every list found at the start is taken over; two tabs may then hold the same.
 */
import { randomId } from "./session.js";

const PREFIX = "chat.outbox:";

export class Shelf {
  #prefix;
  #key;
  #take;
  #watched = new Set();
  #ended = new AbortController();

  /**
   * @param {{user: string, take: (entries: object[]) => void}} parts `take` gets what a tab left behind; it must
   *   `save` it, since the old list is removed after that
   */
  constructor({ user, take }) {
    this.#prefix = `${PREFIX}${user}:`;
    this.#key = this.#prefix + randomId();
    this.#take = take;
    const { signal } = this.#ended;
    const gone = new Promise((resolve) => signal.addEventListener("abort", resolve));
    if (navigator.locks) {
      navigator.locks.request(this.#key, () => gone);
      const seen = ({ key, newValue }) => newValue && this.#watch(key);
      globalThis.addEventListener("storage", seen, { signal });
    }
    for (const key of keys()) this.#watch(key);
  }

  /** @param {object[]} entries all of them, oldest first */
  save(entries) {
    if (this.#ended.signal.aborted) return;
    try {
      if (entries.length) localStorage.setItem(this.#key, JSON.stringify(entries));
      else localStorage.removeItem(this.#key);
    } catch {
      // Storage is full or forbidden: the messages then last as long as the page.
    }
  }

  /** Leave the list to whoever comes. */
  leave() {
    this.#ended.abort();
  }

  /** Remove the list, and those that nobody has taken over yet. */
  clear() {
    this.save([]);
    this.#ended.abort();
    for (const key of this.#watched) this.#inherit(key, (name) => localStorage.removeItem(name), { ifAvailable: true });
  }

  #watch(key) {
    if (!key?.startsWith(this.#prefix) || key === this.#key || this.#watched.has(key)) return;
    this.#watched.add(key);
    this.#inherit(key, (name) => this.#takeOver(name), { signal: this.#ended.signal });
  }

  async #inherit(key, act, options) {
    const locked = (lock) => lock && act(key);
    if (navigator.locks) await navigator.locks.request(key, options, locked).catch(() => null);
    else queueMicrotask(() => act(key));
  }

  #takeOver(key) {
    this.#watched.delete(key);
    if (this.#ended.signal.aborted) return;
    const left = readList(key);
    if (left.length) this.#take(left);
    localStorage.removeItem(key);
  }
}

function keys() {
  try {
    return Object.keys(localStorage);
  } catch {
    return [];
  }
}

function readList(key) {
  try {
    const list = JSON.parse(localStorage.getItem(key) ?? "[]");
    return Array.isArray(list) ? list : [];
  } catch {
    return [];
  }
}
