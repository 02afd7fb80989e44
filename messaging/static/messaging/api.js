/**
 * The REST contract as methods, each the name of what a user does. All of them may throw a `Problem`.
 *
 * @typedef {{access: (options?: {insteadOf?: string}) => Promise<string>}} TokenSource
 */
import { call } from "./http.js";

const TICKET_MS = 8_000;
const FILE_MS = 10 * 60_000;

/** A query string of the values that are set, with its question mark. */
export function query(values) {
  const set = Object.entries(values).filter(
    ([, value]) => value !== undefined && value !== null && value !== "",
  );
  return set.length ? `?${new URLSearchParams(set)}` : "";
}

export class Api {
  #tokens;
  #base;

  /** @param {{tokens: TokenSource, base?: string}} options */
  constructor({ tokens, base = "/api/v1" }) {
    this.#tokens = tokens;
    this.#base = base;
  }

  /** Any call, with a token; one that has run out is renewed and the call made once more. `timeout` in ms. */
  async call(method, path, body, { timeout, blob } = {}) {
    const token = await this.#tokens.access();
    try {
      return await call(this.#base + path, { method, body, token, timeout, blob });
    } catch (problem) {
      if (problem.status !== 401) throw problem;
      const renewed = await this.#tokens.access({ insteadOf: token });
      return call(this.#base + path, { method, body, token: renewed, timeout, blob });
    }
  }

  // Signing in

  /** @returns {Promise<{ticket: string, expires_at: string}>} good once, for half a minute */
  ticket() {
    // A browser asks on a connection that it kept open; where the network forgot that one, only giving up ends it.
    return this.call("POST", "/auth/ws-ticket", undefined, { timeout: TICKET_MS });
  }

  // People

  findUsers(search, { cursor, limit = 20 } = {}) {
    return this.call("GET", `/users${query({ search, cursor, limit })}`);
  }

  user(id) {
    return this.call("GET", `/users/${id}`);
  }

  /** Whom the user has blocked. */
  blocks({ cursor, limit = 50 } = {}) {
    return this.call("GET", `/users/me/blocks${query({ cursor, limit })}`);
  }

  block(userId, on) {
    return this.call(on ? "PUT" : "DELETE", `/users/me/blocks/${userId}`);
  }

  unread() {
    return this.call("GET", "/unread");
  }

  // Conversations

  /** @param {{type?: string, business_id?: string, status?: string, assignee?: string, unread?: string,
   *           archived?: string, search?: string, cursor?: string, limit?: number}} [filters] */
  conversations(filters = {}) {
    return this.call("GET", `/conversations${query(filters)}`);
  }

  conversation(id) {
    return this.call("GET", `/conversations/${id}`);
  }

  /** @param {{type: string, participant_ids?: string[], name?: string, business_id?: string, content?: string}} facts */
  createConversation(facts) {
    return this.call("POST", "/conversations", facts);
  }

  changeConversation(id, facts) {
    return this.call("PATCH", `/conversations/${id}`, facts);
  }

  deleteConversation(id) {
    return this.call("DELETE", `/conversations/${id}`);
  }

  changes(id, { after, cursor, limit = 200 }) {
    return this.call("GET", `/conversations/${id}/changes${query({ after: cursor ?? after, limit })}`);
  }

  /** @param {{pinned?: boolean, archived?: boolean, muted_until?: string | null, notify?: string}} choices */
  changeMembership(id, choices) {
    return this.call("PATCH", `/conversations/${id}/membership`, choices);
  }

  markRead(id, seq) {
    return this.call("POST", `/conversations/${id}/read`, { seq });
  }

  leave(id) {
    return this.call("POST", `/conversations/${id}/leave`);
  }

  // Members

  members(id, { cursor, limit = 100 } = {}) {
    return this.call("GET", `/conversations/${id}/participants${query({ cursor, limit })}`);
  }

  addMembers(id, userIds) {
    return this.call("POST", `/conversations/${id}/participants`, { user_ids: userIds });
  }

  changeRole(id, userId, role) {
    return this.call("PATCH", `/conversations/${id}/participants/${userId}`, { role });
  }

  removeMember(id, userId) {
    return this.call("DELETE", `/conversations/${id}/participants/${userId}`);
  }

  // Messages

  /** @param {{before?: number, after?: number, around?: number, limit?: number}} [window] */
  messages(id, { before, after, around, limit = 50 } = {}) {
    return this.call("GET", `/conversations/${id}/messages${query({ before, after, around, limit })}`);
  }

  /** @returns {Promise<{results: object[]}>} the pinned messages, the one pinned last first */
  pins(id) {
    return this.call("GET", `/conversations/${id}/pins`);
  }

  pin(id, seq, on) {
    return this.call(on ? "PUT" : "DELETE", `/conversations/${id}/pins/${seq}`);
  }

  /** What a message said before each edit, the earliest first. @returns {Promise<{results: object[]}>} all: it is edited 100 times at most */
  history(id, seq) {
    return this.call("GET", `/conversations/${id}/messages/${seq}/history${query({ limit: 200 })}`);
  }

  /** @param {{reason: "spam" | "abuse" | "illegal" | "other", note?: string}} facts */
  report(id, seq, facts) {
    return this.call("POST", `/conversations/${id}/messages/${seq}/report`, facts);
  }

  /**
   * Among all that the user may read.
   *
   * @param {{q: string, conversation?: string, sender?: string, type?: string, since?: string, until?: string,
   *          sort?: "newest" | "relevance", cursor?: string, limit?: number}} search
   * @returns {Promise<{results: object[], next: string | null}>} messages, each with its `highlight`: pieces of text
   */
  searchMessages(search) {
    return this.call("GET", `/search/messages${query(search)}`);
  }

  // Files

  /** @param {File} file @returns {Promise<object>} what it is; its `id` goes into `attachments` of a message */
  upload(file) {
    const form = new FormData();
    form.append("file", file);
    return this.call("POST", "/attachments", form, { timeout: FILE_MS });
  }

  /** @returns {Promise<Blob>} */
  file(id) {
    return this.call("GET", `/attachments/${id}`, undefined, { timeout: FILE_MS, blob: true });
  }

  /** @returns {Promise<Blob>} a small picture, of what has a `thumbnail_url` */
  thumbnail(id) {
    return this.call("GET", `/attachments/${id}/thumbnail`, undefined, { blob: true });
  }

  // Business cases

  businessConversations(businessId, { status, search, cursor, limit = 30 } = {}) {
    const path = `/business/${encodeURIComponent(businessId)}/conversations`;
    return this.call("GET", path + query({ status, search, cursor, limit }));
  }

  agents(businessId, { cursor, limit = 100 } = {}) {
    return this.call("GET", `/business/${encodeURIComponent(businessId)}/agents${query({ cursor, limit })}`);
  }

  assign(id, userId) {
    return this.call("POST", `/conversations/${id}/assign`, { user_id: userId });
  }

  setStatus(id, status) {
    return this.call("POST", `/conversations/${id}/status`, { status });
  }

  /** Have a case sleep until a time to come, or wake it (null). @param {Date | null} until */
  snooze(id, until) {
    return this.call("POST", `/conversations/${id}/snooze`, { until: until?.toISOString() ?? null });
  }

  /** What the agents of a business say often, by shortcuts. */
  cannedReplies(businessId, { search, cursor, limit = 50 } = {}) {
    return this.call("GET", cannedPath(businessId) + query({ search, cursor, limit }));
  }

  /** @param {{shortcut: string, content: string}} facts */
  addCannedReply(businessId, facts) {
    return this.call("POST", cannedPath(businessId), facts);
  }

  /** @param {{shortcut?: string, content?: string}} facts */
  changeCannedReply(businessId, id, facts) {
    return this.call("PATCH", `${cannedPath(businessId)}/${id}`, facts);
  }

  deleteCannedReply(businessId, id) {
    return this.call("DELETE", `${cannedPath(businessId)}/${id}`);
  }

  /**
   * Notes among the agents of a case, those that stand beside messages `from` to `to` (null: the newest).
   *
   * @param {{from?: number, to?: number | null, cursor?: string, limit?: number}} [window]
   * @returns {Promise<{results: object[], next: string | null, version: number}>}
   */
  notes(id, { from, to, cursor, limit = 50 } = {}) {
    return this.call("GET", `/conversations/${id}/notes${query({ from_seq: from, to_seq: to, cursor, limit })}`);
  }

  editNote(id, number, content) {
    return this.call("PATCH", `/conversations/${id}/notes/${number}`, { content });
  }

  deleteNote(id, number) {
    return this.call("DELETE", `/conversations/${id}/notes/${number}`);
  }

  // One's own data

  /** Have it packed; while that goes on, the same job again. @returns {Promise<object>} the job */
  exportOwn() {
    return this.call("POST", "/users/me/export");
  }

  job(id) {
    return this.call("GET", `/jobs/${id}`);
  }

  /** @returns {Promise<Blob>} the ZIP of an export that is done */
  result(id) {
    return this.call("GET", `/jobs/${id}/result`, undefined, { timeout: FILE_MS, blob: true });
  }
}

function cannedPath(businessId) {
  return `/business/${encodeURIComponent(businessId)}/canned-replies`;
}
