/** Says when the page is not connected, for how long yet, and offers to try at once. */
import { fill, h } from "../dom.js";
import { icon } from "../icons.js";

export class Banner {
  element = h("div", { class: "banner", role: "status", hidden: true, "data-testid": "connection-banner" });
  #retry;
  #state = { name: "idle", retryAt: 0 };
  #timer = 0;
  #wasOnline = false;

  /** @param {{retry: () => void}} acts */
  constructor({ retry }) {
    this.#retry = retry;
  }

  /** @param {{name: string, retryAt: number}} state of the connection */
  show(state) {
    // Most losses last a moment: nobody is to be startled by them, so the first second shows nothing.
    const calm = this.#state.name === "online" || !this.#wasOnline;
    this.#wasOnline ||= state.name === "online";
    this.#state = state;
    document.documentElement.dataset.connection = state.name;
    this.stop();
    if (state.name === "online" || state.name === "idle") return;
    if (!calm || state.name === "refused") this.#render();
    this.#timer = setInterval(() => this.#render(), 1_000);
  }

  stop() {
    clearInterval(this.#timer);
    this.element.hidden = true;
    this.element.dataset.text = "";
  }

  #render() {
    const { name, retryAt } = this.#state;
    const seconds = name === "waiting" ? Math.ceil((retryAt - Date.now()) / 1000) : 0;
    const text = this.#text(name);
    this.element.hidden = false;
    if (this.element.dataset.text !== text) {
      this.element.dataset.text = text;
      const now = h("button", { type: "button", class: "link-button", onclick: this.#retry }, "Try now");
      fill(
        this.element,
        icon("offline"),
        h("span", {}, text),
        h("span", { "aria-hidden": "true" }),
        name === "waiting" && now,
      );
    }
    // The countdown is for the eye: a screen reader would read it out every second.
    this.element.children[2].textContent = seconds > 1 ? `Next try in ${seconds} s` : "";
  }

  #text(name) {
    if (navigator.onLine === false) return "You are offline. Messages are sent when the network is back.";
    if (name === "refused") return "The server does not let this session in.";
    if (name === "waiting") return "Not connected.";
    return this.#wasOnline ? "Reconnecting…" : "Connecting…";
  }
}
