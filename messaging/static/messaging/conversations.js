/**
 * What holds for conversations and people, as pure functions: names, order, and what a change makes of them.
 *
 * @typedef {{id: string, username: string, display_name: string, avatar_url: string | null}} User
 * @typedef {{seq: number, type: string, sender: User | null, content: string, sent_at: string, deleted: boolean}} LastMessage
 * @typedef {{role: string, joined_at: string | null, last_read_seq: number, muted_until: string | null,
 *            pinned: boolean}} Membership
 * @typedef {{id: string, type: "direct" | "group" | "business", name: string, business_id: string | null,
 *            last_activity_at: string, version: number, last_seq: number, last_message: LastMessage | null,
 *            participant_count: number, unread_count: number, membership: Membership | null, peer: User | null,
 *            pins: number[], slow_mode_s: number,
 *            business: {status: string, assignee: User | null, snoozed_until: string | null} | null}} Conversation
 */

export const KINDS = {
  direct: "Direct conversation",
  group: "Group",
  business: "Business case",
};

export const STATUSES = { open: "Open", pending: "Pending", resolved: "Resolved" };

export const ROLES = {
  owner: "Owner",
  admin: "Admin",
  member: "Member",
  agent: "Agent",
  customer: "Customer",
};

const KIND_LABELS = {
  image: "Image",
  file: "File",
  audio: "Audio message",
  video: "Video",
  location: "Location",
};

/** @param {User | null | undefined} user */
export function nameOf(user) {
  return user?.display_name?.trim() || user?.username?.trim() || "Unknown";
}

/** @param {Conversation} conversation */
export function titleOf(conversation) {
  const { type, name, peer, business_id: businessId, participant_count: count } = conversation;
  if (type === "direct" && peer) return nameOf(peer);
  if (name?.trim()) return name;
  if (type === "business") return `Case with ${businessId ?? "a business"}`;
  return type === "group" ? `Group of ${count}` : "Direct conversation";
}

/** What stands for a message in one line. */
export function gist(message) {
  return message.content?.trim() || KIND_LABELS[message.type] || "Empty message";
}

/**
 * The second line of an inbox row.
 *
 * @param {Conversation} conversation
 * @param {User} me
 * @returns {{who: string, text: string, muted: boolean}}
 */
export function previewOf({ type, last_message: last }, me) {
  if (!last) return { who: "", text: "No messages yet", muted: true };
  const own = last.sender?.id === me.id;
  const named = last.type !== "system" && last.sender && (own || type !== "direct");
  const who = named ? (own ? "You" : nameOf(last.sender)) : "";
  if (last.deleted) return { who, text: "Message deleted", muted: true };
  return { who, text: gist(last), muted: last.type === "system" };
}

/** Pinned first, then by last activity, newest first. */
export function inInboxOrder(a, b) {
  const pins = Number(b.membership?.pinned ?? false) - Number(a.membership?.pinned ?? false);
  if (pins) return pins;
  if (a.last_activity_at === b.last_activity_at) return a.id < b.id ? 1 : -1;
  return a.last_activity_at < b.last_activity_at ? 1 : -1;
}

/** Whether it is in the user's inbox; an agent may see a case without having joined it. */
export function isJoined({ membership }) {
  return Boolean(membership?.joined_at);
}

export function isMuted(conversation, now = Date.now()) {
  const until = conversation.membership?.muted_until;
  return Boolean(until) && Date.parse(until) > now;
}

/** Whether the user may rename it and choose its members. */
export function manages(conversation) {
  return conversation.type === "group" && ["owner", "admin"].includes(conversation.membership?.role);
}

/** Whether the user works on this case; an agent need not be a member to do so. */
export function worksOn(conversation) {
  return conversation.type === "business" && conversation.membership?.role !== "customer";
}

/** Whether the user may pin messages there. */
export function mayPin(conversation) {
  return conversation.type === "direct" || keepsOrder(conversation);
}

/** Whether the user may read what was said before an edit. */
export function keepsOrder(conversation) {
  return manages(conversation) || worksOn(conversation);
}

export function counts(message, me) {
  return message.type !== "system" && !message.deleted_at && message.sender?.id !== me.id;
}

function summary(message) {
  const { seq, type, sender, content, sent_at: sentAt, deleted_at: deletedAt } = message;
  return { seq, type, sender, content, sent_at: sentAt, deleted: Boolean(deletedAt) };
}

/**
 * The conversation after a message was made, edited or deleted.
 *
 * @param {Conversation} conversation
 * @param {object} message
 * @param {User} me
 * @returns {Conversation}
 */
export function withMessage(conversation, message, me) {
  const { seq } = message;
  const { last_seq: lastSeq } = conversation;
  const next = seq >= lastSeq ? { ...conversation, last_message: summary(message) } : conversation;
  return seq > lastSeq ? withNew(next, message, me) : withChanged(next, message, me);
}

function withNew(conversation, message, me) {
  const { last_activity_at: before, unread_count: unread } = conversation;
  const { seq, sender, sent_at: sentAt } = message;
  const next = {
    ...conversation,
    last_seq: seq,
    last_activity_at: sentAt > before ? sentAt : before,
    unread_count: unread + Number(counts(message, me)),
  };
  return sender?.id === me.id ? withRead(next, seq) : next;
}

/** An unread message that is deleted is unread no more. */
function withChanged(conversation, message, me) {
  const { membership, unread_count: unread } = conversation;
  const wasUnread =
    message.seq > (membership?.last_read_seq ?? 0) && counts({ ...message, deleted_at: null }, me);
  if (!message.deleted_at || !wasUnread) return conversation;
  return { ...conversation, unread_count: Math.max(0, unread - 1) };
}

/** The conversation after its user read up to `seq`; `unread` where the server counted what is left. */
export function withRead(conversation, seq, unread) {
  const { membership, last_seq: lastSeq, unread_count: before } = conversation;
  if (!membership) return conversation;
  const read = Math.max(membership.last_read_seq, seq);
  const left = unread ?? (read >= lastSeq ? 0 : before);
  return { ...conversation, unread_count: left, membership: { ...membership, last_read_seq: read } };
}

/**
 * The conversation after `conversation.updated`. Its message counters stay: the messages themselves move those, and
 * the event may already count some that come after it.
 */
export function withFacts(
  conversation,
  { name, avatar_url, pins, slow_mode_s, participant_count, business, version },
) {
  return { ...conversation, name, avatar_url, pins, slow_mode_s, participant_count, business, version };
}

/** Whether a typed search fits. @param {string} search */
export function fits(conversation, search) {
  const wanted = search.trim().toLocaleLowerCase();
  const { peer, business_id: businessId } = conversation;
  const haystack = [titleOf(conversation), peer?.username, businessId].join("\n").toLocaleLowerCase();
  return haystack.includes(wanted);
}
