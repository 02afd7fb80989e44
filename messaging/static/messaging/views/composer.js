/**
 * Where a message is written, or an own one edited. Enter sends, Shift+Enter breaks the line, Up edits the last. Files
 * are sent as soon as they are chosen.
 */
import { fill, h } from "../dom.js";
import { icon } from "../icons.js";

const TALLEST_PX = 200;

/**
 * @typedef {{send: (text: string) => void, edit: (seq: number, text: string) => void, typing: (on: boolean) => void,
 *            editLast: () => void, attach: (files: File[]) => void}} Acts
 */
export class Composer {
  #acts;
  #drafts = new Map();
  #id = null;
  #editing = null;
  #bar = h("div", { class: "composer-bar", hidden: true });
  #text;
  #button;
  #files;

  /** @param {Acts} acts */
  constructor(acts) {
    this.#acts = acts;
    this.#text = h("textarea", {
      id: "composer-text",
      rows: 1,
      dir: "auto",
      placeholder: "Write a message",
      autocomplete: "off",
      enterkeyhint: "send",
      "data-testid": "composer",
      oninput: () => this.#typed(),
      onkeydown: (event) => this.#key(event),
    });
    this.#button = h(
      "button",
      { type: "submit", class: "send-button", "aria-label": "Send message", disabled: true },
      icon("send"),
    );
    this.#files = h("input", { type: "file", hidden: true, "data-testid": "files", onchange: () => this.#chosen() });
    this.#files.multiple = true;
    const attach = h(
      "button",
      {
        type: "button",
        class: "icon-button",
        "aria-label": "Attach files",
        title: "Attach files",
        onclick: () => this.#files.click(),
      },
      icon("attach"),
    );
    this.element = h(
      "form",
      { class: "composer", "aria-label": "Write a message", onsubmit: (event) => this.#submit(event) },
      this.#bar,
      h(
        "div",
        { class: "composer-row" },
        h("label", { class: "hidden", for: "composer-text" }, "Message"),
        attach,
        this.#files,
        this.#text,
        this.#button,
      ),
    );
  }

  /** Take up what was being written in this conversation. */
  show(id) {
    if (id === this.#id) return;
    this.#keepDraft();
    this.#id = id;
    this.#stopEditing();
    this.#put(this.#drafts.get(id) ?? "");
  }

  focus() {
    this.#text.focus({ preventScroll: true });
  }

  /** @param {{seq: number, content: string}} message one of the user's own */
  edit(message) {
    if (!this.#editing) this.#keepDraft();
    this.#editing = message;
    const cancel = h(
      "button",
      { type: "button", class: "icon-button", "aria-label": "Cancel editing", onclick: () => this.#cancel() },
      icon("close"),
    );
    fill(this.#bar, icon("edit"), h("span", {}, "Editing message"), cancel);
    this.#bar.hidden = false;
    this.#put(message.content);
    this.#button.setAttribute("aria-label", "Save message");
    fill(this.#button, icon("check"));
    this.focus();
    this.#text.setSelectionRange(message.content.length, message.content.length);
  }

  #keepDraft() {
    if (this.#id && !this.#editing) this.#drafts.set(this.#id, this.#text.value);
  }

  #put(text) {
    this.#text.value = text;
    this.#fit();
  }

  #fit() {
    this.#button.disabled = !this.#text.value.trim();
    this.#text.style.height = "auto";
    this.#text.style.height = `${Math.min(this.#text.scrollHeight, TALLEST_PX)}px`;
  }

  #typed() {
    this.#fit();
    if (!this.#editing) this.#acts.typing(this.#text.value.trim() !== "");
  }

  #key(event) {
    // While an input method composes a character, Enter belongs to it.
    if (event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.element.requestSubmit();
    } else if (event.key === "Escape" && this.#editing) {
      event.stopPropagation();
      this.#cancel();
    } else if (event.key === "ArrowUp" && !this.#text.value && !this.#editing) {
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
    if (!text) return;
    const editing = this.#editing;
    if (editing) {
      this.#cancel();
      if (text !== editing.content) this.#acts.edit(editing.seq, text);
    } else {
      this.#put("");
      this.#drafts.delete(this.#id);
      this.#acts.send(text);
    }
    this.focus();
  }

  #cancel() {
    this.#stopEditing();
    this.#put(this.#drafts.get(this.#id) ?? "");
    this.focus();
  }

  #stopEditing() {
    this.#editing = null;
    this.#bar.hidden = true;
    this.#button.setAttribute("aria-label", "Send message");
    fill(this.#button, icon("send"));
  }
}
