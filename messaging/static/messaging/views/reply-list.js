/** The canned replies that fit what an agent types after a slash: arrows choose, Enter or Tab fills in, Escape closes. */
import { fitting, wanted } from "../canned.js";
import { fill, h, isolated } from "../dom.js";

const ID = "reply-list";
const STEPS = { ArrowDown: 1, ArrowUp: -1 };

export class ReplyList {
  element = h("div", { class: "reply-list", hidden: true, "data-testid": "reply-list" });
  #list = h("ul", { id: ID, role: "listbox", "aria-label": "Canned replies" });
  #note = h("p", { class: "muted", role: "status" });
  #acts;
  #business = null;
  #field = null;
  #offered = [];
  #at = 0;
  #looking = false;

  /** @param {{read: (business: string) => Promise<object[]>, choose: (text: string) => void,
   *           manage: (business: string) => void}} acts */
  constructor(acts) {
    this.#acts = acts;
    const open = () => this.#manage();
    const manage = h("button", { type: "button", class: "link-button", onclick: open }, "Change replies…");
    fill(this.element, this.#list, h("div", { class: "reply-foot" }, this.#note, manage));
  }

  /** Where it is typed. @param {Element} field */
  attach(field) {
    this.#field = field;
    field.setAttribute("aria-controls", ID);
  }

  /** Whose replies these are (null: the user is no agent here). */
  offer(business) {
    if (business === this.#business) return;
    this.#business = business;
    this.close();
  }

  /** What stands in the composer now. */
  async typed(text) {
    const word = this.#business === null ? null : wanted(text);
    if (word === null) {
      this.close();
      return;
    }
    const business = this.#business;
    this.#look();
    const replies = await this.#acts.read(business).catch(() => null);
    if (business !== this.#business || this.#field.value !== text || !this.#looking) return;
    this.#show(replies ? fitting(replies, word) : [], replies === null);
  }

  /** @returns {boolean} whether the key was for the list */
  key(event) {
    if (this.element.hidden || event.shiftKey) return false;
    const act = this.#actOf(event.key);
    if (!act) return false;
    event.preventDefault();
    event.stopPropagation();
    act();
    return true;
  }

  close() {
    this.element.hidden = true;
    this.#looking = false;
    this.#offered = [];
    this.#field?.removeAttribute("aria-activedescendant");
  }

  #actOf(key) {
    if (key === "Escape") return () => this.close();
    const chooses = key === "Enter" || key === "Tab";
    if (this.#looking) return chooses ? () => {} : null; // a shortcut is not to be sent because the network is slow
    if (!this.#offered.length) return null;
    if (key in STEPS) return () => this.#move(STEPS[key]);
    return chooses ? () => this.#choose(this.#at) : null;
  }

  #look() {
    this.#looking = true;
    if (!this.element.hidden) return;
    this.element.hidden = false;
    fill(this.#list);
    fill(this.#note, "Looking for replies…");
  }

  #show(offered, failed) {
    this.#looking = false;
    this.#offered = offered;
    this.element.hidden = false;
    fill(this.#list, offered.map((reply, place) => this.#option(reply, place)));
    fill(this.#note, failed ? "The replies could not be loaded." : offered.length ? "" : "No reply fits.");
    this.#at = 0;
    if (offered.length) this.#move(0);
  }

  #option({ shortcut, content }, place) {
    const attributes = {
      role: "option",
      "aria-selected": "false",
      "data-testid": "reply-option",
      onmousedown: (event) => event.preventDefault(), // the focus stays where one writes
      onclick: () => this.#choose(place),
    };
    const row = h("li", attributes, isolated(`/${shortcut}`, { class: "reply-shortcut" }), isolated(content, { class: "muted" }));
    row.id = `${ID}-${place}`;
    return row;
  }

  #move(step) {
    const count = this.#offered.length;
    this.#at = (this.#at + step + count) % count;
    for (const [place, row] of [...this.#list.children].entries())
      row.setAttribute("aria-selected", String(place === this.#at));
    const row = this.#list.children[this.#at];
    this.#field.setAttribute("aria-activedescendant", row.id);
    row.scrollIntoView({ block: "nearest" });
  }

  #choose(place) {
    const { content } = this.#offered[place];
    this.close();
    this.#acts.choose(content);
  }

  #manage() {
    this.close();
    this.#acts.manage(this.#business);
  }
}
