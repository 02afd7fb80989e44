/**
 * How long to wait before trying again. Nothing here touches a clock or a socket.
 */
const FIRST_MS = 500;
const LONGEST_MS = 30_000;
const SHORTEST_MS = 200;
const LONGEST_ASKED_MS = 600_000;

/** What a close code asks for on top: `floor` is waited in any case, `spread` is how far a crowd is pulled apart. */
const ASKED = {
  1012: { spread: 5_000 }, // the server restarts: all of its clients were put out in the same moment
  4400: { floor: 30_000 }, // our frames are not understood: trying soon mends nothing
  4403: { floor: 30_000 },
  4413: { floor: 2_000 },
  4429: { floor: 5_000, spread: 10_000 },
};

/** What is waited after this close code whoever asks for the next try. @returns {number} milliseconds */
export function floorOf(code, atLeast = 0) {
  return Math.max(ASKED[code]?.floor ?? SHORTEST_MS, atLeast);
}

/** How long the reason of a close asks to stay away. @param {string} reason @returns {number} milliseconds */
export function askedBy(reason) {
  const seconds = Number(/^retry-after=(\d+(?:\.\d+)?)$/.exec(reason)?.[1] ?? 0);
  return Math.min(seconds * 1000, LONGEST_ASKED_MS);
}

/**
 * Exponential with full jitter: anywhere up to a ceiling that doubles with each try, and never nothing.
 *
 * @param {number} attempt 0 for the first try after a loss
 * @param {{code?: number, atLeast?: number, random?: () => number}} [options] `code`: with which the connection was
 *   closed; `atLeast`: what the server asked for, in ms, and has spread already
 * @returns {number} milliseconds
 */
export function backoff(attempt, { code = 0, atLeast = 0, random = Math.random } = {}) {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * 2 ** attempt);
  const spread = atLeast ? 0 : (ASKED[code]?.spread ?? 0);
  return floorOf(code, atLeast) + random() * Math.max(ceiling, spread);
}
