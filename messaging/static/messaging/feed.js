/**
 * Every durable change of a conversation once, in order, whatever the socket lost or doubled.
 *
 * A cursor is the version up to which the holder's state has everything. A change says in `prev` which version must
 * be there before it; where that is more than the cursor, something was lost and is read over REST.
 *
 * Fires `change` (a durable event), `unknown` ({conversation}: something moved where no state is held),
 * `reset` ({conversation}: the state held is too old or gone, read it anew) and `caughtup` ({conversation}).
 *
 * @typedef {{event: string, conversation: string, version: number, prev: number, data: object}} Change
 * @typedef {{results: Change[], next: string | null, version: number}} ChangesPage
 */

import { backoff } from "./backoff.js";

const MOST_ROUNDS = 20;
const MOST_READS = 5;

/** What to do with a change where everything up to `cursor` is held. @returns {"old" | "next" | "gap"} */
export function placeOf({ version, prev }, cursor) {
  if (version <= cursor) return "old";
  return prev > cursor ? "gap" : "next";
}

function isChange({ conversation, version, prev }) {
  return typeof conversation === "string" && Number.isSafeInteger(version) && Number.isSafeInteger(prev);
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Feed extends EventTarget {
  /** @type {Map<string, number>} */
  #cursors = new Map();
  /** @type {Map<string, number>} the newest version heard of, also where no state is held */
  #heads = new Map();
  /** @type {Map<string, Change[]>} what waits behind a gap that is being read */
  #held = new Map();
  #read;

  /** @param {{changes: (conversation: string, window: {after: number, cursor?: string}) => Promise<ChangesPage>}} source */
  constructor({ changes }) {
    super();
    this.#read = changes;
  }

  /** The holder now has this conversation's state as of `version`; what came since is read, if anything did. */
  track(conversation, version) {
    if (this.#cursors.has(conversation)) return;
    this.#cursors.set(conversation, version);
    if ((this.#heads.get(conversation) ?? 0) > version) this.#catchUp(conversation);
  }

  forget(conversation) {
    this.#cursors.delete(conversation);
    this.#held.delete(conversation);
  }

  clear() {
    this.#cursors.clear();
    this.#heads.clear();
    this.#held.clear();
  }

  /** @returns {number | undefined} */
  cursor(conversation) {
    return this.#cursors.get(conversation);
  }

  /**
   * Compare the heads of a hello with what is held.
   *
   * @param {Record<string, number>} heads
   * @returns {{behind: string[], unknown: string[]}} tracked conversations to ask about, also those without a head:
   *   they are no longer the user's, or cases that they hear without a seat; and untracked ones that are new or moved
   *   since the last hello
   */
  compare(heads) {
    const isBehind = ([id, version]) => !(heads[id] <= version);
    const moved = ([id, version]) => !this.#cursors.has(id) && version > (this.#heads.get(id) ?? -1);
    const ids = (pairs) => pairs.map(([id]) => id);
    const behind = ids([...this.#cursors].filter(isBehind));
    const unknown = ids(Object.entries(heads).filter(moved));
    for (const [id, version] of Object.entries(heads)) this.#hear(id, version);
    return { behind, unknown };
  }

  /** A durable event from the socket. @param {Change} change */
  offer(change) {
    if (!isChange(change)) return;
    const { conversation, version } = change;
    this.#hear(conversation, version);
    const cursor = this.#cursors.get(conversation);
    if (cursor === undefined) this.#fire("unknown", { conversation });
    else if (this.#held.has(conversation)) this.#held.get(conversation).push(change);
    else if (placeOf(change, cursor) === "gap") this.#catchUp(conversation, change);
    else if (placeOf(change, cursor) === "next") this.#apply(change);
  }

  /** The server cannot or will not replay this conversation. */
  reset(conversation) {
    this.forget(conversation);
    this.#fire("reset", { conversation });
  }

  /** The socket is gone: what was held back comes again with the resume. */
  dropHeld() {
    this.#held.clear();
  }

  #hear(conversation, version) {
    this.#heads.set(conversation, Math.max(version, this.#heads.get(conversation) ?? 0));
  }

  #apply(change) {
    this.#cursors.set(change.conversation, change.version);
    this.#fire("change", change);
  }

  async #catchUp(conversation, first) {
    if (this.#held.has(conversation)) return;
    const held = first ? [first] : [];
    this.#held.set(conversation, held);
    const mine = () => this.#held.get(conversation) === held;
    try {
      await this.#fill(conversation, held, mine);
      if (mine()) this.#release(conversation, held);
    } catch {
      if (mine()) this.reset(conversation);
    }
  }

  /** Read until nothing is missing before what is held back; throws where the server never has it. */
  async #fill(conversation, held, mine) {
    let reads = 0;
    for (let attempt = 0; mine(); attempt++) {
      const problem = await this.#readChanges(conversation, mine).catch((caught) => caught);
      if (problem && !problem.temporary) throw problem;
      if (!problem && !this.#lacks(conversation, held)) return;
      if (!problem && ++reads === MOST_READS) throw new Error("What came before is nowhere to be read.");
      await sleep(Math.max(backoff(attempt), (problem?.retryAfter ?? 0) * 1000));
    }
  }

  #lacks(conversation, held) {
    const cursor = this.#cursors.get(conversation);
    const news = held.filter((change) => placeOf(change, cursor) !== "old");
    return news.length > 0 && news.every((change) => placeOf(change, cursor) === "gap");
  }

  /** Read and apply all that came after the cursor; stops where a reset or a new connection overtakes it. */
  async #readChanges(conversation, mine) {
    let cursor;
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const page = await this.#read(conversation, { after: this.#cursors.get(conversation), cursor });
      if (!mine()) return;
      for (const change of page.results) {
        if (change.version > this.#cursors.get(conversation)) this.#apply(change);
      }
      if (!page.next) {
        this.#cursors.set(conversation, Math.max(page.version, this.#cursors.get(conversation)));
        return;
      }
      cursor = page.next;
    }
    this.reset(conversation);
  }

  #release(conversation, held) {
    this.#held.delete(conversation);
    for (const change of held.sort((a, b) => a.version - b.version)) this.offer(change);
    if (!this.#held.has(conversation)) this.#fire("caughtup", { conversation });
  }

  #fire(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
