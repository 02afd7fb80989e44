/**
 * Keeps the notes of the open case beside its messages: reads those of what is shown, hears of new ones, and reads them
 * anew after each time without a connection. Where the user is no agent it does nothing.
 *
 * Fires `noted` ({conversation, note}: another agent wrote one just now).
 */
import { backoff } from "./backoff.js";
import { worksOn } from "./conversations.js";
import { lacking } from "./notes.js";

const PAGE = 200;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class NoteKeeper extends EventTarget {
  #api;
  #store;
  #opened = null;
  #busy = new Set();
  /** business → whether the user is an owner among its agents, asked once a page */
  #owned = new Map();
  /** How often what was read came into doubt: a page from before may lack what was said since. */
  #doubts = 0;

  /** @param {{chat: object, store: object}} parts */
  constructor({ chat, store }) {
    super();
    this.#api = chat.api;
    this.#store = store;
    chat.addEventListener("note", ({ detail }) => this.#hear(detail));
    chat.addEventListener("hello", () => this.#doubt([...store.threads.keys()]));
    store.addEventListener("change", ({ detail }) => detail.has(`thread:${this.#opened}`) && this.#fill());
  }

  /** The user looks at this conversation now. @param {string | null} id */
  show(id) {
    this.#opened = id;
    this.#fill();
  }

  async edit(id, number, content) {
    this.#store.putNote(id, await this.#api.editNote(id, number, content));
  }

  async remove(id, number) {
    this.#store.putNote(id, await this.#api.deleteNote(id, number));
  }

  /** Whether the user may take this note back: their own, and as an owner of the business any. @returns {Promise<boolean>} */
  async mayRemove({ business_id: businessId }, note) {
    if (note.sender?.id === this.#store.me.id) return true;
    if (!this.#owned.has(businessId)) this.#owned.set(businessId, await this.#owns(businessId));
    return this.#owned.get(businessId);
  }

  async #owns(businessId) {
    let cursor;
    do {
      const { results, next } = await this.#api.agents(businessId, { cursor, limit: PAGE });
      const mine = results.find(({ user }) => user.id === this.#store.me.id);
      if (mine) return mine.role === "owner";
      cursor = next;
    } while (cursor);
    return false;
  }

  #hear({ event, conversation, data }) {
    if (event === "note.reset") {
      this.#doubt([conversation]);
      return;
    }
    const isNew = this.#store.putNote(conversation, data) && event === "note.created";
    if (isNew && data.sender.id !== this.#store.me.id)
      this.dispatchEvent(new CustomEvent("noted", { detail: { conversation, note: data } }));
  }

  #doubt(ids) {
    this.#doubts += 1;
    for (const id of ids) if (this.#store.threads.has(id)) this.#store.thread(id).noted = null;
    this.#fill();
  }

  /** Read what the window of the open case lacks, one part after the other. */
  async #fill() {
    const id = this.#opened;
    const conversation = this.#store.conversations.get(id);
    const thread = this.#store.threads.get(id);
    if (!thread || !conversation || !worksOn(conversation) || this.#busy.has(thread)) return;
    this.#busy.add(thread);
    const isOpen = () => this.#opened === id && this.#store.threads.get(id) === thread;
    for (let attempt = 0, span; isOpen() && (span = lacking(thread)); ) {
      const problem = await this.#read(id, span, isOpen).catch((caught) => caught);
      if (!problem) attempt = 0;
      else if (!problem.temporary) break; // no longer an agent there: nothing is to be seen
      else await sleep(Math.max(backoff(attempt++), (problem.retryAfter ?? 0) * 1000));
    }
    this.#busy.delete(thread);
  }

  async #read(id, { from, to }, isOpen) {
    const doubts = this.#doubts;
    const notes = [];
    let cursor;
    do {
      const page = await this.#api.notes(id, { from, to, cursor, limit: PAGE });
      notes.push(...page.results);
      cursor = page.next;
    } while (cursor && isOpen());
    if (isOpen() && doubts === this.#doubts) this.#store.putNotes(id, notes, { from, to });
  }
}
