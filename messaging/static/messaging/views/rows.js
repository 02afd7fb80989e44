/** The rows of a timeline, each as an element: a message, a note, a system line, a day, the line above what is new. */
import { nameOf } from "../conversations.js";
import { h } from "../dom.js";
import { dayName, fullTime } from "../time.js";
import { renderMessage } from "./message.js";
import { renderNote } from "./note.js";
import { linked } from "./text.js";

/** Everything that a row shows, so that it is drawn anew only when that changes. */
export function signatureOf(row) {
  const { kind, key, at, text, message, state, problem, head, tail, pinned } = row;
  if (kind === "day") return dayName(at);
  if (!message) return `${key} ${text ?? ""}`;
  const { seq, version, sender, reactions } = message;
  return JSON.stringify([seq, version, reactions, state, problem, head, tail, pinned, nameOf(sender), sender?.avatar_url]);
}

/**
 * @param {object} row of `rowsOf`
 * @param {{named: boolean, isNew: boolean, menu: (message: object, button: Element) => void,
 *          react: (seq: number, emoji: string, on: boolean) => void, retry: (clientId: string) => void, discard: (clientId: string) => void,
 *          save: (file: object) => void, thumbnail: (file: object) => Promise<string>}} view
 *   `named`: senders are shown, since more than two people talk
 */
export function renderRow(row, view) {
  const element = RENDER[row.kind](row, view);
  element.dataset.key = row.key;
  return element;
}

const RENDER = {
  day: ({ at }) => h("li", { class: "row-day" }, h("time", { datetime: at }, dayName(at))),
  new: () => h("li", { class: "row-new", "data-testid": "new-divider" }, h("span", {}, "New messages")),
  seen: ({ text }) => h("li", { class: "row-seen", "data-testid": "seen" }, text),
  system: renderSystem,
  message: renderMessage,
  note: renderNote,
};

function renderSystem({ message }) {
  const attributes = { class: "row-system", "data-testid": "system-message", "data-seq": message.seq };
  const text = message.deleted_at ? "Message deleted" : message.content;
  return h("li", attributes, h("span", { dir: "auto", title: fullTime(message.sent_at) }, linked(text)));
}
