/** Finding messages: what is typed, what was found, and the way to where it was said. */
import { nameOf, titleOf } from "../conversations.js";
import { debounced, fill, h, isolated } from "../dom.js";
import { icon } from "../icons.js";
import { briefTime, fullTime } from "../time.js";
import { openDialog } from "./dialog.js";

const WAIT_MS = 250;

/**
 * @param {{find: (q: string, cursor?: string) => Promise<{results: object[], next: string | null}>,
 *          conversation: (id: string) => Promise<object | null>}} acts `conversation`: one that may not be loaded yet
 */
export function openSearch(acts) {
  const search = new Search(acts);
  const dialog = openDialog({ title: "Search messages", body: [search.element], testId: "search-dialog" });
  search.done = () => dialog.close();
  search.input.focus();
}

class Search {
  done = () => {};
  #acts;
  #asked = 0;
  #next = null;
  #list = h("ul", { class: "hits", "aria-label": "Messages found", onkeydown: (event) => this.#key(event) });
  #status = h("p", { class: "muted picker-status", role: "status" });
  #more = h("button", { type: "button", class: "button", hidden: true, onclick: () => this.#search(this.#next) }, "More");

  constructor(acts) {
    this.#acts = acts;
    this.input = h("input", {
      type: "search",
      autocomplete: "off",
      spellcheck: "false",
      maxlength: 200,
      placeholder: "Words, \"a phrase\", -without",
      "aria-label": "Search messages",
      oninput: debounced(() => this.#search(), WAIT_MS),
      onkeydown: (event) => this.#key(event),
    });
    const field = h("div", { class: "search-field" }, icon("search"), this.input);
    this.element = h("div", { class: "picker" }, field, this.#status, this.#list, this.#more);
  }

  /** @param {string | null} [cursor] for the page after the one that is shown */
  async #search(cursor = null) {
    const asked = ++this.#asked;
    const q = this.input.value.trim();
    if (!q) {
      this.#show([], null, "");
      return;
    }
    try {
      const { results, next } = await this.#acts.find(q, cursor);
      if (asked !== this.#asked) return;
      const hits = results.map((message) => this.#hit(message));
      if (cursor) this.#show([...this.#list.children, ...hits], next, "");
      else this.#show(hits, next, hits.length ? "" : "Nothing found.");
    } catch (problem) {
      if (asked === this.#asked) this.#show([], null, problem.errors?.[0]?.detail ?? "Messages could not be searched just now.");
    }
  }

  #show(hits, next, status) {
    this.#next = next;
    this.#more.hidden = next === null;
    fill(this.#list, hits);
    fill(this.#status, status);
  }

  #hit({ conversation, seq, sender, sent_at: at, highlight }) {
    const where = isolated("", { class: "hit-where" });
    this.#acts
      .conversation(conversation)
      .then((found) => fill(where, found ? titleOf(found) : ""))
      .catch(() => null);
    const text = highlight.map((piece) => (piece.hit ? h("mark", {}, piece.text) : piece.text));
    const link = h(
      "a",
      { class: "hit", href: `#/c/${conversation}/${seq}`, "data-testid": "hit", onclick: () => this.done() },
      h(
        "span",
        { class: "hit-head" },
        isolated(sender ? nameOf(sender) : "", { class: "hit-who" }),
        where,
        h("time", { datetime: at, title: fullTime(at) }, briefTime(at)),
      ),
      h("span", { class: "hit-text", dir: "auto" }, text),
    );
    return h("li", {}, link);
  }

  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const stops = [this.input, ...this.#list.querySelectorAll("a")];
    const next = stops[stops.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }
}
