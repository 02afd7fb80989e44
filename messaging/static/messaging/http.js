/**
 * One way to call the server: JSON in and out, or files, every failure a `Problem`.
 *
 * @typedef {{field?: string, code?: string, detail?: string}} FieldError
 * @typedef {{method?: string, body?: unknown, token?: string, timeout?: number,
 *            blob?: boolean}} CallOptions
 */

const TIMEOUT_MS = 20_000;

/** Why a call did not succeed; the members are those of an `application/problem+json` reply. */
export class Problem extends Error {
  /** @param {{status?: number, code?: string, title?: string, detail?: string, errors?: FieldError[],
   *           retryAfter?: number | null, requestId?: string, closeCode?: number}} members */
  constructor({
    status = 0,
    code = "unreachable",
    title = "",
    detail = "",
    errors = [],
    retryAfter = null,
    requestId = "",
    closeCode = 0,
  }) {
    super(detail || title || code);
    this.name = "Problem";
    /** HTTP status; 0 where no reply came. */
    this.status = status;
    this.code = code;
    this.title = title;
    this.detail = detail;
    this.errors = errors;
    /** Seconds to wait before trying again, where the server said so. */
    this.retryAfter = retryAfter;
    this.requestId = requestId;
    /** Of the socket that went away, where the `code` is `disconnected`. */
    this.closeCode = closeCode;
  }

  /** Whether the same call may succeed later without any change to it. */
  get temporary() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }

  /** What the server said about one field, or "". @param {string} name */
  about(name) {
    return this.errors.find((error) => error.field === name)?.detail ?? "";
  }
}

function secondsToWait(headers) {
  const value = headers.get("Retry-After");
  if (!value) return null;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}

async function problemFrom(response) {
  const body = await response.json().catch(() => ({}));
  const { code, title, detail, errors, request_id: requestId } = body ?? {};
  return new Problem({
    status: response.status,
    code: typeof code === "string" ? code : `http_${response.status}`,
    title: typeof title === "string" ? title : `The server answered ${response.status}`,
    detail: typeof detail === "string" ? detail : "",
    errors: Array.isArray(errors) ? errors : [],
    retryAfter: secondsToWait(response.headers),
    requestId: requestId ?? response.headers.get("X-Request-ID") ?? "",
  });
}

function requestInit({ method = "GET", body, token }, signal) {
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  const form = body instanceof FormData; // the browser says what separates its parts
  if (body !== undefined && !form) headers["Content-Type"] = "application/json";
  return {
    method,
    headers,
    signal,
    body: body === undefined || form ? body : JSON.stringify(body),
    // Tokens alone say who calls: a cookie of the admin site must never decide anything here.
    credentials: "omit",
    cache: "no-store",
  };
}

/**
 * Call the server and give back the parsed reply (null where there is none), or its bytes as a Blob.
 *
 * @param {string} url
 * @param {CallOptions} [options] `timeout` in milliseconds
 * @throws {Problem}
 */
export async function call(url, options = {}) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), options.timeout ?? TIMEOUT_MS);
  try {
    const response = await fetch(url, requestInit(options, abort.signal));
    if (!response.ok) throw await problemFrom(response);
    if (options.blob) return await response.blob();
    return response.status === 204 ? null : await response.json();
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem({ title: "The server could not be reached." });
  } finally {
    clearTimeout(timer);
  }
}
