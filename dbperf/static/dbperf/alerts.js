// Keeps the page of alerts as it is now: a socket says that something changed, the page asks what.
const WAITS_MS = [1000, 2000, 5000, 10000, 30000];
const NOT_ALLOWED = 4403;

const shown = document.getElementById("alerts");
const status = document.getElementById("alerts-live");
let failures = 0;
let asking = false;
let stale = false;

function say(text) {
  status.textContent = text;
}

// What somebody is writing is not taken away from them.
function busy() {
  const written = [...shown.querySelectorAll("input[name=reason]")].some((field) => field.value);
  return written || shown.contains(document.activeElement);
}

async function refresh() {
  stale = true;
  if (asking) return;
  asking = true;
  try {
    while (stale) {
      stale = false;
      await show();
    }
  } catch {
    say("This page could not be brought up to date.");
  } finally {
    asking = false;
  }
}

async function show() {
  const reply = await fetch(location.pathname, { redirect: "error", cache: "no-store" });
  if (!reply.ok) throw new Error(String(reply.status));
  const page = new DOMParser().parseFromString(await reply.text(), "text/html");
  if (busy()) {
    say("There is news. It is shown when you are done here.");
    return;
  }
  shown.replaceChildren(...page.getElementById("alerts").children);
  say("Live.");
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(`${scheme}//${location.host}${shown.dataset.live}`);
  socket.addEventListener("open", () => {
    failures = 0;
    refresh();
  });
  socket.addEventListener("message", (message) => {
    if (JSON.parse(message.data).event === "alerts") refresh();
  });
  socket.addEventListener("close", (closed) => {
    if (closed.code === NOT_ALLOWED) {
      say("Not live any more: you are signed out, or may not see alerts.");
      return;
    }
    say("Not live at the moment.");
    const wait = WAITS_MS[Math.min(failures, WAITS_MS.length - 1)];
    failures += 1;
    setTimeout(connect, wait * (0.5 + Math.random()));
  });
}

shown.addEventListener("focusout", () => setTimeout(refresh, 0));
connect();
