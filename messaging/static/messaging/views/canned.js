/** The place where agents add, change and delete what their business says often. */
import { fill, h, isolated } from "../dom.js";
import { icon } from "../icons.js";
import { confirmed, explain, openDialog, problemLine } from "./dialog.js";

const SHORTCUT = 40;
const WORDS = 16_000;

/** @param {{business: string, replies: object}} parts `replies`: the {@link CannedReplies} of the user */
export function openCanned({ business, replies }) {
  const problem = problemLine();
  const list = h("ul", { class: "people", "aria-label": "Canned replies" });
  const form = new ReplyForm({ keep: (facts) => attempt(replies.keep(business, facts)) });
  const attempt = async (promise) => {
    problem.show("");
    try {
      show(await promise);
      return true;
    } catch (refused) {
      problem.show(explain(refused));
      return false;
    }
  };
  const remove = async (reply) => {
    const title = `Delete /${reply.shortcut}?`;
    const sure = await confirmed({ title, text: "No agent will find it any more.", act: "Delete" });
    if (sure && (await attempt(replies.remove(business, reply.id)))) form.forget(reply.id);
  };
  const show = (all) => fill(list, all.map((reply) => row(reply, { change: () => form.take(reply), remove })));
  openDialog({
    title: "Canned replies",
    body: [h("p", { class: "muted" }, "Type / in the composer to find them."), form.element, problem.element, list],
    testId: "canned-dialog",
  });
  form.focus();
  attempt(replies.read(business, { anew: true }));
}

class ReplyForm {
  element;
  #id = null;
  #shortcut = h("input", { id: "reply-shortcut", required: true, maxlength: SHORTCUT, autocomplete: "off", spellcheck: "false" });
  #content = h("textarea", { id: "reply-content", rows: 3, required: true, maxlength: WORDS, dir: "auto" });
  #save = h("button", { type: "submit", class: "button primary" });
  #cancel = h("button", { type: "button", class: "button", onclick: () => this.clear() }, "Cancel");

  /** @param {{keep: (facts: object) => Promise<boolean>}} acts */
  constructor({ keep }) {
    const submit = async (event) => {
      event.preventDefault();
      if (this.#save.disabled) return;
      const facts = { shortcut: this.#shortcut.value.trim(), content: this.#content.value.trim() };
      this.#save.disabled = true;
      const kept = await keep(this.#id ? { id: this.#id, ...facts } : facts);
      this.#save.disabled = false;
      if (kept) this.clear();
    };
    this.element = h(
      "form",
      { class: "stack", "aria-label": "Canned reply", onsubmit: submit },
      field("Shortcut", this.#shortcut),
      field("Words", this.#content),
      h("div", { class: "form-foot" }, this.#cancel, this.#save),
    );
    this.#dress();
  }

  focus() {
    this.#shortcut.focus();
  }

  /** Change this one. */
  take({ id, shortcut, content }) {
    this.#id = id;
    this.#put(shortcut, content);
    this.#content.focus();
  }

  /** This one is gone; what is being written of another stays. */
  forget(id) {
    if (this.#id === id) this.clear();
    else this.focus();
  }

  /** Ready for a new one. */
  clear() {
    this.#id = null;
    this.#put("", "");
    this.focus();
  }

  #put(shortcut, content) {
    this.#shortcut.value = shortcut;
    this.#content.value = content;
    this.#dress();
  }

  #dress() {
    this.#cancel.hidden = !this.#id;
    fill(this.#save, this.#id ? "Save reply" : "Add reply");
  }
}

function field(label, input) {
  return h("div", { class: "field" }, h("label", { for: input.id }, label), input);
}

function row(reply, { change, remove }) {
  const { shortcut, content } = reply;
  const names = h(
    "span",
    { class: "person-names" },
    isolated(`/${shortcut}`, { class: "person-name" }),
    isolated(content.slice(0, 200), { class: "muted" }),
  );
  const tool = (label, drawing, onclick) =>
    h("button", { type: "button", class: "icon-button", "aria-label": `${label} /${shortcut}`, onclick }, icon(drawing));
  const tools = [tool("Change", "edit", change), tool("Delete", "trash", () => remove(reply))];
  return h("li", { class: "person", "data-testid": "canned-reply" }, names, tools);
}
