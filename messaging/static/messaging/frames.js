/** What travels over the socket, as text and as a `Problem`. Nothing here touches a clock or a socket. */
import { Problem } from "./http.js";

const STATUS = {
  rate_limited: 429,
  unavailable: 503,
  server_error: 500,
  not_found: 404,
  forbidden: 403,
  token_not_valid: 401,
};

/** The frames of one WebSocket message: one JSON object a line. A line that is none is left out. */
export function framesOf(text) {
  const frames = [];
  for (const line of text.split("\n")) {
    if (!line.trim()) continue;
    try {
      const frame = JSON.parse(line);
      if (typeof frame?.event === "string") frames.push(frame);
    } catch {
      console.warn("chat: a line from the server is not JSON");
    }
  }
  return frames;
}

/** Whether the server would close the connection for it, and again each time that it is sent. */
export function tooLong(text, limit) {
  return text.length > limit / 3 && new TextEncoder().encode(text).length > limit;
}

/** What the `error` of a frame says; its status is that of the same refusal over REST. */
export function refusal({ code = "error", title = "", detail = "", errors = [] } = {}) {
  return new Problem({ status: STATUS[code] ?? 400, code, title, detail, errors });
}

/** It is not known whether the server did it. @param {number} closeCode why the connection went away, 0: unknown */
export function disconnected(closeCode = 0) {
  return new Problem({ code: "disconnected", title: "The connection was lost.", closeCode });
}

export function frameTooLarge() {
  return new Problem({ status: 413, code: "frame_too_large", title: "This is too long to send at once." });
}
