/**
 * What the page knows. It changes only by these methods, and says what changed in one `change` event a turn
 * (detail: a Set of topics: `inbox`, `conversation:<id>`, `thread:<id>`, `members:<id>`, `typing:<id>`, `presence`,
 * `unread`).
 */
import { inInboxOrder, isJoined, nameOf, withFacts, withMessage, withRead } from "./conversations.js";
import { markNoted, upsertNote } from "./notes.js";
import { emptyThread, hasSent, takeAround, takeNewer, takePage, trim, upsert } from "./threads.js";

const TYPING_MS = 6_000;
const KEPT_MESSAGES = 100;
const MANY_MESSAGES = 400;

export class Store extends EventTarget {
  inboxLoaded = false;
  inboxFailed = false;
  inboxNext = null;
  conversations = new Map();
  threads = new Map();
  /** conversation → user → participant */
  members = new Map();
  people = new Map();
  #typing = new Map();
  #presence = new Map();
  #unread = new Map();
  #topics = new Set();

  /** @param {object} me the user whose page this is */
  constructor(me) {
    super();
    this.me = me;
    this.people.set(me.id, me);
  }

  // Conversations

  /** The inbox in order. */
  inbox() {
    return [...this.conversations.values()].filter(isJoined).sort(inInboxOrder);
  }

  /** A page of the inbox was read; `next` is the cursor of the one after it. */
  inboxRead(next, { append = false } = {}) {
    if (append || !this.inboxLoaded) this.inboxNext = next;
    this.inboxLoaded = true;
    this.inboxFailed = false;
    this.#touch("inbox");
  }

  inboxNotRead() {
    this.inboxFailed = true;
    this.#touch("inbox");
  }

  putConversation(conversation) {
    this.conversations.set(conversation.id, conversation);
    if (isJoined(conversation)) this.#unread.set(conversation.id, conversation.unread_count);
    this.#meet(conversation.peer, conversation.last_message?.sender);
    this.#touch("inbox", "unread", `conversation:${conversation.id}`);
  }

  dropConversation(id) {
    for (const held of [this.conversations, this.threads, this.members, this.#typing, this.#unread])
      held.delete(id);
    this.#touch("inbox", "unread", `conversation:${id}`);
  }

  #change(id, how) {
    const conversation = this.conversations.get(id);
    if (conversation) this.putConversation(how(conversation));
  }

  putFacts(id, facts) {
    this.#change(id, (conversation) => withFacts(conversation, facts));
  }

  markRead(id, seq, unread) {
    this.#change(id, (conversation) => withRead(conversation, seq, unread));
  }

  /** The whole truth about unread messages. @param {{conversations: {id: string, unread_count: number}[]}} reply */
  putUnread({ conversations }) {
    const counts = new Map(conversations.map(({ id, unread_count: count }) => [id, count]));
    for (const conversation of this.conversations.values()) {
      const count = counts.get(conversation.id) ?? 0;
      if (conversation.unread_count !== count) this.putConversation({ ...conversation, unread_count: count });
    }
    this.#unread = counts;
    this.#touch("unread");
  }

  /** Unread messages everywhere, also in conversations that are not loaded. */
  get unreadTotal() {
    let total = 0;
    for (const count of this.#unread.values()) total += count;
    return total;
  }

  // Messages

  /** The conversation's messages; made empty at the first asking. */
  thread(id) {
    if (!this.threads.has(id)) this.threads.set(id, emptyThread());
    return this.threads.get(id);
  }

  /** Change flags of a thread, such as `loading`. */
  setThread(id, flags) {
    Object.assign(this.thread(id), flags);
    this.#touch(`thread:${id}`);
  }

  clearThread(id) {
    const { pending } = this.thread(id);
    this.threads.set(id, { ...emptyThread(), pending });
    this.#touch(`thread:${id}`);
  }

  /** Let go of what somebody scrolled far back for. */
  trimThread(id) {
    const thread = this.thread(id);
    if (thread.messages.size < MANY_MESSAGES) return;
    trim(thread, KEPT_MESSAGES);
    this.#touch(`thread:${id}`);
  }

  /** A page of history. @param {(thread: object, page: object, me: object) => void} [take] where it belongs */
  putPage(id, page, take = takePage) {
    take(this.thread(id), page, this.me);
    for (const { sender } of page.results) this.#meet(sender);
    this.#touch(`thread:${id}`);
  }

  putAround(id, page) {
    this.putPage(id, page, takeAround);
  }

  putNewer(id, page) {
    this.putPage(id, page, takeNewer);
  }

  putMessage(id, message) {
    this.#meet(message.sender);
    if (message.sender) this.setTyping(id, message.sender.id, false);
    const thread = this.threads.get(id);
    const isNews = !thread || upsert(thread, message, this.me);
    if (thread) this.#touch(`thread:${id}`);
    // What an ack brought comes again as an event; a page may have brought a message before its event did.
    const counted = !isNews && message.seq <= (this.conversations.get(id)?.last_seq ?? 0);
    if (!counted) this.#change(id, (conversation) => withMessage(conversation, message, this.me));
  }

  /** @returns {boolean} whether it is new in a thread that is held */
  putNote(id, note) {
    const thread = this.threads.get(id);
    if (!thread) return false;
    this.#meet(note.sender);
    this.#touch(`thread:${id}`);
    return upsertNote(thread, note, this.me);
  }

  /** The notes beside a span of messages. @param {object[]} notes @param {import("./notes.js").Span} span */
  putNotes(id, notes, span) {
    for (const note of notes) this.putNote(id, note);
    markNoted(this.thread(id), span);
  }

  /** Unless it is there already: a page of history may know more than the outbox. */
  putPending(id, pending) {
    if (!hasSent(this.thread(id), pending.clientId, this.me)) this.thread(id).pending.set(pending.clientId, pending);
    this.#touch(`thread:${id}`);
  }

  dropPending(id, clientId) {
    this.thread(id).pending.delete(clientId);
    this.#touch(`thread:${id}`);
  }

  // Members

  putMembers(id, participants) {
    this.members.set(id, new Map(participants.map((participant) => [participant.user.id, participant])));
    for (const { user } of participants) this.#meet(user);
    this.#touch(`members:${id}`);
  }

  putMember(id, participant) {
    this.#meet(participant.user);
    this.members.get(id)?.set(participant.user.id, participant);
    this.#touch(`members:${id}`);
  }

  dropMember(id, userId) {
    if (this.members.get(id)?.delete(userId)) this.#touch(`members:${id}`);
  }

  /** Somebody read up to `seq`. */
  putReading(id, userId, seq) {
    const participant = this.members.get(id)?.get(userId);
    if (!participant || participant.last_read_seq >= seq) return;
    this.putMember(id, { ...participant, last_read_seq: seq });
    this.#touch(`thread:${id}`);
  }

  // Typing

  setTyping(id, userId, on) {
    const typing = this.#typing.get(id) ?? new Map();
    if (!on && !typing.has(userId)) return;
    clearTimeout(typing.get(userId));
    typing.delete(userId);
    if (on)
      typing.set(
        userId,
        setTimeout(() => this.setTyping(id, userId, false), TYPING_MS),
      );
    this.#typing.set(id, typing);
    this.#touch("inbox", `typing:${id}`);
  }

  /** Names of those who are typing there now, other than the user. */
  typing(id) {
    const users = [...(this.#typing.get(id)?.keys() ?? [])].filter((userId) => userId !== this.me.id);
    return users.map((userId) => (this.people.has(userId) ? nameOf(this.people.get(userId)) : "Someone"));
  }

  // Presence

  putPresence(userId, status, seenAt) {
    this.#presence.set(userId, { status, seenAt });
    this.#touch("inbox", "presence");
  }

  /** @returns {{status: string, seenAt: string | null} | undefined} nothing of those who are not watched */
  presence(userId) {
    return this.#presence.get(userId);
  }

  #meet(...users) {
    for (const user of users) if (user) this.people.set(user.id, user);
  }

  #touch(...topics) {
    if (this.#topics.size === 0) queueMicrotask(() => this.#tell());
    for (const topic of topics) this.#topics.add(topic);
  }

  #tell() {
    const topics = this.#topics;
    this.#topics = new Set();
    this.dispatchEvent(new CustomEvent("change", { detail: topics }));
  }
}
