/** A note among agents, between the messages of a case, and never to be taken for one. */
import { nameOf } from "../conversations.js";
import { fill, h, isolated } from "../dom.js";
import { icon } from "../icons.js";
import { timeOf } from "../time.js";
import { actionsButton, failure, meta } from "./message.js";
import { linked } from "./text.js";

export const ONLY_AGENTS = "Only agents see this";

export function renderNote(row, view) {
  const { message, own, at, state } = row;
  const who = own ? "You" : nameOf(message.sender);
  const attributes = {
    class: ["message", "note", state, view.isNew && "arriving"].filter(Boolean).join(" "),
    "data-testid": "note",
    "data-state": message.deleted_at ? "deleted" : state,
  };
  const head = h(
    "p",
    { class: "note-head" },
    icon("lock"),
    isolated(who, { class: "note-sender" }),
    h("span", { class: "note-mark" }, ONLY_AGENTS),
    meta(row),
  );
  const sheet = { class: "note-sheet", "aria-label": `Note, ${who}, ${timeOf(at)}. ${ONLY_AGENTS}`, tabIndex: -1 };
  const line = h("div", { class: "note-line" }, h("article", sheet, head, body(message)), actionsButton(row, view));
  return h("li", attributes, h("div", { class: "message-column" }, line, failure(row, view)));
}

function body(note) {
  const element = h("div", { class: "note-body", dir: "auto", "data-testid": "note-body" });
  return fill(element, note.deleted_at ? h("em", { class: "muted" }, "Note deleted") : linked(note.content));
}
