/**
 * What the browser knows of the network and of being looked at, in two words: `wake` (try now, or see whether the
 * connection still lives) and `doubt` (it may just have died). Outside a browser nothing is ever said.
 *
 * @param {{wake: () => void, doubt: () => void}} hearers
 * @param {AbortSignal} signal ends the listening
 */
export function listenToBrowser({ wake, doubt }, signal) {
  const page = globalThis.document;
  const on = (target, name, act) => target?.addEventListener?.(name, act, { signal });
  on(globalThis, "online", wake);
  on(globalThis, "offline", doubt);
  on(globalThis, "pageshow", ({ persisted }) => persisted && wake());
  on(globalThis.navigator?.connection, "change", doubt); // from one network to another: the socket stays behind
  on(page, "resume", wake);
  on(page, "visibilitychange", () => page.visibilityState === "visible" && wake());
}
