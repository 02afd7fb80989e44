/**
 * The messages of one conversation as far as they are loaded, as pure functions on a plain record.
 *
 * The window is everything from `first` on, or up to `last` where somebody looks at a place far back. Changes of messages
 * outside of it are kept too, so that a page which was read before such a change cannot bring the older text back.
 *
 * @typedef {{conversation: string, seq: number, version: number, type: string, sender: object | null, content: string,
 *            client_id: string | null, reactions: import("./reactions.js").Reaction[], sent_at: string, edited_at: string | null, deleted_at: string | null}} Message
 * @typedef {{clientId: string, content: string, internal: boolean, at: string, state: "pending" | "failed", problem: string}} Pending
 * @typedef {{messages: Map<number, Message>, notes: Map<number, import("./notes.js").Note>,
 *            noted: import("./notes.js").Span | null, pending: Map<string, Pending>, first: number | null, last: number | null,
 *            hasBefore: boolean, loaded: boolean, loading: boolean, failed: boolean}} Thread
 */
import { merged, notesBeside } from "./notes.js";
import { isSure, ownOf, withOwn } from "./reactions.js";
import { dayOf } from "./time.js";

const GROUP_MS = 5 * 60_000;

/** @returns {Thread} */
export function emptyThread() {
  return {
    messages: new Map(),
    notes: new Map(),
    noted: null, // beside which messages the notes were read
    pending: new Map(),
    first: null,
    last: null,
    hasBefore: false,
    loaded: false,
    loading: false,
    failed: false,
  };
}

/** Take a message in, unless a newer version of it is there. @returns {boolean} whether anything changed */
export function upsert(thread, message, me) {
  if (message.client_id && message.sender?.id === me.id) thread.pending.delete(message.client_id);
  const held = thread.messages.get(message.seq);
  if (held && held.version >= message.version) {
    // An event of a message that was not loaded cannot say what is the user's; had they changed it, it would have.
    if (!isSure(held) && isSure(message)) thread.messages.set(message.seq, withOwn(held, ownOf(message)));
    return false;
  }
  thread.messages.set(message.seq, message);
  return true;
}

/** Whether the user's message, or note, of this `client_id` is there. */
export function hasSent(thread, clientId, me) {
  const isIt = (message) => message.client_id === clientId && message.sender?.id === me.id;
  return [...thread.messages.values(), ...thread.notes.values()].some(isIt);
}

/** Take a page of history in. @param {{results: Message[], has_before: boolean}} page */
export function takePage(thread, page, me) {
  for (const message of page.results) upsert(thread, message, me);
  const first = page.results[0]?.seq;
  if (first !== undefined && (thread.first === null || first < thread.first)) thread.first = first;
  if (thread.first === null) thread.first = 1;
  if (first === undefined || first <= thread.first) thread.hasBefore = page.has_before;
  thread.loaded = true;
}

/** Make a page from anywhere in the history the window. @param {{results: Message[], has_before: boolean, has_after: boolean}} page */
export function takeAround(thread, page, me) {
  for (const message of page.results) upsert(thread, message, me);
  thread.first = page.results[0]?.seq ?? 1;
  thread.hasBefore = page.has_before;
  thread.last = endOf(page);
  thread.loaded = true;
}

/** Take in the page that begins where the window ends. */
export function takeNewer(thread, page, me) {
  for (const message of page.results) upsert(thread, message, me);
  thread.last = endOf(page);
}

function endOf({ results, has_after: more }) {
  return more ? results.at(-1).seq : null;
}

/** Whether a message is in the window. */
export function isShown({ first, last, messages }, seq) {
  return first !== null && seq >= first && (last === null || seq <= last) && messages.has(seq);
}

/** The messages of the window, oldest first. @returns {Message[]} */
export function windowOf(thread) {
  const inside = [...thread.messages.values()].filter(({ seq }) => isShown(thread, seq));
  return inside.sort((a, b) => a.seq - b.seq);
}

/** Let go of all but the newest messages, so that a long look back does not slow the next visit. */
export function trim(thread, most) {
  if (thread.last !== null) return;
  const messages = windowOf(thread);
  if (messages.length <= most) return;
  thread.first = messages[messages.length - most].seq;
  thread.hasBefore = true;
  for (const seq of thread.messages.keys()) if (seq < thread.first) thread.messages.delete(seq);
}

/** The last seq before a hole in the window, or null: seqs have none, so one that is missing was lost. */
export function beforeHole(thread) {
  const messages = windowOf(thread);
  const at = messages.findIndex((message, i) => i > 0 && message.seq !== messages[i - 1].seq + 1);
  return at === -1 ? null : messages[at - 1].seq;
}

/** The user's newest message that can still be edited. */
export function lastOwn(thread, me) {
  const editable = (message) =>
    message.sender?.id === me.id && !message.deleted_at && message.type === "text";
  return windowOf(thread).findLast(editable) ?? null;
}

function entryOf(message, me, key) {
  const own = message.sender?.id === me.id;
  return {
    key: message.client_id && own ? `c:${message.client_id}` : key,
    message,
    at: message.sent_at,
    own,
    from: message.sender?.id ?? "",
    state: "sent",
    problem: "",
  };
}

function entries(thread, me) {
  const messages = windowOf(thread).map((message) => entryOf(message, me, `m:${message.seq}`));
  const notes = notesBeside(thread).map((note) => entryOf(note, me, `n:${note.number}`));
  const pending = thread.last === null ? [...thread.pending.values()] : [];
  const waiting = pending.map(({ clientId, content, internal, at, state, problem }) => ({
    key: `c:${clientId}`,
    message: {
      seq: null,
      version: 0,
      type: "text",
      sender: me,
      content,
      client_id: clientId,
      internal,
    },
    at,
    own: true,
    from: me.id,
    state,
    problem,
  }));
  return [...merged(messages, notes), ...waiting];
}

function joins(before, entry) {
  if (!before || before.message.type === "system" || before.from !== entry.from) return false;
  if (before.message.internal || entry.message.internal) return false;
  return dayOf(before.at) === dayOf(entry.at) && Date.parse(entry.at) - Date.parse(before.at) < GROUP_MS;
}

/**
 * What the timeline shows, top to bottom: day separators, the line above what is new, notes, system lines and messages
 * (`head` and `tail`: first and last of a run by one sender), and who has seen the user's last message.
 *
 * @param {Thread} thread
 * @param {{me: object, newAfter?: number | null, seen?: {seq: number, text: string} | null}} view
 *   `newAfter`: the seq read when the conversation was opened
 */
export function rowsOf(thread, { me, newAfter = null, seen = null }) {
  const rows = [];
  const all = entries(thread, me);
  const firstNew = newAfter === null ? null : all.find((entry) => isNews(entry, newAfter));
  all.forEach((entry, i) => addRows(rows, entry, all[i - 1], entry === firstNew));
  if (seen && rows.length) placeSeen(rows, seen);
  return rows;
}

function isNews({ own, message }, newAfter) {
  return !own && message.seq > newAfter && message.type !== "system";
}

function addRows(rows, entry, before, divides) {
  const day = dayOf(entry.at);
  if (!before || dayOf(before.at) !== day)
    rows.push({ kind: "day", key: `d:${day}:${entry.key}`, at: entry.at });
  if (divides) rows.push({ kind: "new", key: "new" });
  if (entry.message.type === "system") {
    rows.push({ kind: "system", ...entry });
    return;
  }
  if (entry.message.internal) {
    rows.push({ kind: "note", ...entry });
    return;
  }
  const joined = !divides && joins(before, entry);
  if (joined) rows.at(-1).tail = false;
  rows.push({ kind: "message", ...entry, head: !joined, tail: true });
}

/** Only below the last word: an answer says by itself that the message before it was seen. */
function placeSeen(rows, { seq, text }) {
  const { kind, own, message } = rows.at(-1);
  if (kind === "message" && own && message.seq === seq) rows.push({ kind: "seen", key: "seen", text });
}
