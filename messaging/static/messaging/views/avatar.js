/** Pictures of people and conversations: their own, or initials on a colour that follows from the id. */
import { KINDS, nameOf, titleOf } from "../conversations.js";
import { h, safeUrl } from "../dom.js";
import { icon } from "../icons.js";

const TONES = 10;
const MARKS = { group: "group", business: "business" };

/** A small number that is always the same for an id. @param {string} id */
export function toneOf(id) {
  let sum = 0;
  for (let i = 0; i < id.length; i++) sum = (sum * 31 + id.charCodeAt(i)) >>> 0;
  return sum % TONES;
}

/** One or two letters that stand for a name. @param {string} name */
export function initialsOf(name) {
  const words = name
    .split(/[\s._-]+/u)
    .map((word) => word.match(/[\p{L}\p{N}]/u)?.[0])
    .filter(Boolean);
  const letters = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return letters.join("").toLocaleUpperCase() || "?";
}

function picture({ id, name, url, shape }) {
  const box = h(
    "span",
    { class: `avatar avatar-${shape}`, "data-tone": toneOf(id), "aria-hidden": "true" },
    initialsOf(name),
  );
  const src = url ? safeUrl(url, ["https:"]) : null;
  if (src) {
    const image = h("img", {
      alt: "",
      loading: "lazy",
      referrerpolicy: "no-referrer",
      onerror: () => image.remove(),
    });
    image.src = src;
    box.append(image);
  }
  return box;
}

/**
 * @param {{id: string, avatar_url?: string | null} | null} user
 * @param {{status: string}} [presence] shows a dot, where it is known
 */
export function personAvatar(user, presence) {
  const face = picture({ id: user?.id ?? "", name: nameOf(user), url: user?.avatar_url, shape: "round" });
  if (!presence || presence.status === "offline") return face;
  const { status } = presence;
  const dot = h("span", { class: `presence-dot presence-${status}`, role: "img", "aria-label": status, title: status });
  return h("span", { class: "avatar-box" }, face, dot);
}

/** A conversation's picture; groups and business cases have another shape and a mark. */
export function conversationAvatar(conversation, presence) {
  const { id, type, peer, avatar_url: url } = conversation;
  if (type === "direct" && peer) return personAvatar(peer, presence);
  const mark = MARKS[type] && h("span", { class: "avatar-mark", title: KINDS[type] }, icon(MARKS[type]));
  return h(
    "span",
    { class: "avatar-box" },
    picture({ id, name: titleOf(conversation), url, shape: "square" }),
    mark,
  );
}
