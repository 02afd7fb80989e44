/** A message as an element: who, what, when, its state, files and reactions. */
import { nameOf } from "../conversations.js";
import { fill, h, isolated } from "../dom.js";
import { icon } from "../icons.js";
import { fullTime, timeOf } from "../time.js";
import { personAvatar, toneOf } from "./avatar.js";
import { fileList } from "./files.js";
import { linked } from "./text.js";

const ONLY_PICTURES =
  /^(?:\p{Extended_Pictographic}[\u{FE0F}\u{1F3FB}-\u{1F3FF}]*(?:\u{200D}\p{Extended_Pictographic}\u{FE0F}?)*\s*){1,3}$/u;
const TYPE_LABELS = {
  image: "Image",
  file: "File",
  audio: "Audio message",
  video: "Video",
  location: "Location",
};
const STATE_LABELS = { pending: "Sending", sent: "Sent", failed: "Not sent" };

export function renderMessage(row, view) {
  const { message, own, head, tail, state } = row;
  const classes = ["message", own && "own", head && "head", tail && "tail", state, view.isNew && "arriving"];
  const attributes = {
    class: classes.filter(Boolean).join(" "),
    "data-testid": "message",
    "data-seq": message.seq,
    "data-state": message.deleted_at ? "deleted" : state,
  };
  const avatar =
    view.named && !own && h("span", { class: "message-avatar" }, head && personAvatar(message.sender));
  const line = h("div", { class: "message-line" }, bubble(row, view), actionsButton(row, view));
  return h("li", attributes, avatar, h("div", { class: "message-column" }, line, chips(row, view), failure(row, view)));
}

function bubble(row, view) {
  const { message, own, head, at } = row;
  const who = own ? "You" : nameOf(message.sender);
  const shownName = view.named && !own && head;
  const name =
    shownName && isolated(who, { class: "message-sender", "data-tone": toneOf(message.sender?.id ?? "") });
  const attributes = { class: "bubble", "aria-label": `${who}, ${timeOf(at)}`, tabIndex: -1 };
  return h("article", attributes, name, fileList(message.attachments, view), body(message), meta(row));
}

function body(message) {
  const element = h("div", { class: "message-body", dir: "auto", "data-testid": "message-body" });
  if (message.deleted_at) return fill(element, h("em", { class: "muted" }, "Message deleted"));
  const label = !message.attachments?.length && TYPE_LABELS[message.type];
  if (label) fill(element, h("span", { class: "type-label" }, label, message.content && " "));
  element.append(...linked(message.content));
  if (ONLY_PICTURES.test(message.content)) element.classList.add("pictures");
  return element;
}

export function meta({ message, own, at, state, pinned }) {
  const edited = message.edited_at && !message.deleted_at;
  return h(
    "span",
    { class: "message-meta" },
    pinned && h("span", { role: "img", "aria-label": "Pinned", title: "Pinned", "data-testid": "pinned-mark" }, icon("pin")),
    edited && h("span", { "data-testid": "edited", title: fullTime(message.edited_at) }, "edited"),
    h("time", { datetime: at, title: fullTime(at) }, timeOf(at)),
    own && !message.deleted_at && stateMark(state),
  );
}

function stateMark(state) {
  const drawing = { pending: "clock", sent: "check", failed: "warning" }[state];
  return h(
    "span",
    { class: `state state-${state}`, role: "img", "aria-label": STATE_LABELS[state] },
    icon(drawing),
  );
}

export function actionsButton({ message, state }, view) {
  if (state !== "sent" || message.deleted_at) return null;
  const button = h(
    "button",
    {
      type: "button",
      class: "icon-button message-actions",
      "aria-label": "Message actions",
      "aria-haspopup": "menu",
      "data-focus": "actions",
      onclick: () => view.menu(message, button),
    },
    icon("more"),
  );
  return button;
}

/** The reactions; a click adds one's own, or takes it back. */
function chips({ message }, view) {
  const { seq, reactions = [] } = message;
  if (!reactions.length) return null;
  const chip = ({ emoji, count, mine }) => {
    const attributes = {
      type: "button",
      class: "reaction",
      "data-testid": "reaction",
      "data-focus": `reaction ${emoji}`,
      "aria-pressed": String(Boolean(mine)),
      "aria-label": `${emoji}, ${count}`,
      onclick: () => view.react(seq, emoji, !mine),
    };
    return h("li", {}, h("button", attributes, h("span", {}, emoji), h("span", { class: "reaction-count" }, count)));
  };
  return h("ul", { class: "reactions", "aria-label": "Reactions" }, reactions.map(chip));
}

export function failure({ message, state, problem }, view) {
  if (state !== "failed") return null;
  const { client_id: clientId } = message;
  return h(
    "div",
    { class: "message-failure", role: "alert" },
    h("span", {}, `Not sent. ${problem}`),
    h("button", { type: "button", class: "link-button", onclick: () => view.retry(clientId) }, "Retry"),
    h("button", { type: "button", class: "link-button", onclick: () => view.discard(clientId) }, "Discard"),
  );
}
