/**
 * Who is signed in: an access token in memory, a rotating refresh token in storage.
 *
 * A refresh token works once, so tabs that share one take turns (Web Locks) and tell each other what they got
 * (BroadcastChannel). Where a browser offers neither, a single tab still works.
 *
 * @typedef {{id: string, kaha_id: string | null, username: string, display_name: string, avatar_url: string | null}} User
 * @typedef {{sid: string, generation: number, refresh: string, user: User, remember: boolean}} Keys
 */
import { Problem, call } from "./http.js";

const STORAGE_KEY = "chat.session";
const HAND_OVER_KEY = "chat.access";
const PEER_REPLY_MS = 400;
const OVERTAKEN_MS = 3_000; // for the tab that was first to have its answer
const LOOK_MS = 200;
const EARLY_MS = 30_000;
const EARLY_SHARE = 1 / 4;

/** A random id; `crypto.randomUUID` is missing on plain http outside localhost. */
export function randomId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** How long (ms) a JWT lives, by its own dates: the clocks of server and browser may differ. */
export function spanOf(token) {
  try {
    const payload = token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    const { exp, iat } = JSON.parse(atob(payload));
    return (typeof iat === "number" ? exp - iat : exp - Date.now() / 1000) * 1000 || 60_000;
  } catch {
    return 60_000;
  }
}

/** Local time (ms) at which a JWT received just now runs out. */
export function endOf(token, now = Date.now()) {
  return now + spanOf(token);
}

function readJson(storage, key) {
  try {
    return JSON.parse(storage.getItem(key) ?? "null");
  } catch {
    return null;
  }
}

function writeJson(storage, key, value) {
  try {
    if (value === null) storage.removeItem(key);
    else storage.setItem(key, JSON.stringify(value));
  } catch {
    // Storage may be full or forbidden; the session then lasts as long as the page.
  }
}

/**
 * Fires `signedin` and `signedout` (detail: `{reason: "asked" | "elsewhere" | "expired"}`).
 */
export class Session extends EventTarget {
  /** @type {Keys | null} */
  #keys = null;
  #access = "";
  #until = 0;
  #renewing = null;
  #base;
  #channel = null;
  #leaveTab = () => {};

  /** @param {{base?: string}} [options] base address of the API */
  constructor({ base = "/api/v1" } = {}) {
    super();
    this.#base = base;
    if (globalThis.BroadcastChannel) {
      this.#channel = new BroadcastChannel("chat.session");
      this.#channel.addEventListener("message", ({ data }) => this.#hear(data));
    }
  }

  /** @returns {User | null} */
  get user() {
    return this.#keys?.user ?? null;
  }

  get signedIn() {
    return this.#keys !== null;
  }

  /** Local time in ms at which the access token runs out; 0 without one. */
  get accessEnds() {
    return this.#access ? this.#until : 0;
  }

  /**
   * @param {{username: string, password: string, remember?: boolean}} credentials
   * @throws {Problem} 401 for wrong ones, 429 for too many tries
   */
  async signIn({ username, password, remember = false }) {
    const body = { username, password };
    const { access, refresh, user } = await call(`${this.#base}/auth/token`, { method: "POST", body });
    this.#adopt({ sid: randomId(), generation: 1, refresh, user, remember }, access, endOf(access));
    this.dispatchEvent(new CustomEvent("signedin"));
  }

  /** Make an account; it is not signed in by that. 403 where registration is closed. */
  async register({ username, password, displayName = "" }) {
    const body = { username, password };
    if (displayName) body.display_name = displayName;
    return call(`${this.#base}/auth/register`, { method: "POST", body });
  }

  /** Take up what an earlier page left behind. @returns {boolean} whether somebody is signed in */
  restore() {
    const own = readJson(sessionStorage, STORAGE_KEY);
    const shared = readJson(localStorage, STORAGE_KEY);
    const newer = own && shared && own.sid === shared.sid && shared.generation > own.generation;
    const keys = newer ? shared : (own ?? shared);
    if (!keys?.refresh || !keys.user) return false;
    const left = readJson(sessionStorage, HAND_OVER_KEY);
    writeJson(sessionStorage, HAND_OVER_KEY, null);
    const usable = left?.sid === keys.sid && left.until > Date.now();
    this.#adopt(keys, usable ? left.access : "", usable ? left.until : 0);
    return true;
  }

  /**
   * Leave the access token to the next page of this tab. Called when the page goes away: a reload then needs no
   * rotation, which a second quick reload would cut off between the server's change and our note of it.
   */
  handOver() {
    if (!this.#keys || !this.#access) return;
    const left = { sid: this.#keys.sid, access: this.#access, until: this.#until };
    writeJson(sessionStorage, HAND_OVER_KEY, left);
  }

  /**
   * An access token that is good for a while.
   *
   * @param {{insteadOf?: string}} [options] a token that the server refused
   * @returns {Promise<string>}
   * @throws {Problem} 401 when the session is over, status 0 when the server is away
   */
  async access({ insteadOf = "" } = {}) {
    if (this.#isGood(insteadOf)) return this.#access;
    this.#renewing ??= this.#renew(insteadOf).finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  /** Revoke the refresh token (as far as the server can be reached) and forget everything. */
  async signOut() {
    const refresh = this.#keys?.refresh;
    const token = this.#access;
    this.#channel?.postMessage({ kind: "signedout", sid: this.#keys?.sid });
    this.#forget("asked");
    if (refresh)
      await call(`${this.#base}/auth/token/revoke`, { method: "POST", body: { refresh }, token }).catch(
        () => null,
      );
  }

  /** Whether there is a token, other than the refused one, that lasts as long as a call may take. */
  #isGood(refused) {
    if (!this.#access || this.#access === refused) return false;
    return this.#until - Date.now() > Math.min(EARLY_MS, spanOf(this.#access) * EARLY_SHARE);
  }

  #adopt(keys, access, until) {
    if (keys.sid !== this.#keys?.sid) this.#enterTab(keys.sid);
    this.#keys = keys;
    this.#access = access;
    this.#until = until;
    writeJson(sessionStorage, STORAGE_KEY, keys);
    if (keys.remember) writeJson(localStorage, STORAGE_KEY, keys);
  }

  #forget(reason) {
    const keys = this.#keys;
    if (!keys) return;
    this.#keys = null;
    this.#access = "";
    this.#leaveTab();
    writeJson(sessionStorage, STORAGE_KEY, null);
    if (readJson(localStorage, STORAGE_KEY)?.sid === keys.sid) writeJson(localStorage, STORAGE_KEY, null);
    this.dispatchEvent(new CustomEvent("signedout", { detail: { reason } }));
  }

  /** A shared lock held as long as this tab uses the session, so that a tab knows whether it has peers to ask. */
  #enterTab(sid) {
    this.#leaveTab();
    navigator.locks?.request(
      `chat.tab:${sid}`,
      { mode: "shared" },
      () =>
        new Promise((leave) => {
          this.#leaveTab = leave;
        }),
    );
  }

  async #renew(stale) {
    const sid = this.#keys?.sid;
    const rotate = () => this.#rotate(stale);
    return navigator.locks ? navigator.locks.request(`chat.session:${sid}`, rotate) : rotate();
  }

  async #rotate(stale) {
    await this.#askPeers();
    this.#readShared();
    if (!this.#keys) throw new Problem({ status: 401, code: "signed_out", title: "You are signed out." });
    if (this.#isGood(stale)) return this.#access;
    const { refresh: used } = this.#keys;
    try {
      const body = { refresh: used };
      const { access, refresh } = await call(`${this.#base}/auth/token/refresh`, { method: "POST", body });
      this.#adopt({ ...this.#keys, refresh, generation: this.#keys.generation + 1 }, access, endOf(access));
      this.#tell();
      return access;
    } catch (problem) {
      if (![400, 401, 403].includes(problem.status)) throw problem;
      if (await this.#wasOvertaken(used)) return this.#rotate(stale);
      this.#forget("expired");
      throw problem;
    }
  }

  /** Whether another tab was first with this refresh token: without locks two may use it at once, and its answer may
   * still be on the way when ours is refused. */
  async #wasOvertaken(used) {
    const until = Date.now() + (navigator.locks ? 0 : OVERTAKEN_MS);
    for (;;) {
      await this.#askPeers();
      this.#readShared();
      if (this.#keys?.refresh !== used) return Boolean(this.#keys);
      if (Date.now() >= until) return false;
      await new Promise((done) => setTimeout(done, LOOK_MS));
    }
  }

  /** Take the rotation that another tab has written down, which ours would be refused after. */
  #readShared() {
    if (!this.#keys?.remember) return;
    const shared = readJson(localStorage, STORAGE_KEY);
    const newer = shared?.sid === this.#keys.sid && shared.generation > this.#keys.generation;
    if (newer) this.#adopt(shared, "", 0);
  }

  async #isAlone() {
    const name = `chat.tab:${this.#keys.sid}`;
    const { held } = (await navigator.locks?.query()) ?? {};
    return held?.filter((lock) => lock.name === name).length < 2;
  }

  async #askPeers() {
    if (!this.#channel || !this.#keys || (await this.#isAlone())) return;
    await new Promise((resolve) => {
      const answered = ({ data }) => data?.kind === "keys" && resolve();
      this.#channel.addEventListener("message", answered);
      this.#channel.postMessage({ kind: "ask", sid: this.#keys.sid });
      setTimeout(() => {
        this.#channel.removeEventListener("message", answered);
        resolve();
      }, PEER_REPLY_MS);
    });
  }

  #tell() {
    this.#channel?.postMessage({
      kind: "keys",
      sid: this.#keys.sid,
      keys: this.#keys,
      access: this.#access,
      until: this.#until,
    });
  }

  #hear(data) {
    if (!this.#keys || data?.sid !== this.#keys.sid) return;
    if (data.kind === "ask") this.#tell();
    if (data.kind === "signedout") this.#forget("elsewhere");
    if (data.kind !== "keys") return;
    const ahead = data.keys.generation - this.#keys.generation;
    if (ahead > 0 || (ahead === 0 && data.until > this.#until))
      this.#adopt(data.keys, data.access, data.until);
  }
}
