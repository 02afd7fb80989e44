/** The messages of the open conversation: what is shown, where it is scrolled to, and when older ones are wanted. */
import { fill, h, reconcile } from "../dom.js";
import { icon } from "../icons.js";
import { renderRow, signatureOf } from "./rows.js";

const AT_BOTTOM_PX = 60;
const OLDER_WITHIN_PX = 700;
const NEWER_WITHIN_PX = 700;
const FOUND_MS = 2_500;
const SKELETON = ["long", "short", "own", "long", "own short", "short"];

/**
 * @typedef {{older: () => void, newer: () => void, newest: () => void, bottom: () => void, reload: () => void, menu: (message: object, button: Element) => void,
 *            retry: (clientId: string) => void, discard: (clientId: string) => void}} Acts
 */
export class Timeline {
  #acts;
  #shown = null;
  #placed = false;
  #atBottom = true;
  #arrivals = 0;
  /** Whether the window ends before the newest message. */
  #detached = false;
  #wanted = null;
  #intro = h("div", { class: "timeline-intro" });
  #top = h("div", { class: "timeline-top" });
  #list = h("ol", { class: "timeline-list" });
  #skeleton = skeleton();
  #scroller;
  #pill;

  /** @param {Acts} acts what the rows and the scrolling ask for */
  constructor(acts) {
    this.#acts = acts;
    const content = h(
      "div",
      { class: "timeline-content" },
      this.#top,
      this.#intro,
      this.#skeleton,
      this.#list,
    );
    this.#scroller = h(
      "div",
      {
        class: "timeline",
        role: "log",
        "aria-label": "Messages",
        "aria-live": "off",
        tabIndex: 0,
        "data-testid": "timeline",
      },
      content,
    );
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#pill = h("button", { type: "button", class: "pill", hidden: true, onclick: () => this.toBottom() });
    this.element = h("div", { class: "timeline-box" }, this.#scroller, this.#pill);
    new ResizeObserver(() => this.#resized()).observe(this.#scroller);
    new ResizeObserver(() => this.#resized()).observe(content);
  }

  /** Whether the newest message is in sight. */
  get atBottom() {
    return this.#atBottom && !this.#detached;
  }

  /**
   * @param {{id: string, thread: object, rows: object[], named: boolean, intro: Node[]}} view
   */
  render({ id, thread, rows, named, intro }) {
    const opened = id !== this.#shown;
    if (opened) this.#open(id);
    this.#detached = thread.last !== null;
    const kept = this.#placed && !this.atBottom ? this.#visible() : null;
    this.#skeleton.hidden = thread.loaded || thread.failed;
    this.#intro.hidden = !thread.loaded || thread.hasBefore;
    fill(this.#intro, ...intro);
    this.#renderTop(thread);
    reconcile(this.#list, rows, {
      key: (row) => row.key,
      signature: (row) => `${named} ${signatureOf(row)}`,
      render: (row, isNew) =>
        renderRow(row, { ...this.#acts, named, isNew: isNew && this.#placed && this.#atBottom }),
    });
    if (this.#found()) this.#placed = true;
    else if (!this.#placed) this.#place(thread);
    else if (kept) this.#keep(kept);
    else this.#jump();
    this.#wantOlder(thread);
  }

  /** Bring a message into sight, now or as soon as it is there. */
  reveal(seq) {
    this.#wanted = seq;
    this.#found();
  }

  /** Go back to what is in sight once the thread was read anew. @returns {number | null} null for the newest */
  hold() {
    const seqs = this.atBottom ? [] : this.#visible().flatMap(({ seq }) => (seq ? [Number(seq)] : []));
    this.#wanted ??= seqs[seqs.length >> 1] ?? null;
    return this.#wanted;
  }

  #found() {
    const row = this.#wanted && this.#list.querySelector(`[data-seq="${this.#wanted}"]`);
    if (!row) return false;
    this.#wanted = null;
    this.#atBottom = false;
    row.scrollIntoView({ block: "center" });
    row.classList.add("found");
    setTimeout(() => row.classList.remove("found"), FOUND_MS);
    this.#measure();
    return true;
  }

  /** Another message came in; where the user looks at older ones, the pill says so. */
  arrived() {
    if (this.atBottom) return;
    this.#arrivals += 1;
    this.#renderPill();
  }

  /** Show the newest message, also that of the next render. */
  toBottom() {
    this.#atBottom = true;
    if (this.#detached) {
      this.#acts.newest();
      return;
    }
    this.#jump();
    this.#renderPill();
    this.#acts.bottom();
  }

  focus() {
    this.#scroller.focus();
  }

  #open(id) {
    this.#shown = id;
    this.#placed = false;
    this.#atBottom = true;
    this.#arrivals = 0;
    this.#wanted = null;
    this.#list.replaceChildren();
    reconcile(this.#list, [], {});
    this.#renderPill();
  }

  /** Where a conversation is entered: at what is new, else at the end. */
  #place(thread) {
    if (!thread.loaded) return;
    this.#placed = true;
    const divider = this.#list.querySelector(".row-new");
    this.#jump();
    if (divider) {
      const offset = divider.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top;
      if (offset < 0) this.#scroller.scrollTop += offset - this.#scroller.clientHeight / 4;
    }
    this.#measure();
  }

  #jump() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  /** The rows in sight and where they are, so that the same rows can be put there again. */
  #visible() {
    const { top, bottom } = this.#scroller.getBoundingClientRect();
    const rows = [];
    for (const row of this.#list.children) {
      const box = row.getBoundingClientRect();
      if (box.bottom < top) continue;
      if (box.top > bottom) break;
      rows.push({ key: row.dataset.key, seq: row.dataset.seq, top: box.top });
    }
    return rows;
  }

  #keep(rows) {
    for (const { key, top } of rows) {
      const row = this.#list.querySelector(`[data-key="${CSS.escape(key)}"]`);
      if (!row) continue;
      this.#scroller.scrollTop += row.getBoundingClientRect().top - top;
      return;
    }
  }

  #measure() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const was = this.atBottom;
    const below = scrollHeight - scrollTop - clientHeight;
    this.#atBottom = below < AT_BOTTOM_PX;
    if (this.atBottom) this.#arrivals = 0;
    this.#renderPill();
    if (this.atBottom && !was) this.#acts.bottom();
    if (this.#detached && below < NEWER_WITHIN_PX) queueMicrotask(() => this.#acts.newer());
  }

  #scrolled() {
    if (!this.#placed) return;
    this.#measure();
    if (this.#scroller.scrollTop < OLDER_WITHIN_PX) this.#acts.older();
  }

  #resized() {
    if (this.#placed && this.atBottom) this.#jump();
  }

  #wantOlder(thread) {
    const near = this.#placed && this.#scroller.scrollTop < OLDER_WITHIN_PX;
    if (near && thread.hasBefore && !thread.loading && !thread.failed)
      queueMicrotask(() => this.#acts.older());
  }

  #renderTop(thread) {
    const retry = () =>
      h("button", { type: "button", class: "button", onclick: () => this.#acts.reload() }, "Try again");
    const state = thread.failed ? "failed" : thread.loading && thread.loaded ? "loading" : "";
    if (this.#top.dataset.state === state) return;
    this.#top.dataset.state = state;
    if (state === "failed")
      fill(this.#top, h("p", { role: "alert" }, "The messages could not be loaded."), retry());
    else if (state === "loading")
      fill(
        this.#top,
        h("span", { class: "spinner", role: "status", "aria-label": "Loading older messages" }),
      );
    else fill(this.#top);
  }

  #renderPill() {
    const count = this.#arrivals;
    this.#pill.hidden = this.atBottom;
    const label = count === 0 ? "Jump to the newest" : `${count} new ${count === 1 ? "message" : "messages"}`;
    if (this.#pill.dataset.label === label) return;
    this.#pill.dataset.label = label;
    this.#pill.classList.toggle("counting", count > 0);
    fill(this.#pill, icon("down"), h("span", { class: count ? "" : "hidden" }, label));
  }
}

function skeleton() {
  const bars = SKELETON.map((shape) => h("span", { class: `skeleton-bubble ${shape}` }));
  return h("div", { class: "timeline-skeleton", role: "status", "aria-label": "Loading messages" }, bars);
}
