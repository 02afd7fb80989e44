/** Telling the staff that a message should not stand. */
import { gist, nameOf } from "../conversations.js";
import { h, isolated } from "../dom.js";
import { explain, openDialog, problemLine } from "./dialog.js";

const REASONS = { spam: "Spam", abuse: "Abuse", illegal: "Against the law", other: "Something else" };

/**
 * @param {{message: object, send: (facts: {reason: string, note: string}) => Promise<unknown>,
 *          done: () => void}} parts `done` once the server has taken it
 */
export function openReport({ message, send, done }) {
  const problem = problemLine();
  const reason = h("select", { id: "report-reason", class: "select" }, Object.entries(REASONS).map(option));
  const note = h("textarea", { id: "report-note", rows: 3, maxlength: 1000, dir: "auto" });
  const go = h("button", { type: "submit", class: "button primary" }, "Report");
  const submit = async (event) => {
    event.preventDefault();
    problem.show("");
    go.disabled = true;
    try {
      await send({ reason: reason.value, note: note.value.trim() });
      dialog.close();
      done();
    } catch (refused) {
      problem.show(explain(refused));
      go.disabled = false;
    }
  };
  const cancel = h("button", { type: "button", class: "button", onclick: () => dialog.close() }, "Cancel");
  const form = h(
    "form",
    { class: "stack", "aria-label": "Report", onsubmit: submit },
    quoted(message),
    field("Reason", reason),
    field("Note for the staff (optional)", note),
    problem.element,
    h("div", { class: "row-end" }, cancel, go),
  );
  const dialog = openDialog({ title: "Report this message", body: [form], testId: "report-dialog", narrow: true });
  reason.focus();
}

function option([value, label]) {
  return h("option", { value }, label);
}

function field(text, input) {
  return h("div", { class: "field" }, h("label", { for: input.id }, text), input);
}

function quoted(message) {
  const name = isolated(`${nameOf(message.sender)}: `, { class: "quote-who" });
  return h("p", { class: "quote" }, name, isolated(gist(message)));
}
