/**
 * Slow mode: how long a member of a group waits between two messages, as pure functions. The server decides; this says
 * beforehand what it would.
 */

/** What the settings of a group offer, in seconds. */
export const PACES = [
  [0, "Off"],
  [10, "10 seconds"],
  [30, "30 seconds"],
  [60, "1 minute"],
  [300, "5 minutes"],
  [900, "15 minutes"],
  [3_600, "1 hour"],
];

/** "30 seconds"; also of what another client chose. @param {number} seconds */
export function paceName(seconds) {
  return PACES.find(([value]) => value === seconds)?.[1] ?? `${seconds} ${seconds === 1 ? "second" : "seconds"}`;
}

/** Whether slow mode holds the user there: admins and the owner may always speak. */
export function isPaced({ slow_mode_s: pace, membership }) {
  return pace > 0 && membership?.role === "member";
}

/** The user's newest message of a thread, deleted or not; notices do not count. */
export function lastSaid({ messages }, me) {
  let last = null;
  for (const message of messages.values())
    if (message.sender?.id === me.id && message.type !== "system" && message.seq > (last?.seq ?? 0)) last = message;
  return last;
}

/** Whether a message of the user is on its way. */
export function isSending({ pending }) {
  return [...pending.values()].some(({ state, internal }) => state === "pending" && !internal);
}

/** "24 s", "1:05 min", "1:00:05 h" @param {number} seconds */
export function countdown(seconds) {
  const two = (number) => String(number).padStart(2, "0");
  const [h, min, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  if (h) return `${h}:${two(min)}:${two(s)} h`;
  return min ? `${min}:${two(s)} min` : `${s} s`;
}
