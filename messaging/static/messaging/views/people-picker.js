/** Find people by name: one to go on with, or several to choose. */
import { nameOf } from "../conversations.js";
import { debounced, fill, h, isolated } from "../dom.js";
import { icon } from "../icons.js";
import { personAvatar } from "./avatar.js";

const WAIT_MS = 200;

export class PeoplePicker {
  /** @type {Map<string, object>} */
  chosen = new Map();
  #find;
  #picked;
  #several;
  #without;
  #asked = 0;
  #found = [];
  #chips = h("ul", { class: "chips", "aria-label": "Chosen people" });
  #list = h("ul", { class: "people", "aria-label": "People found" });
  #status = h("p", { class: "muted picker-status", role: "status" });

  /**
   * @param {{find: (search: string) => Promise<object[]>, several?: boolean, without?: Set<string>,
   *          picked?: (user: object) => void}} options `without`: ids that are not offered
   */
  constructor({ find, several = false, without = new Set(), picked = () => {} }) {
    this.#find = find;
    this.#several = several;
    this.#without = without;
    this.#picked = picked;
    const search = debounced(() => this.#search(), WAIT_MS);
    this.input = h("input", {
      type: "search",
      autocomplete: "off",
      spellcheck: "false",
      placeholder: "Name or username",
      "aria-label": "Search people",
      oninput: search,
      onkeydown: (event) => this.#key(event),
    });
    const field = h("div", { class: "search-field" }, icon("search"), this.input);
    this.element = h("div", { class: "picker" }, several && this.#chips, field, this.#status, this.#list);
    this.#search();
  }

  async #search() {
    const asked = ++this.#asked;
    const search = this.input.value.trim();
    try {
      const users = await this.#find(search);
      if (asked !== this.#asked) return;
      this.#found = users.filter(({ id }) => !this.#without.has(id));
      fill(this.#status, this.#found.length ? "" : search ? "Nobody by that name." : "Type a name.");
    } catch {
      if (asked !== this.#asked) return;
      this.#found = [];
      fill(this.#status, "People could not be searched just now.");
    }
    this.#render();
  }

  #key(event) {
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (this.#found.length === 1) this.#choose(this.#found[0]);
  }

  #choose(user) {
    if (this.#several) {
      if (!this.chosen.delete(user.id)) this.chosen.set(user.id, user);
      this.#render();
    }
    this.#picked(user);
  }

  #render() {
    const focused = document.activeElement?.dataset?.user;
    fill(
      this.#list,
      this.#found.map((user) => h("li", {}, this.#option(user))),
    );
    fill(
      this.#chips,
      [...this.chosen.values()].map((user) => this.#chip(user)),
    );
    this.#chips.hidden = this.chosen.size === 0;
    if (focused) this.#list.querySelector(`[data-user="${CSS.escape(focused)}"]`)?.focus();
  }

  #option(user) {
    const chosen = this.chosen.has(user.id);
    return h(
      "button",
      {
        type: "button",
        class: "person",
        "data-user": user.id,
        "data-testid": "person-option",
        "aria-pressed": this.#several ? chosen : null,
        onclick: () => this.#choose(user),
      },
      personAvatar(user),
      h(
        "span",
        { class: "person-names" },
        isolated(nameOf(user), { class: "person-name" }),
        h("span", { class: "muted" }, `@${user.username}`),
      ),
      this.#several && h("span", { class: "tick" }, chosen && icon("check")),
    );
  }

  #chip(user) {
    const name = nameOf(user);
    const remove = h(
      "button",
      { type: "button", "aria-label": `Remove ${name}`, onclick: () => this.#choose(user) },
      icon("close"),
    );
    return h("li", { class: "chip" }, isolated(name), remove);
  }
}
