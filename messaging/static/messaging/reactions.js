/**
 * Emojis under messages, as pure functions. What goes to everybody says how many, and who changed something; which are
 * the user's own is added here.
 *
 * @typedef {{emoji: string, count: number, mine?: boolean}} Reaction
 */

/** What the menu of a message offers: the emoji and its name. */
export const OFFERED = [
  ["👍", "Thumbs up"],
  ["❤️", "Heart"],
  ["😂", "Laughing"],
  ["🎉", "Party"],
  ["😮", "Surprised"],
  ["🙏", "Thank you"],
];

/** Whether it is known which reactions are the user's. */
export function isSure({ reactions = [] }) {
  return reactions.every(({ mine }) => mine !== undefined);
}

/** The emojis that the user put there. */
export function ownOf({ reactions = [] }) {
  return reactions.filter(({ mine }) => mine).map(({ emoji }) => emoji);
}

/** A message with `own` marked as the user's. */
export function withOwn(message, own) {
  const reactions = message.reactions.map((one) => ({ ...one, mine: own.includes(one.emoji) }));
  return { ...message, reactions };
}

/**
 * A message as an event told it, with what is the user's own: as the event says, else as it was.
 *
 * @param {object} message
 * @param {{user: string, emojis: string[]}[]} reacted whose own reactions changed
 * @param {object | undefined} held the message as it was
 */
export function settled(message, reacted, held, me) {
  if (isSure(message)) return message;
  const told = reacted.find(({ user }) => user === me.id);
  if (told) return withOwn(message, told.emojis);
  return held && isSure(held) ? withOwn(message, ownOf(held)) : message;
}
