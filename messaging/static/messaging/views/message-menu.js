/** What can be done with a message, for who may: the menu at it. */
import { manages, mayPin } from "../conversations.js";
import { OFFERED, ownOf } from "../reactions.js";
import { confirmed } from "./dialog.js";
import { openMenu } from "./menu.js";

export class MessageMenu {
  #store;
  #controller;
  #acts;

  /**
   * @param {{store: object, controller: object,
   *          acts: {edit: (message: object) => void, removed: () => void, attempt: (promise: Promise<unknown>) => void}}} parts
   *   `attempt` tells what did not work
   */
  constructor({ store, controller, acts }) {
    this.#store = store;
    this.#controller = controller;
    this.#acts = acts;
  }

  /** @param {string} id the conversation @param {object} message @param {Element} button where it opens */
  open(id, message, button) {
    const conversation = this.#store.conversations.get(id);
    if (!conversation) return;
    const own = message.sender?.id === this.#store.me.id;
    const items = [
      { label: "React", icon: "smile", act: () => this.#react(id, message, button) },
      copying(message),
      own && message.type === "text" && { label: "Edit", icon: "edit", act: () => this.#acts.edit(message) },
      mayPin(conversation) && this.#pinning(conversation, message),
      (own || manages(conversation)) && this.#removing(id, message),
    ];
    openMenu(button, items.filter(Boolean), "Message actions");
  }

  #react(id, { seq, reactions }, button) {
    const own = ownOf({ reactions });
    const items = OFFERED.map(([emoji, label]) => ({
      label,
      symbol: emoji,
      checked: own.includes(emoji),
      act: () => this.#acts.attempt(this.#controller.react(id, seq, emoji, !own.includes(emoji))),
    }));
    openMenu(button, items, "Reactions");
  }

  #pinning({ id, pins }, { seq }) {
    const pinned = pins.includes(seq);
    const act = () => this.#acts.attempt(this.#controller.api.pin(id, seq, !pinned));
    return { label: pinned ? "Unpin" : "Pin", icon: "pin", act };
  }

  #removing(id, message) {
    const act = () => this.#acts.attempt(this.#remove(id, message));
    return { label: "Delete", icon: "trash", danger: true, act };
  }

  async #remove(id, { seq }) {
    const text = "Everybody will see that a message was deleted, but no longer what it said.";
    if (await confirmed({ title: "Delete this message?", text, act: "Delete" }))
      await this.#controller.remove(id, seq);
    this.#acts.removed();
  }
}

function copying({ content }) {
  const act = () => navigator.clipboard.writeText(content);
  return navigator.clipboard && { label: "Copy text", icon: "copy", act };
}
