/**
 * Between the chat and the page: what the server says goes into the store, what the user does goes to the server.
 *
 * Fires `gone` ({conversation, reason}: the conversation is no longer the user's) and `arrived` ({conversation,
 * message}: somebody else said something just now).
 */
import { counts } from "./conversations.js";
import { randomId } from "./session.js";
import { settled } from "./reactions.js";
import { beforeHole, isShown, windowOf } from "./threads.js";

const REFRESH_MS = 150;
const MANY = 12;
const INBOX_PAGE = 50;
const WATCHED = 100;

export class Controller extends EventTarget {
  #refreshing = new Set();
  #reading = new Map();
  #early = [];
  #gone = new Set();
  #opened = null;
  #place;

  /**
   * @param {{chat: object, store: object, place?: (id: string) => number | null}} parts the ChatClient, the Store, and
   *   which message the user looks at: null where that is the newest
   */
  constructor({ chat, store, place = () => null }) {
    super();
    this.#place = place;
    this.chat = chat;
    this.api = chat.api;
    this.store = store;
    chat.addEventListener("hello", ({ detail }) => this.#welcome(detail));
    chat.addEventListener("change", ({ detail }) => this.#apply(detail));
    chat.addEventListener("passing", ({ detail }) => this.#pass(detail));
    chat.addEventListener("unknown", ({ detail }) => this.refresh(detail.conversation));
    chat.addEventListener("reset", ({ detail }) => this.#readAnew(detail.conversation));
    chat.addEventListener("outbox", ({ detail }) => this.#follow(detail));
    store.addEventListener("change", ({ detail }) => {
      if (detail.has("inbox") || detail.has(`members:${this.#opened}`)) this.#watch();
    });
    chat.addEventListener("caughtup", ({ detail }) => this.#settle(detail.conversation));
  }

  // Reading

  /** Connect, and read the inbox. */
  async begin() {
    this.chat.start();
    await Promise.all([this.loadInbox(), this.loadUnread()]).catch(() => null);
    // What began after the inbox was read and before the connection heard is in neither.
    if (this.#early.some((id) => this.chat.cursor(id) === undefined)) await this.loadInbox().catch(() => null);
    this.#early = [];
  }

  /** The first page of the inbox. */
  async loadInbox() {
    try {
      const { results, next } = await this.api.conversations({ limit: INBOX_PAGE });
      for (const conversation of results) this.#take(conversation);
      this.store.inboxRead(next);
    } catch (problem) {
      this.store.inboxNotRead();
      throw problem;
    }
  }

  async loadMoreInbox() {
    const cursor = this.store.inboxNext;
    if (!cursor) return;
    const { results, next } = await this.api.conversations({ limit: INBOX_PAGE, cursor });
    for (const conversation of results) this.#take(conversation);
    this.store.inboxRead(next, { append: true });
  }

  async loadUnread() {
    this.store.putUnread(await this.api.unread());
  }

  /** Conversations by a typed search, also those that are not loaded. */
  async searchInbox(search) {
    const { results } = await this.api.conversations({ search, limit: 30 });
    for (const conversation of results) this.#take(conversation);
    return results;
  }

  /** Read one conversation soon; several asked for in a moment are read together. */
  refresh(id) {
    if (this.#refreshing.size === 0) setTimeout(() => this.#refreshAll(), REFRESH_MS);
    this.#refreshing.add(id);
  }

  async #refreshAll() {
    const ids = [...this.#refreshing];
    this.#refreshing.clear();
    if (ids.length > MANY) await this.loadInbox().catch(() => null);
    else await Promise.all(ids.map((id) => this.loadConversation(id).catch(() => null)));
  }

  /** @returns {Promise<object | null>} null where it is not, or no longer, the user's */
  async loadConversation(id) {
    try {
      return this.#take(await this.api.conversation(id));
    } catch (problem) {
      if (problem.status !== 404) throw problem;
      this.#drop(id, "gone");
      return null;
    }
  }

  /** Hold a conversation as the server gave it, unless changes that came meanwhile made it old. */
  #take(conversation) {
    const { id, version } = conversation;
    const held = this.store.conversations.get(id);
    if (held && (this.chat.cursor(id) ?? 0) > version) {
      this.refresh(id);
      return held;
    }
    this.#gone.delete(id);
    this.store.putConversation(conversation);
    this.chat.track(id, version);
    return conversation;
  }

  /** Make ready to show a conversation. @returns {Promise<object | null>} */
  async open(id) {
    this.#opened = id;
    const conversation = this.store.conversations.get(id) ?? (await this.loadConversation(id));
    if (!conversation) return null;
    if (this.store.thread(id).last !== null) this.store.clearThread(id);
    this.store.trimThread(id);
    if (!this.store.thread(id).loaded) await this.#loadNewest(id);
    this.loadMembers(id).catch(() => null);
    return conversation;
  }

  /** The same at one message, wherever it stands. */
  async openAt(id, seq) {
    const conversation = this.store.conversations.get(id) ?? (await this.loadConversation(id));
    if (!conversation) return null;
    if (!isShown(this.store.thread(id), seq)) await this.#loadAround(id, seq);
    this.loadMembers(id).catch(() => null);
    return conversation;
  }

  /** Back to the newest, from a place far back. */
  async openNewest(id) {
    if (this.store.thread(id).last === null) return;
    this.store.clearThread(id);
    await this.#loadNewest(id);
  }

  async #loadNewest(id) {
    if (this.store.thread(id).loading) return;
    await this.#load(id, {}, (page) => this.store.putPage(id, page));
  }

  async #loadAround(id, seq) {
    await this.#load(id, { around: seq }, (page) => this.store.putAround(id, page));
  }

  /** Read a page into a thread, unless that was emptied meanwhile: whoever did so reads it again. */
  async #load(id, window, put) {
    this.store.setThread(id, { loading: true, failed: false });
    const thread = this.store.thread(id);
    const isThere = () => this.store.threads.get(id) === thread;
    try {
      const page = await this.api.messages(id, window);
      if (!isThere()) return;
      put(page);
      this.store.setThread(id, { loading: false });
    } catch (problem) {
      if (!isThere()) return;
      this.store.setThread(id, { loading: false, failed: true });
      throw problem;
    }
  }

  /** The page above the window. */
  async loadOlder(id) {
    const thread = this.store.thread(id);
    if (!thread.loaded || thread.loading || !thread.hasBefore) return;
    this.store.setThread(id, { loading: true });
    try {
      const { first } = thread;
      const page = await this.api.messages(id, { before: first });
      // Meanwhile the window may have been trimmed or read anew: then the page no longer joins it.
      if (this.store.thread(id).first === first) this.store.putPage(id, page);
    } finally {
      this.store.setThread(id, { loading: false });
    }
  }

  /** The page below a window that does not reach the newest. */
  async loadNewer(id) {
    const { last, loaded, loading } = this.store.thread(id);
    if (last === null || !loaded || loading) return;
    this.store.setThread(id, { loading: true });
    try {
      const page = await this.api.messages(id, { after: last });
      if (this.store.thread(id).last === last) this.store.putNewer(id, page);
    } finally {
      this.store.setThread(id, { loading: false });
    }
  }

  async loadMembers(id) {
    const { results } = await this.api.members(id);
    this.store.putMembers(id, results);
  }

  // What the server says

  #welcome({ unknown }) {
    const { inboxLoaded, inboxFailed } = this.store;
    if (!inboxLoaded && !inboxFailed) this.#early = unknown;
    if (inboxFailed || (inboxLoaded && unknown.length > 0))
      this.loadInbox()
        .then(() => this.loadUnread())
        .catch(() => null);
  }

  /** Where the user is, which need not be the end. */
  async #readAnew(id) {
    const thread = this.store.threads.get(id);
    if (!thread?.loaded && !thread?.loading) {
      this.refresh(id);
      return;
    }
    const seq = this.#place(id);
    this.store.clearThread(id);
    const conversation = await this.loadConversation(id).catch(() => this.store.setThread(id, { failed: true }));
    if (conversation) await (seq ? this.#loadAround(id, seq) : this.#loadNewest(id)).catch(() => null);
  }

  #settle(id) {
    this.loadUnread().catch(() => null);
    const threads = id ? [id] : this.store.threads.keys();
    for (const thread of threads) this.#mend(thread);
  }

  /** Seqs have no holes; where the window has one, it is read. */
  async #mend(id) {
    const thread = this.store.threads.get(id);
    const after = thread?.loaded ? beforeHole(thread) : null;
    if (after !== null) this.store.putPage(id, await this.api.messages(id, { after }));
  }

  #apply({ event, conversation: id, data, reacted = [] }) {
    const [noun, verb] = event.split(".");
    if (noun === "message") this.#hear(id, verb, data, reacted);
    else if (noun === "participant") this.#applyMember(id, verb, data);
    else if (verb === "deleted") this.#drop(id, "deleted");
    else this.store.putFacts(id, data);
  }

  #hear(id, verb, told, reacted) {
    const held = this.store.threads.get(id)?.messages.get(told.seq);
    const isNew = verb === "created" && !held;
    const message = settled(told, reacted, held, this.store.me);
    this.store.putMessage(id, message);
    if (isNew && counts(message, this.store.me)) {
      this.dispatchEvent(new CustomEvent("arrived", { detail: { conversation: id, message } }));
    }
  }

  #applyMember(id, verb, participant) {
    const isMe = participant.user.id === this.store.me.id;
    if (verb === "left") this.store.dropMember(id, participant.user.id);
    else this.store.putMember(id, participant);
    if (verb === "left" && isMe) this.#drop(id, "left");
    else if (verb !== "updated" || isMe) this.refresh(id);
  }

  /** Hear who is here of those on the screen: whom one talks with directly, and who is in the open conversation. */
  #watch() {
    const peers = this.store.inbox().flatMap(({ peer }) => (peer ? [peer.id] : []));
    const members = [...(this.store.members.get(this.#opened)?.keys() ?? [])];
    this.chat.watch([...members.slice(0, WATCHED), ...peers.slice(0, WATCHED)]);
  }

  #pass({ event, conversation: id, user, on, seq, status, last_seen_at: seenAt }) {
    if (event === "typing") this.store.setTyping(id, user, on);
    if (event === "presence") this.store.putPresence(user, status, seenAt);
    if (event !== "read") return;
    this.store.putReading(id, user, seq);
    if (user === this.store.me.id) this.#readElsewhere(id, seq);
  }

  #readElsewhere(id, seq) {
    const conversation = this.store.conversations.get(id);
    if (!conversation?.membership) return;
    if (seq >= conversation.last_seq) this.store.markRead(id, seq);
    else if (seq !== conversation.membership.last_read_seq) this.refresh(id);
  }

  #drop(id, reason) {
    this.chat.forget(id);
    this.#gone.add(id);
    for (const { conversation, clientId } of this.chat.outbox) if (conversation === id) this.chat.discard(clientId);
    if (!this.store.conversations.has(id)) return;
    this.store.dropConversation(id);
    this.dispatchEvent(new CustomEvent("gone", { detail: { conversation: id, reason } }));
  }

  // What the user does

  /** Send, or send again; what becomes of it shows in the thread. */
  async send(id, content, { clientId = randomId(), internal = false } = {}) {
    try {
      await this.chat.send({ conversation: id, content, clientId, internal });
    } catch (problem) {
      const unsent = { clientId, conversation: id, content, frame: { internal }, at: new Date().toISOString(), problem };
      if (problem.code === "outbox_full") this.#follow(unsent);
    }
  }

  /** Upload a file and send it as a message of its own. @param {File} file */
  async sendFile(id, file) {
    const { id: attachment, content_type: kind } = await this.api.upload(file);
    const type = kind.startsWith("image/") ? "image" : "file";
    await this.chat.send({ conversation: id, content: "", type, attachments: [attachment] });
  }

  retry(id, clientId) {
    const pending = this.store.thread(id).pending.get(clientId);
    if (pending) return this.send(id, pending.content, { clientId, internal: pending.internal });
  }

  discard(id, clientId) {
    this.chat.discard(clientId);
    this.store.dropPending(id, clientId);
  }

  /** What became of a message that the user wrote, here or in a page before this one. */
  #follow({ clientId, conversation: id, content, frame, at, state, problem, message }) {
    const internal = Boolean(frame.internal);
    if (state === "sent" && internal) this.store.putNote(id, message);
    else if (state === "sent") this.store.putMessage(id, message);
    else if (state === "discarded") this.store.dropPending(id, clientId);
    else if (state === "failed" && this.#gone.has(id)) this.chat.discard(clientId);
    else {
      const why = problem && (problem.detail || problem.title || "It could not be sent.");
      const stands = why ? "failed" : "pending";
      this.store.putPending(id, { clientId, content, internal, at, state: stands, problem: why ?? "" });
    }
  }

  async edit(id, seq, content) {
    this.store.putMessage(id, await this.chat.edit(id, seq, content));
  }

  async remove(id, seq) {
    this.store.putMessage(id, await this.chat.remove(id, seq));
  }

  async react(id, seq, emoji, on) {
    this.store.putMessage(id, await this.chat.react(id, seq, emoji, on));
  }

  /** Everything in this conversation has been seen. */
  async readAll(id) {
    const { last_seq: seq, membership } = this.store.conversations.get(id) ?? {};
    if (!membership || seq <= membership.last_read_seq || this.#reading.get(id) === seq) return;
    this.#reading.set(id, seq);
    try {
      const { last_read_seq: read } = await this.chat.read(id, seq);
      // The server's count may be older than a message that came meanwhile; the thread has them all.
      const left = windowOf(this.store.thread(id)).filter((m) => m.seq > read && counts(m, this.store.me));
      this.store.markRead(id, read, left.length);
    } catch {
      // Not sent now, then with the next message or visit.
    } finally {
      this.#reading.delete(id);
    }
  }

  /** @returns {Promise<object>} the new conversation, or the one that these two already have */
  create(facts) {
    return this.take(this.api.createConversation(facts));
  }

  /** Hold the conversation that a call answers with. @param {Promise<object>} reply */
  async take(reply) {
    return this.#take(await reply);
  }

  /** Change something about a conversation's members, and read them again. @param {Promise<unknown>} done */
  async changeMembers(id, done) {
    await done;
    await Promise.all([this.loadMembers(id), this.loadConversation(id)]);
  }

  /** Change the user's own choices for a conversation. */
  async chooseFor(id, choices) {
    await this.api.changeMembership(id, choices);
    await this.loadConversation(id);
  }

  async leave(id) {
    await this.api.leave(id);
    this.#drop(id, "left");
  }

  async deleteConversation(id) {
    await this.api.deleteConversation(id);
    this.#drop(id, "deleted");
  }
}
