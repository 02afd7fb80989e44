/** What a message said before each edit, for who keeps order in a conversation. */
import { h } from "../dom.js";
import { briefTime, fullTime } from "../time.js";
import { explain, openDialog, problemLine } from "./dialog.js";

/**
 * @param {{message: object, load: () => Promise<{results: object[]}>}} parts `message`: as it is now; `load`: what it
 *   said, the earliest first
 */
export async function openHistory({ message, load }) {
  const problem = problemLine();
  const list = h("ol", { class: "versions", "aria-label": "What it said, the earliest first", tabIndex: 0 });
  openDialog({ title: "Edit history", body: [problem.element, list], testId: "history-dialog" });
  try {
    const { results } = await load();
    const earlier = results.map(({ content, written_at: at }) => version(content, at));
    if (!earlier.length) problem.show("What it said before was not kept.");
    list.append(...earlier, version(message.content, message.edited_at, "Now"));
    list.focus();
  } catch (refused) {
    problem.show(explain(refused));
  }
}

function version(content, at, label) {
  const time = h("time", { class: "muted", datetime: at, title: fullTime(at) }, briefTime(at));
  const head = h("p", { class: "version-head" }, label && h("strong", {}, label), time);
  return h("li", { class: "version", "data-testid": "version" }, head, h("p", { class: "version-text", dir: "auto" }, content));
}
