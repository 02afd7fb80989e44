/** Dialogs on the browser's own `<dialog>`: it keeps the focus in, closes on Escape and gives the focus back. */
import { fill, h } from "../dom.js";
import { icon } from "../icons.js";

let count = 0;

/**
 * @param {{title: string, body: (Node | string)[], actions?: Node[], testId?: string, narrow?: boolean}} parts
 * @returns {HTMLDialogElement} open; remove it by `close()`
 */
export function openDialog({ title, body, actions = [], testId, narrow = false }) {
  const headingId = `dialog-${++count}`;
  const dialog = h(
    "dialog",
    { class: narrow ? "dialog narrow" : "dialog", "aria-labelledby": headingId, "data-testid": testId },
    h(
      "div",
      { class: "dialog-frame" },
      h(
        "header",
        { class: "dialog-head" },
        h("h2", { id: headingId, dir: "auto" }, title),
        h(
          "button",
          { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => dialog.close() },
          icon("close"),
        ),
      ),
      h("div", { class: "dialog-body" }, body),
      actions.length > 0 && h("footer", { class: "dialog-foot" }, actions),
    ),
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Ask before something that cannot be taken back.
 *
 * @param {{title: string, text: string, act: string}} question `act` names the button that goes on
 * @returns {Promise<boolean>}
 */
export function confirmed({ title, text, act }) {
  return new Promise((resolve) => {
    let answer = false;
    const finish = (value) => () => {
      answer = value;
      dialog.close();
    };
    const cancel = h("button", { type: "button", class: "button", onclick: finish(false) }, "Cancel");
    const go = h("button", { type: "button", class: "button danger", onclick: finish(true) }, act);
    const dialog = openDialog({
      title,
      body: [h("p", {}, text)],
      actions: [cancel, go],
      testId: "confirm-dialog",
      narrow: true,
    });
    cancel.focus();
    dialog.addEventListener("close", () => resolve(answer));
  });
}

/** A place in a dialog or form for what went wrong. */
export function problemLine() {
  const element = h("p", { class: "problem", role: "alert", hidden: true });
  const show = (text) => {
    element.hidden = !text;
    fill(element, text ?? "");
  };
  return { element, show };
}

/** What to tell a user about a failure. */
export function explain(problem) {
  if (problem.status === 429) {
    const seconds = Math.ceil(problem.retryAfter ?? 0);
    return `Too many tries. Please wait ${seconds ? `${seconds} seconds` : "a moment"} and try again.`;
  }
  const fields = (problem.errors ?? []).map((error) => error.detail).filter(Boolean);
  return fields.join(" ") || problem.detail || problem.title || "That did not work.";
}
