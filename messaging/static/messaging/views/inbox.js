/** The left pane: who is here, search, and every conversation with what was said last and how much is unread. */
import { KINDS, STATUSES, fits, isMuted, nameOf, previewOf, titleOf } from "../conversations.js";
import { debounced, fill, h, isolated, reconcile } from "../dom.js";
import { icon } from "../icons.js";
import { sleeps } from "../snooze.js";
import { briefTime, comingTime, fullTime } from "../time.js";
import { conversationAvatar, personAvatar } from "./avatar.js";

const WAIT_MS = 250;
const MORE_WITHIN_PX = 600;
const FILTERS = { all: "All", unread: "Unread", direct: "Direct", group: "Groups", business: "Business" };
const SKELETON_ROWS = 7;

const PASSES = {
  all: () => true,
  unread: (conversation) => conversation.unread_count > 0,
  direct: ({ type }) => type === "direct",
  group: ({ type }) => type === "group",
  business: ({ type }) => type === "business",
};

/**
 * @typedef {{search: (text: string) => Promise<object[]>, more: () => void, reload: () => void, create: () => void,
 *            find: () => void,
 *            account: (button: Element) => void}} Acts
 */
export class Inbox {
  #store;
  #acts;
  #current = null;
  #filter = "all";
  #pressed = null;
  #list = h("ul", {
    class: "inbox-list",
    "data-testid": "inbox",
    onkeydown: (event) => this.#key(event),
    onpointerdown: ({ target }) => (this.#pressed = target.closest("a")),
    onpointerup: (event) => this.#released(event),
  });
  #note = h("div", { class: "inbox-note" });
  #search;
  #filters;
  #scroller;

  /** @param {{store: object, acts: Acts}} parts */
  constructor({ store, acts }) {
    this.#store = store;
    this.#acts = acts;
    const searchServer = debounced(() => this.#searchServer(), WAIT_MS);
    this.#search = h("input", {
      type: "search",
      placeholder: "Search conversations",
      "aria-label": "Search conversations",
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => {
        this.render();
        searchServer();
      },
    });
    this.#filters = h("div", { class: "filters", role: "group", "aria-label": "Show" });
    this.#scroller = h("div", { class: "inbox-scroll" }, this.#list, this.#note);
    this.#scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.element = h(
      "nav",
      { class: "sidebar", "aria-label": "Conversations" },
      this.#head(),
      h("div", { class: "search-field sidebar-search" }, icon("search"), this.#search),
      this.#filters,
      this.#scroller,
    );
    this.#renderFilters();
  }

  /** Mark this conversation as the open one. */
  show(id) {
    this.#current = id;
    this.render();
  }

  render() {
    const search = this.#search.value;
    const shown = this.#store.inbox().filter((each) => fits(each, search) && PASSES[this.#filter](each));
    reconcile(this.#list, shown, {
      key: ({ id }) => id,
      signature: (conversation) => this.#signature(conversation),
      render: (conversation) => this.#row(conversation),
    });
    this.#renderNote(shown.length, search);
  }

  focusSearch() {
    this.#search.focus();
  }

  #head() {
    const { me } = this.#store;
    const account = h(
      "button",
      {
        type: "button",
        class: "account-button",
        "aria-haspopup": "menu",
        onclick: () => this.#acts.account(account),
      },
      h("span", { class: "hidden" }, "Account: "),
      personAvatar(me),
      h(
        "span",
        { class: "account-names" },
        isolated(nameOf(me), { class: "account-name" }),
        h("span", { class: "muted" }, `@${me.username}`),
      ),
    );
    const create = h(
      "button",
      {
        type: "button",
        class: "icon-button accent",
        "aria-label": "New conversation",
        title: "New conversation",
        onclick: this.#acts.create,
      },
      icon("write"),
    );
    const find = h(
      "button",
      {
        type: "button",
        class: "icon-button",
        "aria-label": "Search messages",
        title: "Search messages",
        onclick: this.#acts.find,
      },
      icon("search"),
    );
    return h("header", { class: "sidebar-head" }, account, find, create);
  }

  #renderFilters() {
    const choose = (name) => () => {
      this.#filter = name;
      this.#renderFilters();
      this.render();
      this.#filters.querySelector("[aria-pressed=true]").focus();
    };
    const buttons = Object.entries(FILTERS).map(([name, label]) =>
      h(
        "button",
        { type: "button", class: "filter", "aria-pressed": this.#filter === name, onclick: choose(name) },
        label,
      ),
    );
    fill(this.#filters, buttons);
  }

  #signature(conversation) {
    const { id, version, unread_count: unread, last_message: last, membership } = conversation;
    const { who, text } = previewOf(conversation, this.#store.me);
    const shown = [
      version,
      unread,
      who,
      text,
      last?.deleted,
      briefTime(conversation.last_activity_at),
      titleOf(conversation),
    ];
    const own = [
      membership?.pinned,
      isMuted(conversation),
      conversation.business?.status,
      id === this.#current,
    ];
    const status = this.#store.presence(conversation.peer?.id)?.status;
    return JSON.stringify([...shown, ...own, status, this.#store.typing(id)]);
  }

  #row(conversation) {
    const { id, type, last_activity_at: at, unread_count: unread, business, membership } = conversation;
    const muted = isMuted(conversation);
    const status =
      business &&
      h("span", { class: `status status-${business.status}` }, STATUSES[business.status] ?? business.status);
    const link = h(
      "a",
      {
        class: "inbox-row",
        href: `#/c/${id}`,
        "aria-current": id === this.#current ? "true" : null,
        "data-focus": "row",
      },
      conversationAvatar(conversation, this.#store.presence(conversation.peer?.id)),
      h(
        "span",
        { class: "inbox-main" },
        h(
          "span",
          { class: "inbox-line" },
          isolated(titleOf(conversation), { class: "inbox-title" }),
          h("span", { class: "hidden" }, `, ${KINDS[type]}`),
          h("time", { class: "inbox-time", datetime: at, title: fullTime(at) }, briefTime(at)),
        ),
        h(
          "span",
          { class: "inbox-line" },
          this.#preview(conversation),
          status,
          sleeps(conversation) && snoozedFlag(business.snoozed_until),
          muted && h("span", { class: "inbox-flag", role: "img", "aria-label": "Muted" }, icon("mute")),
          membership?.pinned &&
            h("span", { class: "inbox-flag", role: "img", "aria-label": "Pinned" }, icon("pin")),
          unread > 0 && this.#badge(unread, muted),
        ),
      ),
    );
    const classes = unread > 0 ? "inbox-item unread" : "inbox-item";
    return h(
      "li",
      { class: classes, "data-testid": "conversation-item", "data-conversation": id, "data-type": type },
      link,
    );
  }

  #badge(unread, muted) {
    const label = `${unread} unread`;
    return h(
      "span",
      {
        class: muted ? "badge quiet" : "badge",
        "data-testid": "unread-badge",
        role: "img",
        "aria-label": label,
      },
      unread > 99 ? "99+" : String(unread),
    );
  }

  #preview(conversation) {
    const typing = this.#store.typing(conversation.id);
    if (typing.length) {
      const who = conversation.type === "direct" ? "" : `${typing[0]} is `;
      return h("span", { class: "inbox-preview typing" }, isolated(`${who}typing…`));
    }
    const { who, text, muted } = previewOf(conversation, this.#store.me);
    const line = text.slice(0, 160);
    return h(
      "span",
      { class: muted ? "inbox-preview faint" : "inbox-preview" },
      who && isolated(`${who}: `),
      isolated(line),
    );
  }

  #renderNote(shown, search) {
    const { inboxLoaded, inboxFailed } = this.#store;
    if (!inboxLoaded && inboxFailed) {
      const again = h("button", { type: "button", class: "button", onclick: this.#acts.reload }, "Try again");
      fill(this.#note, h("p", { role: "alert" }, "Your conversations could not be loaded."), again);
    } else if (!inboxLoaded) {
      fill(this.#note, skeleton());
    } else if (shown === 0 && (search || this.#filter !== "all")) {
      fill(this.#note, h("p", { class: "muted" }, "No conversation fits."));
    } else if (shown === 0) {
      const start = h(
        "button",
        { type: "button", class: "button primary", onclick: this.#acts.create },
        "Start a conversation",
      );
      fill(this.#note, h("p", { class: "muted" }, "Nothing here yet."), start);
    } else {
      fill(this.#note);
    }
  }

  async #searchServer() {
    const search = this.#search.value.trim();
    if (search) await this.#acts.search(search).catch(() => null);
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    if (scrollHeight - scrollTop - clientHeight < MORE_WITHIN_PX) this.#acts.more();
  }

  /** A row that changed between press and release is another element, and the browser tells nobody of that click. */
  #released({ button, ctrlKey, metaKey, clientX, clientY }) {
    const pressed = this.#pressed;
    this.#pressed = null;
    if (!pressed || pressed.isConnected || button !== 0 || ctrlKey || metaKey) return;
    const link = document.elementFromPoint(clientX, clientY)?.closest("a");
    if (link?.href === pressed.href) link.click();
  }

  #key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const links = [...this.#list.querySelectorAll(".inbox-row")];
    const next = links[links.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }
}

function snoozedFlag(until) {
  const label = `Snoozed until ${comingTime(until)}`;
  const attributes = { class: "inbox-flag", role: "img", "aria-label": label, title: label, "data-testid": "snoozed-flag" };
  return h("span", attributes, icon("clock"));
}

function skeleton() {
  const row = () =>
    h(
      "div",
      { class: "skeleton-row" },
      h("span", { class: "skeleton-disc" }),
      h("span", { class: "skeleton-lines" }),
    );
  return h(
    "div",
    { class: "skeleton", role: "status", "aria-label": "Loading conversations" },
    Array.from({ length: SKELETON_ROWS }, row),
  );
}
