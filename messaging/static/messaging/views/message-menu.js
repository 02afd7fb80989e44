/** What can be done with a message, or a note among agents, for who may: the menu at it. */
import { keepsOrder, manages, mayPin } from "../conversations.js";
import { OFFERED, ownOf } from "../reactions.js";
import { confirmed } from "./dialog.js";
import { openHistory } from "./history.js";
import { openMenu } from "./menu.js";
import { openReport } from "./report.js";

const MESSAGE = {
  title: "Delete this message?",
  text: "Everybody will see that a message was deleted, but no longer what it said.",
};
const NOTE = { title: "Delete this note?", text: "Agents will see that there was a note, but no longer what it said." };

export class MessageMenu {
  #store;
  #controller;
  #notes;
  #acts;

  /**
   * @param {{store: object, controller: object, notes: object,
   *          acts: {edit: (message: object) => void, removed: () => void, tell: (text: string) => void,
   *                 attempt: (promise: Promise<unknown>) => void}}} parts
   *   `notes`: their keeper; `attempt` tells what did not work
   */
  constructor({ store, controller, notes, acts }) {
    this.#store = store;
    this.#controller = controller;
    this.#notes = notes;
    this.#acts = acts;
  }

  /** @param {string} id the conversation @param {object} message @param {Element} button where it opens */
  open(id, message, button) {
    const conversation = this.#store.conversations.get(id);
    if (!conversation) return;
    if (message.internal) this.#openNote(conversation, message, button);
    else this.#offer(this.#ofMessage(conversation, message, button), button);
  }

  async #openNote(conversation, note, button) {
    const removable = await this.#notes.mayRemove(conversation, note).catch(() => false);
    this.#offer(this.#ofNote(conversation, note, removable), button);
  }

  #offer(items, button) {
    const offered = items.filter(Boolean);
    if (offered.length) openMenu(button, offered, "Message actions");
  }

  #ofMessage(conversation, message, button) {
    const { id } = conversation;
    const own = message.sender?.id === this.#store.me.id;
    return [
      { label: "React", icon: "smile", act: () => this.#react(id, message, button) },
      copying(message),
      own && message.type === "text" && this.#editing(message),
      mayPin(conversation) && this.#pinning(conversation, message),
      message.edited_at && keepsOrder(conversation) && this.#looking(id, message),
      !own && this.#reporting(id, message),
      (own || manages(conversation)) && this.#removing(MESSAGE, () => this.#controller.remove(id, message.seq)),
    ];
  }

  #ofNote({ id }, note, removable) {
    const own = note.sender?.id === this.#store.me.id;
    const remove = () => this.#notes.remove(id, note.number);
    return [copying(note), own && this.#editing(note), removable && this.#removing(NOTE, remove)];
  }

  #editing(message) {
    return { label: "Edit", icon: "edit", act: () => this.#acts.edit(message) };
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

  #looking(id, message) {
    const load = () => this.#controller.api.history(id, message.seq);
    return { label: "Edit history", icon: "clock", act: () => openHistory({ message, load }) };
  }

  #reporting(id, message) {
    const send = (facts) => this.#controller.api.report(id, message.seq, facts);
    const done = () => this.#acts.tell("Thank you. The staff will look at it.");
    return { label: "Report", icon: "warning", act: () => openReport({ message, send, done }) };
  }

  #removing(question, remove) {
    const act = () => this.#acts.attempt(this.#remove(question, remove));
    return { label: "Delete", icon: "trash", danger: true, act };
  }

  async #remove(question, remove) {
    if (await confirmed({ ...question, act: "Delete" })) await remove();
    this.#acts.removed();
  }
}

function copying({ content }) {
  const act = () => navigator.clipboard.writeText(content);
  return navigator.clipboard && { label: "Copy text", icon: "copy", act };
}
