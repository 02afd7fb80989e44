/** What the agents of a business say often: held for a minute, or until it is changed here. */
const PAGE = 100;
const MOST_OFFERED = 8;
const FRESH_MS = 60_000;

/** What is typed while a reply is looked for: a slash and the beginning of a word, alone. */
const TYPED = /^\/([\p{L}\p{N}_.-]{0,40})$/u;

/** @param {string} text @returns {string | null} what is looked for, or null where nothing is */
export function wanted(text) {
  return text.match(TYPED)?.[1].toLowerCase() ?? null;
}

/** Those that fit, shortcuts that begin with the word first. @param {object[]} replies */
export function fitting(replies, word) {
  const begins = replies.filter(({ shortcut }) => shortcut.startsWith(word));
  const has = ({ shortcut, content }) => `${shortcut}\n${content.toLowerCase()}`.includes(word);
  return [...begins, ...replies.filter((reply) => !begins.includes(reply) && has(reply))].slice(0, MOST_OFFERED);
}

export class CannedReplies {
  #api;
  /** business → its replies, as a promise, and when they were asked for */
  #held = new Map();

  /** @param {object} api */
  constructor(api) {
    this.#api = api;
  }

  /** @returns {Promise<object[]>} by their shortcuts */
  read(businessId, { anew = false } = {}) {
    const held = this.#held.get(businessId);
    if (!anew && held && Date.now() - held.at < FRESH_MS) return held.replies;
    const replies = this.#all(businessId);
    this.#held.set(businessId, { at: Date.now(), replies });
    replies.catch(() => this.#held.delete(businessId));
    return replies;
  }

  /** Keep a new one, or (with an `id`) give one other words or another shortcut. */
  async keep(businessId, { id, ...facts }) {
    if (id) await this.#api.changeCannedReply(businessId, id, facts);
    else await this.#api.addCannedReply(businessId, facts);
    return this.read(businessId, { anew: true });
  }

  async remove(businessId, id) {
    await this.#api.deleteCannedReply(businessId, id);
    return this.read(businessId, { anew: true });
  }

  async #all(businessId) {
    const replies = [];
    let cursor;
    do {
      const page = await this.#api.cannedReplies(businessId, { cursor, limit: PAGE });
      replies.push(...page.results);
      cursor = page.next;
    } while (cursor);
    return replies;
  }
}
