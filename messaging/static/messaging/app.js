/**
 * The page: sign in, then one workspace that joins the chat, the store and the views, and follows the address
 * (`#/c/<conversation id>`, and `/<seq>` for a place in it). A workspace is made anew at each signing in, so that nothing of one user is left for the
 * next.
 */
import { Blocks } from "./blocks.js";
import { CannedReplies } from "./canned.js";
import { ChatClient } from "./chat-client.js";
import { Controller } from "./controller.js";
import { gist, isMuted, nameOf, titleOf } from "./conversations.js";
import { fill, h } from "./dom.js";
import { NoteKeeper } from "./note-keeper.js";
import { Session } from "./session.js";
import { Store } from "./store.js";
import { lastOwn } from "./threads.js";
import { Banner } from "./views/banner.js";
import { BlockBar, openBlocks } from "./views/blocks.js";
import { openCanned } from "./views/canned.js";
import { CaseBar, openCases } from "./views/case.js";
import { Composer } from "./views/composer.js";
import { ConversationPane } from "./views/conversation.js";
import { Details } from "./views/details.js";
import { save } from "./views/files.js";
import { confirmed, explain } from "./views/dialog.js";
import { Inbox } from "./views/inbox.js";
import { openMenu } from "./views/menu.js";
import { MessageMenu } from "./views/message-menu.js";
import { openMyData } from "./views/my-data.js";
import { openNewConversation } from "./views/new-conversation.js";
import { Notices } from "./views/notices.js";
import { PinStrip } from "./views/pins.js";
import { ReplyList } from "./views/reply-list.js";
import { openSearch } from "./views/search.js";
import { SignIn } from "./views/sign-in.js";
import { SlowModeLine } from "./views/slow-mode.js";
import { Timeline } from "./views/timeline.js";

const ADDRESS = /^#\/c\/([0-9a-f-]{36})(?:\/(\d{1,15}))?$/i;
const SIGNED_OUT = {
  asked: "",
  elsewhere: "You signed out in another tab.",
  expired: "Your session has ended. Please sign in again.",
};
const GONE = {
  deleted: "This conversation was deleted.",
  left: "You are no longer in this conversation.",
  gone: "This conversation is no longer there for you.",
};

class Workspace {
  #chat;
  #store;
  #controller;
  #notes;
  #blocks;
  #canned;
  #slowMode;
  #listening = new AbortController();
  #notices = new Notices();
  #banner = new Banner({ retry: () => this.#chat.wake() });
  #inbox;
  #timeline;
  #composer;
  #menu;
  #pane;
  #panes;
  #loadingMore = false;

  /** @param {{session: Session}} parts a session that somebody is signed in to */
  constructor({ session }) {
    this.#chat = new ChatClient({ session });
    this.#store = new Store(session.user);
    const place = (id) => (id === this.#pane.id ? this.#timeline.hold() : null);
    this.#controller = new Controller({ chat: this.#chat, store: this.#store, place });
    this.#notes = new NoteKeeper({ chat: this.#chat, store: this.#store });
    this.#blocks = new Blocks({ api: this.#chat.api });
    this.#inbox = new Inbox({ store: this.#store, acts: this.#inboxActs() });
    this.#timeline = new Timeline(this.#timelineActs());
    this.#canned = new CannedReplies(this.#chat.api);
    this.#composer = new Composer(this.#composerActs(), this.#replyList());
    this.#slowMode = new SlowModeLine({ me: session.user, hold: (on) => this.#composer.hold(on) });
    this.#menu = this.#makeMenu();
    this.#pane = this.#makePane();
    this.#panes = h(
      "div",
      { class: "workspace", "data-view": "inbox" },
      this.#inbox.element,
      this.#pane.element,
    );
    const skip = h(
      "button",
      { type: "button", class: "skip-link", onclick: () => this.#pane.focus() },
      "Skip to the conversation",
    );
    this.element = h(
      "div",
      { class: "page" },
      skip,
      this.#banner.element,
      this.#panes,
      this.#notices.element,
    );
    this.#listen();
  }

  start() {
    this.#inbox.render();
    this.#controller.begin();
    this.#route();
  }

  stop() {
    this.#listening.abort();
    this.#banner.stop();
    this.#slowMode.stop();
    this.#chat.stop();
    for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  }

  #listen() {
    const on = (target, name, act) => target.addEventListener(name, act, { signal: this.#listening.signal });
    on(this.#store, "change", ({ detail }) => this.#render(detail));
    on(this.#chat, "state", ({ detail }) => this.#connectionChanged(detail));
    on(this.#controller, "gone", ({ detail }) => this.#gone(detail));
    on(this.#controller, "arrived", ({ detail }) => this.#arrived(detail));
    on(this.#notes, "noted", ({ detail }) => this.#noted(detail));
    on(this.#blocks, "change", () => this.#pane.render());
    on(window, "hashchange", () => this.#route());
    on(document, "visibilitychange", () => this.#markRead());
  }

  #render(topics) {
    if (topics.has("inbox")) this.#inbox.render();
    this.#pane.render(topics);
    this.#renderTitle();
    this.#markRead();
  }

  #renderTitle() {
    const unread = this.#store.unreadTotal;
    const conversation = this.#store.conversations.get(this.#pane.id);
    const parts = [conversation && titleOf(conversation), "Chat"].filter(Boolean);
    document.title = (unread ? `(${unread}) ` : "") + parts.join(" · ");
  }

  #connectionChanged(state) {
    this.#banner.show(state);
    if (state.name === "online") this.#markRead();
  }

  #markRead() {
    const { id } = this.#pane;
    const seen = document.visibilityState === "visible" && this.#timeline.atBottom;
    if (id && seen && this.#store.threads.get(id)?.loaded) this.#controller.readAll(id);
  }

  // Where we are

  #route() {
    const [, id = null, seq] = location.hash.match(ADDRESS) ?? [];
    this.#show(id?.toLowerCase() ?? null, seq && Number(seq)).catch((problem) => this.#tell(problem));
  }

  async #show(id, seq) {
    this.#panes.dataset.view = id ? "conversation" : "inbox";
    this.#pane.show(id);
    this.#inbox.show(id);
    this.#renderTitle();
    if (id === null) return;
    if (!this.#store.conversations.has(id)) {
      const conversation = await this.#controller.loadConversation(id);
      if (this.#pane.id !== id) return;
      if (!conversation) {
        this.#leaveFor("This conversation does not exist, or it is not yours to see.");
        return;
      }
      this.#pane.show(id);
    }
    this.#pane.focus();
    if (seq) this.#timeline.reveal(seq);
    this.#notes.show(id);
    await (seq ? this.#controller.openAt(id, seq) : this.#controller.open(id));
  }

  #leaveFor(notice) {
    if (this.#listening.signal.aborted) return; // somebody else may be here by now
    this.#notices.show(notice);
    location.hash = "#/";
  }

  #gone({ conversation, reason }) {
    if (conversation === this.#pane.id) this.#leaveFor(GONE[reason]);
  }

  #arrived({ conversation: id, message }) {
    if (id === this.#pane.id) this.#timeline.arrived();
    const conversation = this.#store.conversations.get(id);
    if (!conversation || isMuted(conversation)) return;
    const where = id === this.#pane.id ? "" : ` in ${titleOf(conversation)}`;
    this.#notices.announce(`${nameOf(message.sender)}${where}: ${gist(message)}`);
  }

  #noted({ conversation: id, note }) {
    if (id === this.#pane.id) this.#notices.announce(`Note, ${nameOf(note.sender)}: ${note.content}`);
  }

  /** Tell what did not work; a session that is over speaks for itself. */
  #tell(problem) {
    if (problem.status !== 401) this.#notices.show(explain(problem), { kind: "problem" });
  }

  #try(promise) {
    return promise.catch((problem) => this.#tell(problem));
  }

  // What the views ask for

  #inboxActs() {
    return {
      search: (text) => this.#controller.searchInbox(text),
      more: () => this.#loadMore(),
      reload: () => this.#controller.begin(),
      create: () => this.#create(),
      find: () => this.#search(),
      account: (button) => this.#accountMenu(button),
    };
  }

  async #loadMore() {
    if (this.#loadingMore) return;
    this.#loadingMore = true;
    await this.#try(this.#controller.loadMoreInbox());
    this.#loadingMore = false;
  }

  #accountMenu(button) {
    const items = [
      { label: "Cases of a business", icon: "business", act: () => this.#cases() },
      { label: "Blocked people", icon: "block", act: () => openBlocks(this.#blocks) },
      { label: "My data", icon: "down", act: () => openMyData({ api: this.#chat.api, me: this.#store.me }) },
      { label: "Sign out", icon: "leave", act: () => this.#signOut() },
    ];
    openMenu(button, items, "Account");
  }

  /** What is still to be sent goes with its user; that must not happen unawares. */
  async #signOut() {
    const { unsent } = this.#chat;
    const text = `${unsent === 1 ? "A message that is" : `${unsent} messages that are`} not sent yet will be lost.`;
    if (unsent === 0 || (await confirmed({ title: "Sign out now?", text, act: "Sign out" })))
      await this.#chat.session.signOut();
  }

  #search() {
    const { api } = this.#controller;
    openSearch({
      find: (q, cursor) => api.searchMessages({ q, cursor, limit: 20 }),
      conversation: async (id) => this.#store.conversations.get(id) ?? this.#controller.loadConversation(id),
    });
  }

  #find = async (search) => (await this.#controller.api.findUsers(search)).results;

  #create() {
    const create = async (facts) => this.#goTo(await this.#controller.create(facts));
    openNewConversation({ find: this.#find, me: this.#store.me, create });
  }

  #cases() {
    const held = [...this.#store.conversations.values()];
    const businesses = held
      .filter(({ membership }) => membership?.role === "agent")
      .map((each) => each.business_id);
    openCases({
      me: this.#store.me,
      businesses: [...new Set(businesses)],
      load: async (businessId, filters) =>
        (await this.#controller.api.businessConversations(businessId, filters)).results,
      open: (conversation) => this.#goTo(conversation),
    });
  }

  /** To a conversation, or a message in it; also where the address says so already and one has scrolled away. */
  #goTo({ id, seq }) {
    const address = seq ? `#/c/${id}/${seq}` : `#/c/${id}`;
    if (location.hash === address) this.#route();
    else location.hash = address;
  }

  #timelineActs() {
    return {
      older: () => this.#try(this.#controller.loadOlder(this.#pane.id)),
      newer: () => this.#try(this.#controller.loadNewer(this.#pane.id)),
      newest: () => this.#try(this.#controller.openNewest(this.#pane.id)),
      bottom: () => this.#atBottom(),
      reload: () => this.#try(this.#controller.open(this.#pane.id)),
      menu: (message, button) => this.#menu.open(this.#pane.id, message, button),
      react: (seq, emoji, on) => this.#try(this.#controller.react(this.#pane.id, seq, emoji, on)),
      retry: (clientId) => this.#controller.retry(this.#pane.id, clientId),
      discard: (clientId) => this.#controller.discard(this.#pane.id, clientId),
      save: ({ id, name }) => this.#try(this.#controller.api.file(id).then((blob) => save(blob, name))),
      thumbnail: async ({ id }) => URL.createObjectURL(await this.#controller.api.thumbnail(id)),
    };
  }

  #atBottom() {
    if (this.#pane.id) this.#store.trimThread(this.#pane.id);
    this.#markRead();
  }

  #makeMenu() {
    return new MessageMenu({
      store: this.#store,
      controller: this.#controller,
      notes: this.#notes,
      acts: {
        edit: (message) => this.#composer.edit(message),
        removed: () => this.#composer.focus(),
        tell: (text) => this.#notices.show(text),
        attempt: (promise) => this.#try(promise),
      },
    });
  }

  #composerActs() {
    return {
      send: (text, how) => {
        this.#pane.answered();
        this.#timeline.toBottom();
        this.#controller.send(this.#pane.id, text, how);
      },
      edit: (message, text) => this.#try(this.#edit(this.#pane.id, message, text)),
      typing: (on) => this.#chat.typing(this.#pane.id, on),
      attach: (files) => this.#attach(this.#pane.id, files),
      editLast: () => {
        const message = lastOwn(this.#store.thread(this.#pane.id), this.#store.me);
        if (message) this.#composer.edit(message);
      },
    };
  }

  #replyList() {
    return new ReplyList({
      read: (business) => this.#canned.read(business),
      choose: (text) => this.#composer.fillIn(text),
      manage: (business) => this.#manageReplies(business),
    });
  }

  #manageReplies(business) {
    this.#composer.fillIn(""); // what was looked for is not to be sent
    openCanned({ business, replies: this.#canned });
  }

  #edit(id, { internal, number, seq }, text) {
    return internal ? this.#notes.edit(id, number, text) : this.#controller.edit(id, seq, text);
  }

  async #attach(id, files) {
    this.#pane.answered();
    this.#timeline.toBottom();
    for (const file of files) await this.#try(this.#controller.sendFile(id, file));
  }

  #makePane() {
    const { api } = this.#controller;
    const change = (how) => this.#try(this.#controller.take(how(this.#pane.id)));
    const caseBar = new CaseBar({
      me: this.#store.me,
      acts: {
        assign: (userId) => change((id) => api.assign(id, userId)),
        status: (status) => change((id) => api.setStatus(id, status)),
        snooze: (until) => change((id) => api.snooze(id, until)),
      },
    });
    const pins = new PinStrip({
      store: this.#store,
      acts: {
        load: async (id) => (await api.pins(id)).results,
        unpin: (id, seq) => api.pin(id, seq, false),
        go: (id, seq) => this.#goTo({ id, seq }),
      },
    });
    const unblock = (user) => this.#try(this.#blocks.set(user, false));
    const blockBar = new BlockBar({ blocks: this.#blocks, acts: { unblock } });
    const acts = { details: () => this.#details(), create: () => this.#create() };
    return new ConversationPane({
      store: this.#store,
      timeline: this.#timeline,
      composer: this.#composer,
      caseBar,
      pins,
      blockBar,
      slowMode: this.#slowMode,
      acts,
    });
  }

  #details() {
    const { id } = this.#pane;
    const controller = this.#controller;
    const { api } = controller;
    const acts = {
      find: this.#find,
      reload: () => controller.loadMembers(id),
      pace: (seconds) => controller.take(api.changeConversation(id, { slow_mode_s: seconds })),
      rename: (name) => controller.take(api.changeConversation(id, { name })),
      addMembers: (ids) => controller.changeMembers(id, api.addMembers(id, ids)),
      changeRole: (userId, role) => controller.changeMembers(id, api.changeRole(id, userId, role)),
      removeMember: (userId) => controller.changeMembers(id, api.removeMember(id, userId)),
      membership: (choices) => controller.chooseFor(id, choices),
      leave: () => controller.leave(id),
      remove: () => controller.deleteConversation(id),
    };
    return new Details({ store: this.#store, blocks: this.#blocks, id, acts });
  }
}

const root = document.getElementById("app");
const session = new Session();
let workspace = null;

function enter() {
  workspace = new Workspace({ session });
  fill(root, workspace.element);
  workspace.start();
}

function leave(notice = "") {
  workspace?.stop();
  workspace = null;
  document.title = "Chat";
  const view = new SignIn({ session, notice });
  fill(root, view.element);
  view.focus();
}

session.addEventListener("signedin", enter);
session.addEventListener("signedout", ({ detail }) => leave(SIGNED_OUT[detail.reason]));
addEventListener("pagehide", () => session.handOver());
if (session.restore()) enter();
else leave();
