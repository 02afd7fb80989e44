/**
 * What agents write to each other beside a case, as pure functions on the record of a thread. A note stands after the
 * message `after_seq`; its number and version are apart from those of messages.
 *
 * @typedef {{conversation: string, internal: true, number: number, version: number, after_seq: number,
 *            sender: object, content: string, client_id: string | null, sent_at: string, edited_at: string | null,
 *            deleted_at: string | null}} Note
 * @typedef {{from: number, to: number | null}} Span of seqs; null is the newest, whatever comes
 */

/** Take a note in, unless a newer version of it is there. @returns {boolean} whether there was none */
export function upsertNote(thread, note, me) {
  if (note.client_id && note.sender?.id === me.id) thread.pending.delete(note.client_id);
  const held = thread.notes.get(note.number);
  if (!held || held.version < note.version) thread.notes.set(note.number, note);
  return !held;
}

/** Beside which messages notes are shown: notes before the first of a page belong to the page above it. @returns {Span} */
function spanOf({ first, last, hasBefore }) {
  return { from: hasBefore ? first : 0, to: last };
}

/** The notes beside the window, in their order. @returns {Note[]} */
export function notesBeside(thread) {
  const { from, to } = spanOf(thread);
  const inside = ({ after_seq: after }) => after >= from && (to === null || after <= to);
  const byPlace = (a, b) => a.after_seq - b.after_seq || a.number - b.number;
  return [...thread.notes.values()].filter(inside).sort(byPlace);
}

/** A part of the window whose notes are still to be read, or null. @returns {Span | null} */
export function lacking(thread) {
  if (!thread.loaded) return null;
  const { from, to } = spanOf(thread);
  const { noted } = thread;
  if (!noted || !touches(noted, { from, to })) return { from, to };
  if (from < noted.from) return { from, to: noted.from - 1 };
  if (noted.to !== null && (to === null || to > noted.to)) return { from: noted.to + 1, to };
  return null;
}

/** The notes of a span were read. @param {Span} span */
export function markNoted(thread, span) {
  const { noted } = thread;
  if (!noted || !touches(noted, span)) thread.noted = span;
  else thread.noted = { from: Math.min(noted.from, span.from), to: later(noted.to, span.to) };
}

function touches(a, b) {
  return reaches(a, b) && reaches(b, a);
}

function reaches({ to }, { from }) {
  return to === null || to + 1 >= from;
}

function later(a, b) {
  return a === null || b === null ? null : Math.max(a, b);
}

/** Notes among the messages of a thread. @param {{message: object}[]} messages @param {{message: Note}[]} notes */
export function merged(messages, notes) {
  const all = [];
  let next = 0;
  for (const entry of messages) {
    while (notes[next]?.message.after_seq < entry.message.seq) all.push(notes[next++]);
    all.push(entry);
  }
  return [...all, ...notes.slice(next)];
}
