/** What is pinned in the open conversation: the one pinned last above the messages, and all of them in a dialog. */
import { gist, mayPin, nameOf } from "../conversations.js";
import { fill, h, isolated } from "../dom.js";
import { icon } from "../icons.js";
import { briefTime, fullTime } from "../time.js";
import { explain, openDialog, problemLine } from "./dialog.js";

/**
 * @typedef {{load: (id: string) => Promise<object[]>, unpin: (id: string, seq: number) => Promise<unknown>,
 *            go: (id: string, seq: number) => void}} Acts `load`: the messages, the one pinned last first
 */
export class PinStrip {
  element = h("div", {
    class: "pin-strip",
    role: "group",
    "aria-label": "Pinned messages",
    hidden: true,
    "data-testid": "pins",
  });
  #store;
  #acts;
  #wanted = "";
  #id = null;
  #messages = [];
  #list = null;

  /** @param {{store: object, acts: Acts}} parts */
  constructor({ store, acts }) {
    this.#store = store;
    this.#acts = acts;
  }

  /** @param {object | undefined} conversation the open one */
  render(conversation) {
    const { id, pins } = conversation ?? { id: null, pins: [] };
    const wanted = JSON.stringify([id, pins]);
    if (wanted !== this.#wanted) this.#read(id, pins, wanted);
    else this.#draw();
  }

  /** What somebody pins or takes off comes as a list of seqs; what they say is read. */
  async #read(id, pins, wanted) {
    this.#wanted = wanted;
    if (id !== this.#id) this.#list?.dialog.close();
    this.#messages = id === this.#id ? this.#messages.filter(({ seq }) => pins.includes(seq)) : [];
    this.#id = id;
    this.#draw();
    if (!pins.length) return;
    try {
      const messages = await this.#acts.load(id);
      if (wanted === this.#wanted) this.#messages = messages;
    } catch {
      if (wanted === this.#wanted) this.#wanted = ""; // read with the next change
    }
    this.#draw();
  }

  /** As the thread knows them, which hears of edits. */
  get #now() {
    const held = this.#store.threads.get(this.#id)?.messages;
    const newer = (message) => {
      const other = held?.get(message.seq);
      return other?.version > message.version ? other : message;
    };
    return this.#messages.map(newer).filter((message) => !message.deleted_at);
  }

  #draw() {
    const messages = this.#now;
    const signature = JSON.stringify([this.#id, messages.map(({ seq, version }) => [seq, version])]);
    if (this.element.dataset.signature === signature) return;
    this.element.dataset.signature = signature;
    this.element.hidden = messages.length === 0;
    const focused = this.element.contains(document.activeElement) && document.activeElement.dataset.focus;
    fill(this.element, messages.length > 0 && this.#strip(messages));
    if (focused) this.element.querySelector(`[data-focus=${focused}]`)?.focus();
    this.#fillList(messages);
  }

  #strip(messages) {
    const [last] = messages;
    const go = () => this.#acts.go(this.#id, last.seq);
    const text = h("span", { class: "pin-text" }, isolated(`${nameOf(last.sender)}: `), isolated(gist(last)));
    const label = h("span", { class: "hidden" }, "Pinned: ");
    return [
      h("button", { type: "button", class: "pin-last", "data-focus": "last", onclick: go }, icon("pin"), label, text),
      h(
        "button",
        {
          type: "button",
          class: "button small",
          "aria-haspopup": "dialog",
          "data-focus": "all",
          onclick: () => this.#open(),
        },
        `${messages.length} pinned`,
      ),
    ];
  }

  #open() {
    const list = h("ul", { class: "hits", "aria-label": "Pinned messages" });
    const problem = problemLine();
    const dialog = openDialog({ title: "Pinned messages", body: [problem.element, list], testId: "pins-dialog" });
    this.#list = { dialog, list, problem };
    dialog.addEventListener("close", () => {
      this.#list = null;
    });
    this.#fillList(this.#now);
  }

  #fillList(messages) {
    if (!this.#list) return;
    const { dialog, list } = this.#list;
    if (!messages.length) {
      dialog.close();
      return;
    }
    fill(list, messages.map((message) => this.#line(message)));
    if (!dialog.contains(document.activeElement)) list.querySelector("button").focus();
  }

  #line(message) {
    const { seq, sender, sent_at: at } = message;
    const go = () => {
      this.#list.dialog.close();
      this.#acts.go(this.#id, seq);
    };
    const head = h(
      "span",
      { class: "hit-head" },
      isolated(nameOf(sender), { class: "hit-who" }),
      h("time", { datetime: at, title: fullTime(at) }, briefTime(at)),
    );
    const text = h("span", { class: "hit-text", dir: "auto" }, gist(message));
    const line = h("button", { type: "button", class: "hit", "data-testid": "pinned", onclick: go }, head, text);
    return h("li", { class: "pin-line" }, line, this.#unpinButton(message));
  }

  #unpinButton({ seq, sender }) {
    if (!mayPin(this.#store.conversations.get(this.#id))) return null;
    const attributes = {
      type: "button",
      class: "button small",
      "aria-label": `Unpin the message of ${nameOf(sender)}`,
      onclick: () => this.#unpin(seq),
    };
    return h("button", attributes, "Unpin");
  }

  async #unpin(seq) {
    const { problem } = this.#list;
    problem.show("");
    await this.#acts.unpin(this.#id, seq).catch((refused) => problem.show(explain(refused)));
  }
}
