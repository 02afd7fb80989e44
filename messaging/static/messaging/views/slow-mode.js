/** The line above the composer of a group in slow mode: how long a member waits, counted down after each message. */
import { fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { countdown, isPaced, isSending, lastSaid, paceName } from "../pace.js";

const TICK_MS = 250;

export class SlowModeLine {
  element = h("div", { class: "slow-mode", hidden: true, "data-testid": "slow-mode" });
  #me;
  #hold;
  #text = h("span");
  #timer = h("strong", { role: "timer" });
  #clock = 0;
  /** conversation → the user's last message there and when it was said by this clock, which may go wrong */
  #said = new Map();
  /** conversations to which something went from here */
  #sent = new Set();

  /** @param {{me: object, hold: (on: boolean) => void}} parts `hold`: whether the composer keeps what is written */
  constructor({ me, hold }) {
    this.#me = me;
    this.#hold = hold;
    fill(this.element, icon("clock"), this.#text, this.#timer);
  }

  /** @param {object | undefined} conversation @param {object} thread its messages */
  render(conversation, thread) {
    clearTimeout(this.#clock);
    const paced = Boolean(conversation) && isPaced(conversation);
    this.element.hidden = !paced;
    if (!paced) {
      this.#hold(false);
      return;
    }
    const { id, slow_mode_s: pace } = conversation;
    const left = Math.ceil((this.#saidAt(id, thread) + pace * 1_000 - Date.now()) / 1_000);
    const sending = isSending(thread);
    if (sending) this.#sent.add(id);
    this.#hold(left > 0 || sending);
    this.#tell(pace, left);
    if (left > 0) this.#clock = setTimeout(() => this.render(conversation, thread), TICK_MS);
  }

  stop() {
    clearTimeout(this.#clock);
  }

  #tell(pace, left) {
    const text = `Slow mode: ${paceName(pace)} between two messages.`;
    if (this.#text.textContent !== text) fill(this.#text, text);
    const wait = left > 0 ? `You can send in ${countdown(left)}` : "";
    if (this.#timer.textContent !== wait) fill(this.#timer, wait);
  }

  #saidAt(id, thread) {
    const last = lastSaid(thread, this.#me);
    if (!last) return -Infinity;
    const known = this.#said.get(id);
    if (known?.seq === last.seq) return known.at;
    const at = this.#sent.delete(id) ? Date.now() : Math.min(Date.parse(last.sent_at), Date.now());
    this.#said.set(id, { seq: last.seq, at });
    return at;
  }
}
