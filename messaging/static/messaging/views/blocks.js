/** Blocking people: the line that says so in a conversation, the question before it, and the list of all. */
import { nameOf } from "../conversations.js";
import { fill, h, isolated } from "../dom.js";
import { icon } from "../icons.js";
import { personAvatar } from "./avatar.js";
import { confirmed, explain, openDialog, problemLine } from "./dialog.js";

/** Block after asking, or unblock at once. @param {object} blocks the user's {@link Blocks} */
export async function setBlocked(blocks, user, on) {
  const text = "They can no longer write, edit or react in your direct conversation, nor open one with you.";
  if (on && !(await confirmed({ title: `Block ${nameOf(user)}?`, text, act: "Block" }))) return;
  await blocks.set(user, on);
}

export class BlockBar {
  element = h("div", { class: "block-bar", role: "status", hidden: true, "data-testid": "block-bar" });
  #blocks;
  #unblock;

  /** @param {{blocks: object, acts: {unblock: (user: object) => void}}} parts */
  constructor({ blocks, acts }) {
    this.#blocks = blocks;
    this.#unblock = acts.unblock;
  }

  /** @param {object | undefined} conversation of any type; it shows for direct ones */
  render(conversation) {
    const peer = conversation?.type === "direct" ? conversation.peer : null;
    if (peer) this.#blocks.read().catch(() => null); // asked again with the next change
    const shown = peer && this.#blocks.has(peer.id) ? peer.id : "";
    if ((this.element.dataset.shown ?? "") === shown) return;
    this.element.dataset.shown = shown;
    this.element.hidden = !shown;
    fill(this.element, shown && this.#content(peer));
  }

  #content(peer) {
    const text = h("span", {}, "You have blocked ", isolated(nameOf(peer)), ". They cannot write here.");
    const act = () => this.#unblock(peer);
    return [icon("block"), text, h("button", { type: "button", class: "link-button", onclick: act }, "Unblock")];
  }
}

/** Everybody whom the user has blocked. @param {object} blocks */
export async function openBlocks(blocks) {
  const problem = problemLine();
  const status = h("p", { class: "muted picker-status", role: "status" });
  const list = h("ul", { class: "people", "aria-label": "Blocked people" });
  const dialog = openDialog({
    title: "Blocked people",
    body: [problem.element, status, list],
    testId: "blocks-dialog",
    narrow: true,
  });
  const attempt = async (promise) => {
    problem.show("");
    await promise.catch((refused) => problem.show(explain(refused)));
  };
  const show = () => {
    fill(status, blocks.people.length ? "" : "You have blocked nobody.");
    fill(list, blocks.people.map((user) => row(user, () => attempt(blocks.set(user, false)))));
    if (!dialog.contains(document.activeElement)) dialog.querySelector("button").focus();
  };
  blocks.addEventListener("change", show);
  dialog.addEventListener("close", () => blocks.removeEventListener("change", show));
  await attempt(blocks.read({ anew: true }));
}

function row(user, unblock) {
  const names = h(
    "span",
    { class: "person-names" },
    isolated(nameOf(user), { class: "person-name" }),
    h("span", { class: "muted" }, `@${user.username}`),
  );
  const label = `Unblock ${nameOf(user)}`;
  const attributes = { type: "button", class: "button small", "aria-label": label, onclick: unblock };
  return h("li", { class: "person" }, personAvatar(user), names, h("button", attributes, "Unblock"));
}
