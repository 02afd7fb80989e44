/** One's own data: ask for all of it, see how far that is, save it. Erasing is the staff's to do. */
import { fill, h } from "../dom.js";
import { fullTime } from "../time.js";
import { explain, openDialog, problemLine } from "./dialog.js";
import { save, sizeOf } from "./files.js";

const SOONEST_MS = 1_000;
const LATEST_MS = 15_000;
const TEXTS = {
  queued: "Your data will be packed soon.",
  running: "Your data is being packed. You may close this and come back.",
  failed: "That did not work. Please ask again.",
  expired: "What was packed is not kept any more. Ask again for what there is now.",
};

/** @param {{api: object, me: object}} parts */
export function openMyData({ api, me }) {
  const problem = problemLine();
  const status = h("p", { role: "status" });
  const bar = h("progress", { hidden: true, "aria-label": "Progress" });
  bar.max = 100;
  const ask = h("button", { type: "button", class: "button primary", onclick: () => attempt(begin()) }, "Ask for my data");
  const get = h("button", { type: "button", class: "button primary", hidden: true, onclick: () => attempt(fetchIt()) }, "Download");
  const about = "A ZIP of everything that is kept here of you: who you are, what you said, your files. It can take a while.";
  const dialog = openDialog({
    title: "My data",
    body: [h("p", { class: "muted" }, about), status, bar, problem.element],
    actions: [ask, get],
    testId: "my-data-dialog",
    narrow: true,
  });
  const kept = `chat-export-${me.id}`;
  let job = null;
  let timer = 0;
  let wait = SOONEST_MS;
  dialog.addEventListener("close", () => clearTimeout(timer));

  async function attempt(promise) {
    problem.show("");
    await promise.catch((refused) => problem.show(explain(refused)));
  }

  async function begin() {
    ask.disabled = true;
    wait = SOONEST_MS;
    try {
      show(await api.exportOwn());
      localStorage.setItem(kept, job.job);
    } finally {
      ask.disabled = false;
    }
  }

  async function look(id) {
    try {
      show(await api.job(id));
    } catch (refused) {
      if (refused.status === 404) localStorage.removeItem(kept);
      else if (refused.temporary) later(id);
      else throw refused;
    }
  }

  function later(id) {
    if (!dialog.isConnected) return;
    timer = setTimeout(() => attempt(look(id)), wait);
    wait = Math.min(LATEST_MS, wait * 1.3);
  }

  function show(now) {
    job = now;
    const { state, progress } = job;
    const busy = state === "queued" || state === "running";
    bar.hidden = !busy;
    bar.value = progress;
    ask.hidden = busy;
    get.hidden = !job.result_url;
    ask.classList.toggle("primary", get.hidden);
    fill(ask, state === "done" ? "Ask anew" : "Ask for my data");
    fill(status, state === "done" ? doneText(job) : (TEXTS[state] ?? ""));
    if (busy) later(job.job);
  }

  async function fetchIt() {
    get.disabled = true;
    try {
      save(await api.result(job.job), `my-data-${job.ended_at.slice(0, 10)}.zip`);
    } finally {
      get.disabled = false;
    }
  }

  const before = localStorage.getItem(kept);
  if (before) attempt(look(before));
  ask.focus();
}

function doneText({ size, kept_until: until }) {
  return `Your data is ready: ${sizeOf(size)}, kept until ${fullTime(until)}.`;
}
