/** The right pane: who one talks with, the state of a business case, what is pinned, the messages, who is typing, the composer. */
import { KINDS, nameOf, titleOf, worksOn } from "../conversations.js";
import { fill, h, isolated } from "../dom.js";
import { icon } from "../icons.js";
import { lastOwn, rowsOf } from "../threads.js";
import { briefTime } from "../time.js";
import { conversationAvatar } from "./avatar.js";

const MOST_NAMES = 3;

/** "Ada", "Ada and Bo", "Ada, Bo and 3 others" */
export function listed(names) {
  const shown = names.length > MOST_NAMES ? names.slice(0, MOST_NAMES - 1) : names;
  const rest = names.length - shown.length;
  const parts = rest ? [...shown, `${rest} others`] : shown;
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

export class ConversationPane {
  id = null;
  #store;
  #timeline;
  #composer;
  #caseBar;
  #pins;
  #blockBar;
  #slowMode;
  #details;
  #newAfter = null;
  #title = h("h1", { class: "pane-title", tabIndex: -1, dir: "auto", "data-testid": "conversation-title" });
  #subtitle = h("p", { class: "pane-subtitle muted" });
  #avatar = h("div", { class: "pane-avatar" });
  #typing = h("div", { class: "typing-line", "data-testid": "typing" });
  #placeholder;
  #open;

  /**
   * @param {{store: object, timeline: object, composer: object, caseBar: object, pins: object, blockBar: object, slowMode: object,
   *          acts: {details: () => void, create: () => void}}} parts
   */
  constructor({ store, timeline, composer, caseBar, pins, blockBar, slowMode, acts }) {
    this.#store = store;
    this.#timeline = timeline;
    this.#composer = composer;
    this.#caseBar = caseBar;
    this.#pins = pins;
    this.#blockBar = blockBar;
    this.#slowMode = slowMode;
    this.#details = h(
      "button",
      {
        type: "button",
        class: "icon-button",
        "aria-label": "Conversation details",
        title: "Details",
        onclick: acts.details,
      },
      icon("info"),
    );
    this.#open = h(
      "section",
      { class: "conversation", "aria-label": "Conversation", hidden: true },
      this.#head(),
      caseBar.element,
      pins.element,
      timeline.element,
      this.#typing,
      blockBar.element,
      slowMode.element,
      composer.element,
    );
    this.#placeholder = placeholder(acts);
    this.element = h("main", { class: "pane", id: "conversation" }, this.#open, this.#placeholder);
  }

  /** Show a conversation (null: none). What was unread at that moment stays marked while it is open. */
  show(id) {
    this.id = id;
    const conversation = this.#store.conversations.get(id);
    this.#newAfter = conversation?.unread_count ? (conversation.membership?.last_read_seq ?? null) : null;
    this.#open.hidden = id === null;
    this.#placeholder.hidden = id !== null;
    fill(this.#typing);
    if (id === null) return;
    this.#composer.show(id);
    this.render();
  }

  /** The user answered: nothing above is new any more. */
  answered() {
    this.#newAfter = null;
  }

  /** Put the focus where the user goes on: at writing, or on a phone (where that opens the keyboard) at the title. */
  focus() {
    if (matchMedia("(pointer: coarse)").matches) this.#title.focus();
    else this.#composer.focus();
  }

  /** @param {Set<string>} [topics] of the store; everything without them */
  render(topics) {
    const { id } = this;
    if (id === null) return;
    const concerns = (topic) => !topics || topics.has(`${topic}:${id}`);
    const conversation = this.#store.conversations.get(id);
    if (concerns("conversation") || topics.has("presence")) this.#renderHead(conversation);
    if (concerns("conversation") || concerns("members") || concerns("thread"))
      this.#renderThread(conversation);
    if (concerns("conversation") || concerns("thread")) this.#pins.render(conversation);
    if (concerns("typing")) this.#renderTyping();
  }

  #head() {
    const back = h(
      "a",
      { class: "icon-button back-button", href: "#/", "aria-label": "Back to conversations" },
      icon("back"),
    );
    const names = h("div", { class: "pane-names" }, this.#title, this.#subtitle);
    return h("header", { class: "pane-head" }, back, this.#avatar, names, this.#details);
  }

  #renderHead(conversation) {
    this.#details.disabled = !conversation;
    this.#blockBar.render(conversation);
    this.#composer.serve(conversation && worksOn(conversation) ? conversation.business_id : null);
    if (!conversation) {
      fill(this.#avatar, h("span", { class: "avatar skeleton-disc" }));
      fill(this.#title, "Loading…");
      fill(this.#subtitle);
      return;
    }
    const presence = this.#store.presence(conversation.peer?.id);
    fill(this.#avatar, conversationAvatar(conversation, presence));
    fill(this.#title, titleOf(conversation));
    fill(this.#subtitle, subtitleOf(conversation, presence));
    this.#caseBar.render(conversation);
  }

  #renderThread(conversation) {
    const { id } = this;
    const { me } = this.#store;
    const thread = this.#store.thread(id);
    const rows = conversation
      ? rowsOf(thread, { me, newAfter: this.#newAfter, seen: this.#seen(thread) })
      : [];
    for (const row of rows) row.pinned = isPinned(row, conversation);
    this.#slowMode.render(conversation, thread);
    const named = conversation ? conversation.type !== "direct" : false;
    const intro = conversation ? introduction(conversation, rows.length === 0) : [];
    this.#timeline.render({ id, thread, rows, named, intro });
  }

  /** Who has read the user's last message. */
  #seen(thread) {
    const { me } = this.#store;
    const last = lastOwn(thread, me);
    if (!last) return null;
    const others = [...(this.#store.members.get(this.id)?.values() ?? [])].filter(
      ({ user }) => user.id !== me.id,
    );
    const readers = others.filter(({ last_read_seq: read }) => read >= last.seq);
    if (!readers.length) return null;
    const text = others.length === 1 ? "Seen" : `Seen by ${listed(readers.map(({ user }) => nameOf(user)))}`;
    return { seq: last.seq, text };
  }

  #renderTyping() {
    const names = this.#store.typing(this.id);
    if (!names.length) {
      fill(this.#typing);
      return;
    }
    const dots = h("span", { class: "dots", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
    fill(this.#typing, dots, isolated(`${listed(names)} ${names.length > 1 ? "are" : "is"} typing`));
  }
}

function isPinned({ message }, { pins }) {
  return Boolean(message?.seq) && !message.internal && !message.deleted_at && pins.includes(message.seq);
}

function subtitleOf({ type, peer, participant_count: count, business_id: businessId }, presence) {
  if (type === "direct") return peer ? [`@${peer.username}`, ...standing(presence)].join(" · ") : KINDS.direct;
  const members = `${count} ${count === 1 ? "member" : "members"}`;
  return type === "business"
    ? `${KINDS.business} · ${businessId ?? ""} · ${members}`
    : `${KINDS.group} · ${members}`;
}

function standing(presence) {
  if (!presence) return [];
  if (presence.status !== "offline") return [presence.status];
  return presence.seenAt ? [`last seen ${briefTime(presence.seenAt)}`] : [];
}

function introduction(conversation, empty) {
  const { type, peer } = conversation;
  const beginning = {
    direct: `This is the beginning of your conversation with ${nameOf(peer)}.`,
    group: "This is the beginning of this group.",
    business: "This is the beginning of this case.",
  }[type];
  const hint = empty && h("p", { class: "muted" }, "No messages yet. Say hello.");
  return [
    conversationAvatar(conversation),
    h("h2", { dir: "auto" }, titleOf(conversation)),
    h("p", { class: "muted" }, isolated(beginning)),
    hint,
  ];
}

function placeholder({ create }) {
  const drawing = h("div", { class: "placeholder-art", "aria-hidden": "true" }, h("i"), h("i"), h("i"));
  const start = h("button", { type: "button", class: "button primary", onclick: create }, "New conversation");
  return h(
    "div",
    { class: "placeholder" },
    drawing,
    h("h1", {}, "Pick up where you left off"),
    h("p", { class: "muted" }, "Choose a conversation, or start a new one."),
    start,
  );
}
