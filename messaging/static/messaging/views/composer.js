/**
 * Where a message is written, or an own one edited. Enter sends, Shift+Enter breaks the line, Up edits the last. Files
 * are sent as soon as they are chosen.
 *
 * Agents of a case may write a note here. What is being written keeps being one or the other with its draft: words that
 * were meant for agents must not reach the customer because somebody looked elsewhere meanwhile.
 */
import { fill, h } from "../dom.js";
import { icon } from "../icons.js";

const TALLEST_PX = 200;
const NOTE = "Note: only agents see this";
const LABELS = { send: "Send message", note: "Save note", save: "Save message" };

/**
 * @typedef {{send: (text: string, how: {internal: boolean}) => void, edit: (message: object, text: string) => void,
 *            typing: (on: boolean) => void, editLast: () => void, attach: (files: File[]) => void}} Acts
 */
export class Composer {
  #acts;
  /** conversation → what was being written there */
  #drafts = new Map();
  #id = null;
  #editing = null;
  #internal = false;
  #held = false;
  #replies;
  #bar = h("div", { class: "composer-bar", hidden: true, "data-testid": "composer-bar" });
  #text;
  #button = h("button", { type: "submit", class: "send-button", disabled: true });
  #files;
  #attach = this.#tool("attach", "Attach files", () => this.#files.click());
  #toggle = this.#tool("lock", "Write a note for agents", () => this.#switch());

  /** @param {Acts} acts @param {object} replies the list of {@link ReplyList} */
  constructor(acts, replies) {
    this.#acts = acts;
    this.#replies = replies;
    this.#text = h("textarea", {
      id: "composer-text",
      rows: 1,
      dir: "auto",
      autocomplete: "off",
      enterkeyhint: "send",
      "data-testid": "composer",
      oninput: () => this.#typed(),
      onkeydown: (event) => this.#key(event),
    });
    this.#files = h("input", { type: "file", hidden: true, "data-testid": "files", onchange: () => this.#chosen() });
    this.#files.multiple = true;
    const label = h("label", { class: "hidden", for: "composer-text" }, "Message");
    const row = [label, this.#attach, this.#toggle, this.#files, this.#text, this.#button];
    this.element = h(
      "form",
      { class: "composer", "aria-label": "Write a message", onsubmit: (event) => this.#submit(event) },
      replies.element,
      this.#bar,
      h("div", { class: "composer-row" }, row),
    );
    this.#replies.attach(this.#text);
    this.serve(null);
    this.#dress();
  }

  /** Take up what was being written in this conversation. */
  show(id) {
    if (id === this.#id) return;
    this.#keepDraft();
    this.#id = id;
    this.#takeUp();
  }

  /** The business whose agent the user is here, or null: agents write notes and have replies at hand. */
  serve(business) {
    this.#toggle.hidden = business === null;
    this.#replies.offer(business);
  }

  /** Whether a message has to wait. What is written stays, and goes only when its user sends it. */
  hold(on) {
    if (on === this.#held) return;
    this.#held = on;
    this.#attach.disabled = on;
    this.#fit();
  }

  /** Have this text there, ready to be changed and sent. */
  fillIn(text) {
    this.#put(text);
    this.#typed();
    this.focus();
    this.#text.setSelectionRange(text.length, text.length);
  }

  focus() {
    this.#text.focus({ preventScroll: true });
  }

  /** @param {{content: string}} message one of the user's own, or a note of theirs */
  edit(message) {
    if (!this.#editing) this.#keepDraft();
    this.#editing = message;
    this.#dress();
    this.#put(message.content);
    this.focus();
    this.#text.setSelectionRange(message.content.length, message.content.length);
  }

  #tool(drawing, label, onclick) {
    const attributes = { type: "button", class: "icon-button", "aria-label": label, title: label, onclick };
    return h("button", attributes, icon(drawing));
  }

  /** Whether what is being written may not be sent now. */
  get #waits() {
    return this.#held && !this.#editing && !this.#internal;
  }

  /** Whether what is being written is for agents only. */
  get #noting() {
    return this.#editing ? Boolean(this.#editing.internal) : this.#internal;
  }

  #switch() {
    this.#internal = !this.#internal;
    if (this.#internal) this.#acts.typing(false);
    this.#dress();
    this.focus();
  }

  /** Look like what it does. */
  #dress() {
    const editing = this.#editing !== null;
    const noting = this.#noting;
    this.element.classList.toggle("noting", noting);
    this.#toggle.setAttribute("aria-pressed", String(noting));
    this.#toggle.disabled = editing;
    this.#attach.hidden = noting;
    this.#text.placeholder = noting ? "Write a note" : "Write a message";
    this.#button.setAttribute("aria-label", LABELS[editing ? "save" : noting ? "note" : "send"]);
    fill(this.#button, icon(editing || noting ? "check" : "send"));
    this.#bar.hidden = !editing && !noting;
    const doing = editing && `Editing ${noting ? "note" : "message"}`;
    const text = [doing, noting && NOTE].filter(Boolean).join(". ");
    const cancel = editing && this.#tool("close", "Cancel editing", () => this.#cancel());
    fill(this.#bar, icon(noting ? "lock" : "edit"), h("span", { role: "status" }, text), cancel);
  }

  #keepDraft() {
    if (this.#id && !this.#editing) this.#drafts.set(this.#id, { text: this.#text.value, internal: this.#internal });
  }

  /** Go on with the draft of this conversation. */
  #takeUp() {
    const { text, internal } = this.#drafts.get(this.#id) ?? { text: "", internal: false };
    this.#editing = null;
    this.#internal = internal;
    this.#dress();
    this.#put(text);
  }

  #put(text) {
    this.#replies.close();
    this.#text.value = text;
    this.#fit();
  }

  #fit() {
    this.#button.disabled = this.#waits || !this.#text.value.trim();
    this.#text.style.height = "auto";
    this.#text.style.height = `${Math.min(this.#text.scrollHeight, TALLEST_PX)}px`;
  }

  /** The customer is not to see that a note is being written. */
  #typed() {
    this.#fit();
    if (!this.#editing) this.#replies.typed(this.#text.value);
    if (!this.#editing && !this.#internal) this.#acts.typing(this.#text.value.trim() !== "");
  }

  #key(event) {
    // While an input method composes a character, Enter belongs to it.
    if (event.isComposing || this.#replies.key(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.element.requestSubmit();
    } else if (event.key === "Escape" && this.#editing) {
      event.stopPropagation();
      this.#cancel();
    } else if (event.key === "ArrowUp" && !this.#text.value && !this.#editing && !this.#internal) {
      event.preventDefault();
      this.#acts.editLast();
    }
  }

  #chosen() {
    const files = [...this.#files.files];
    this.#files.value = ""; // so that the same can be chosen again
    if (files.length) this.#acts.attach(files);
    this.focus();
  }

  #submit(event) {
    event.preventDefault();
    const text = this.#text.value.trim();
    if (!text || this.#waits) return;
    const editing = this.#editing;
    if (editing) {
      this.#cancel();
      if (text !== editing.content) this.#acts.edit(editing, text);
    } else {
      this.#put("");
      this.#keepDraft();
      this.#acts.send(text, { internal: this.#internal });
    }
    this.focus();
  }

  #cancel() {
    this.#takeUp();
    this.focus();
  }
}
