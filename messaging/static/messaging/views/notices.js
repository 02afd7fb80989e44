/** Short notices for the eye, and arrivals for the ear. */
import { fill, h } from "../dom.js";
import { icon } from "../icons.js";

const SHOWN_MS = 6_000;
const MOST = 3;

export class Notices {
  #toasts = h("div", { class: "toasts", role: "status", "aria-label": "Notices", "data-testid": "notices" });
  #announcer = h("div", { class: "hidden", "aria-live": "polite", "data-testid": "announcer" });
  element = h("div", {}, this.#toasts, this.#announcer);

  /** @param {string} text @param {{kind?: "info" | "problem"}} [options] */
  show(text, { kind = "info" } = {}) {
    const toast = h(
      "div",
      { class: `toast ${kind}` },
      icon(kind === "problem" ? "warning" : "info"),
      h("span", { dir: "auto" }, text),
    );
    toast.append(
      h(
        "button",
        { type: "button", class: "icon-button", "aria-label": "Dismiss", onclick: () => toast.remove() },
        icon("close"),
      ),
    );
    this.#toasts.append(toast);
    while (this.#toasts.children.length > MOST) this.#toasts.firstElementChild.remove();
    setTimeout(() => toast.remove(), SHOWN_MS);
  }

  /** Read out by a screen reader when it has a moment. */
  announce(text) {
    const line = h("p", {}, text);
    this.#announcer.append(line);
    setTimeout(() => line.remove(), SHOWN_MS);
  }

  clear() {
    fill(this.#toasts);
    fill(this.#announcer);
  }
}
