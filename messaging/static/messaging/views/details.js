/** What a conversation is: its members and their roles, the user's own choices, the way out. */
import { KINDS, ROLES, isMuted, manages, nameOf, titleOf } from "../conversations.js";
import { fill, h, isolated } from "../dom.js";
import { icon } from "../icons.js";
import { PACES, paceName } from "../pace.js";
import { conversationAvatar, personAvatar } from "./avatar.js";
import { setBlocked } from "./blocks.js";
import { confirmed, explain, openDialog, problemLine } from "./dialog.js";
import { PeoplePicker } from "./people-picker.js";

const CHOOSABLE = ["member", "admin", "owner"];

/**
 * @typedef {{find: Function, rename: Function, pace: Function, addMembers: Function, changeRole: Function, removeMember: Function,
 *            membership: Function, leave: Function, remove: Function, reload: Function}} Acts each gives a promise
 */
export class Details {
  #store;
  #blocks;
  #id;
  #acts;
  #renaming = false;
  #problem = problemLine();
  #facts = h("div", { class: "details-facts" });
  #choices = h("div", { class: "details-choices" });
  #pace = h("div", { class: "details-pace" });
  #adding = h("div", {});
  #members = h("ul", { class: "people", "aria-label": "Members", "data-testid": "members" });
  #count = h("h3", {});
  #exits = h("div", { class: "details-exits" });
  #dialog;

  /** @param {{store: object, blocks: object, id: string, acts: Acts}} parts */
  constructor({ store, blocks, id, acts }) {
    this.#store = store;
    this.#blocks = blocks;
    this.#id = id;
    this.#acts = acts;
    const { type } = store.conversations.get(id);
    const members = h("section", { class: "details-members" }, this.#count, this.#adding, this.#members);
    this.#dialog = openDialog({
      title: `${KINDS[type]} details`,
      body: [this.#facts, this.#choices, this.#pace, this.#problem.element, members, this.#exits],
      testId: "details-dialog",
    });
    const update = ({ detail }) => this.#update(detail);
    store.addEventListener("change", update);
    const blocked = () => this.#render();
    blocks.addEventListener("change", blocked);
    this.#dialog.addEventListener("close", () => {
      store.removeEventListener("change", update);
      blocks.removeEventListener("change", blocked);
    });
    this.#render();
    acts.reload().catch(() => null);
  }

  get #conversation() {
    return this.#store.conversations.get(this.#id);
  }

  #update(topics) {
    if (!this.#conversation) this.#dialog.close();
    else if (topics.has(`conversation:${this.#id}`)) this.#render();
    else if (topics.has(`members:${this.#id}`) || topics.has("presence")) this.#renderMembers();
  }

  async #do(promise) {
    this.#problem.show("");
    try {
      await promise;
    } catch (error) {
      this.#problem.show(explain(error));
    }
  }

  #render() {
    const conversation = this.#conversation;
    if (!this.#renaming) this.#renderFacts(conversation);
    this.#kept(this.#choices, conversation.membership && this.#ownChoices(conversation));
    this.#kept(this.#pace, manages(conversation) && this.#paceSelect(conversation));
    this.#kept(this.#exits, this.#waysOut(conversation));
    this.#renderMembers();
  }

  #renderFacts(conversation) {
    const title = h("p", { class: "details-title", dir: "auto" }, titleOf(conversation));
    const attributes = {
      type: "button",
      class: "icon-button",
      "aria-label": "Rename group",
      "data-focus": "rename",
      onclick: () => this.#rename(),
    };
    const rename = manages(conversation) && h("button", attributes, icon("edit"));
    const names = h("div", { class: "details-names" }, title);
    this.#kept(this.#facts, conversationAvatar(conversation), names, rename);
  }

  /** Fill an element anew and keep the focus where it was. */
  #kept(element, ...children) {
    const focused = element.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
    fill(element, ...children);
    if (focused) element.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
  }

  #rename() {
    this.#renaming = true;
    const input = h("input", {
      id: "rename",
      value: this.#conversation.name,
      required: true,
      maxlength: 120,
      autocomplete: "off",
    });
    const act = async (event) => {
      event.preventDefault();
      await this.#do(this.#acts.rename(input.value.trim()));
      this.#renaming = false;
      if (this.#conversation) this.#renderFacts(this.#conversation);
      this.#facts.querySelector("[data-focus=rename]")?.focus();
    };
    const save = h("button", { type: "submit", class: "button primary" }, "Save");
    const label = h("label", { class: "hidden", for: "rename" }, "Group name");
    const attributes = { class: "inline-form", "aria-label": "Rename group", onsubmit: act };
    fill(this.#facts, h("form", attributes, label, input, save));
    input.focus();
    input.select();
  }

  #ownChoices(conversation) {
    const { pinned } = conversation.membership;
    const muted = isMuted(conversation);
    const toggle = (name, on, label, drawing, choices) =>
      h(
        "button",
        {
          type: "button",
          class: "toggle",
          "aria-pressed": on,
          "data-focus": name,
          onclick: () => this.#do(this.#acts.membership(choices)),
        },
        icon(drawing),
        label,
      );
    const far = "9999-01-01T00:00:00.000000Z";
    return [
      toggle("pin", pinned, "Pin to the top", "pin", { pinned: !pinned }),
      toggle("mute", muted, "Mute", "mute", { muted_until: muted ? null : far }),
    ];
  }

  /** Also what another client chose is among the choices. */
  #paceSelect({ slow_mode_s: now }) {
    const known = PACES.some(([value]) => value === now);
    const paces = known ? PACES : [...PACES, [now, paceName(now)]];
    const options = paces.map(([value, label]) => h("option", { value, selected: value === now }, label));
    const change = async ({ target }) => {
      await this.#do(this.#acts.pace(Number(target.value)));
      target.value = this.#conversation?.slow_mode_s; // what was refused is as it was
    };
    const attributes = { id: "pace", class: "select small", "data-focus": "pace", onchange: change };
    const label = h("label", { for: "pace" }, "Slow mode: time between two messages of a member");
    return [label, h("select", attributes, options)];
  }

  #waysOut({ type, membership, peer }) {
    if (type === "direct" && peer) return [this.#blocking(peer)];
    if (type !== "group" || !membership) return [];
    const leave = h(
      "button",
      { type: "button", class: "button danger-text", onclick: () => this.#leave() },
      icon("leave"),
      "Leave group",
    );
    const remove =
      membership.role === "owner" &&
      h(
        "button",
        { type: "button", class: "button danger-text", onclick: () => this.#delete() },
        icon("trash"),
        "Delete group",
      );
    return [leave, remove];
  }

  #blocking(peer) {
    const on = this.#blocks.has(peer.id);
    const attributes = {
      type: "button",
      class: on ? "button" : "button danger-text",
      "data-focus": "block",
      onclick: () => this.#do(setBlocked(this.#blocks, peer, !on)),
    };
    return h("button", attributes, icon("block"), h("span", {}, on ? "Unblock " : "Block ", isolated(nameOf(peer))));
  }

  async #leave() {
    const text = "You will no longer see its messages. Somebody in it can add you again.";
    if (await confirmed({ title: "Leave this group?", text, act: "Leave" }))
      await this.#do(this.#acts.leave());
  }

  async #delete() {
    const text = "The group and everything said in it disappear for everybody.";
    if (await confirmed({ title: "Delete this group?", text, act: "Delete" }))
      await this.#do(this.#acts.remove());
  }

  #renderMembers() {
    const conversation = this.#conversation;
    const members = this.#store.members.get(this.#id);
    const total = Math.max(conversation.participant_count, members?.size ?? 0);
    fill(this.#count, `Members (${total})`);
    if (!manages(conversation)) fill(this.#adding);
    else if (!this.#adding.hasChildNodes()) this.#renderAdd();
    const participants = [...(members?.values() ?? [])];
    this.#kept(
      this.#members,
      participants.map((participant) => this.#member(participant, conversation)),
    );
    const more = total - participants.length;
    if (members && more > 0)
      this.#members.append(h("li", { class: "muted people-more" }, `and ${more} more`));
  }

  #renderAdd() {
    const open = h(
      "button",
      { type: "button", class: "button small", onclick: () => this.#add() },
      icon("plus"),
      "Add people",
    );
    fill(this.#adding, open);
  }

  #add() {
    const without = new Set(this.#store.members.get(this.#id)?.keys());
    const picker = new PeoplePicker({ find: this.#acts.find, several: true, without });
    const act = async () => {
      const ids = [...picker.chosen.keys()];
      if (ids.length) await this.#do(this.#acts.addMembers(ids));
      this.#renderAdd();
    };
    const buttons = h(
      "div",
      { class: "row-end" },
      h("button", { type: "button", class: "button", onclick: () => this.#renderAdd() }, "Cancel"),
      h("button", { type: "button", class: "button primary", onclick: act }, "Add"),
    );
    fill(this.#adding, h("div", { class: "stack add-people" }, picker.element, buttons));
    picker.input.focus();
  }

  #member({ user, role }, conversation) {
    const isMe = user.id === this.#store.me.id;
    const name = isMe ? `${nameOf(user)} (you)` : nameOf(user);
    const owner = conversation.membership?.role === "owner" && conversation.type === "group";
    const side =
      owner && !isMe
        ? this.#roleSelect(user, role)
        : role !== "member" && h("span", { class: "role" }, ROLES[role] ?? role);
    const removable = manages(conversation) && !isMe && role !== "owner";
    const remove =
      removable &&
      h(
        "button",
        {
          type: "button",
          class: "icon-button",
          "aria-label": `Remove ${name}`,
          "data-focus": `remove-${user.id}`,
          onclick: () => this.#remove(user),
        },
        icon("close"),
      );
    return h(
      "li",
      { class: "person", "data-testid": "member" },
      personAvatar(user, this.#store.presence(user.id)),
      h(
        "span",
        { class: "person-names" },
        isolated(name, { class: "person-name" }),
        h("span", { class: "muted" }, `@${user.username}`),
      ),
      side,
      remove,
    );
  }

  #roleSelect(user, role) {
    const options = CHOOSABLE.map((value) => h("option", { value, selected: value === role }, ROLES[value]));
    const change = (event) => this.#do(this.#acts.changeRole(user.id, event.target.value));
    return h(
      "select",
      {
        class: "select small",
        "aria-label": `Role of ${nameOf(user)}`,
        "data-focus": `role-${user.id}`,
        onchange: change,
      },
      options,
    );
  }

  async #remove(user) {
    const sure = await confirmed({
      title: `Remove ${nameOf(user)}?`,
      text: "They will no longer see this group.",
      act: "Remove",
    });
    if (sure) await this.#do(this.#acts.removeMember(user.id));
  }
}
