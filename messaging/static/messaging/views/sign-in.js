/** The way in: sign in, or make an account where the server lets people do so. */
import { fill, h } from "../dom.js";
import { explain, problemLine } from "./dialog.js";

function field(label, attributes, hint) {
  const id = `field-${attributes.name}`;
  const input = h("input", {
    id,
    autocapitalize: "none",
    spellcheck: "false",
    ...attributes,
    "aria-describedby": hint ? `${id}-hint` : null,
  });
  const note = hint && h("span", { class: "muted field-hint", id: `${id}-hint` }, hint);
  return h("div", { class: "field" }, h("label", { for: id }, label), input, note);
}

const username = () =>
  field("Username", { name: "username", autocomplete: "username", required: true, maxlength: 150 });

export class SignIn {
  #session;
  #closed = false;
  #card = h("div", { class: "welcome-card" });
  element;

  /** @param {{session: object, notice?: string}} parts `notice`: why the page is here again */
  constructor({ session, notice = "" }) {
    this.#session = session;
    const mark = h("span", { class: "brand-mark", "aria-hidden": "true" });
    this.element = h("main", { class: "welcome" }, h("p", { class: "brand" }, mark, "Chat"), this.#card);
    this.#showSignIn(notice);
  }

  #showSignIn(notice = "", name = "") {
    const problem = problemLine();
    const submit = h("button", { type: "submit", class: "button primary wide" }, "Sign in");
    const remember = h(
      "label",
      { class: "check" },
      h("input", { type: "checkbox", name: "remember" }),
      "Stay signed in on this device",
    );
    const form = h(
      "form",
      {
        "aria-label": "Sign in",
        method: "post",
        onsubmit: (event) => this.#submit(event, form, submit, problem, (values) => this.#signIn(values)),
      },
      username(),
      field("Password", {
        name: "password",
        type: "password",
        autocomplete: "current-password",
        required: true,
      }),
      remember,
      problem.element,
      submit,
    );
    const change = h(
      "button",
      { type: "button", class: "link-button", onclick: () => this.#showRegister() },
      "Create an account",
    );
    fill(
      this.#card,
      h("h1", {}, "Sign in"),
      notice && h("p", { class: "notice", role: "status" }, notice),
      form,
      !this.#closed && h("p", { class: "welcome-other" }, "New here? ", change),
    );
    form.elements.username.value = name;
    this.focus();
  }

  #showRegister() {
    const problem = problemLine();
    const submit = h("button", { type: "submit", class: "button primary wide" }, "Create account");
    const form = h(
      "form",
      {
        "aria-label": "Create account",
        method: "post",
        onsubmit: (event) => this.#submit(event, form, submit, problem, (values) => this.#register(values)),
      },
      username(),
      field(
        "Display name",
        { name: "displayName", autocomplete: "name", maxlength: 80 },
        "What others see. You may leave it empty.",
      ),
      field(
        "Password",
        { name: "password", type: "password", autocomplete: "new-password", required: true, minlength: 8 },
        "At least 8 characters.",
      ),
      problem.element,
      submit,
    );
    const change = h(
      "button",
      { type: "button", class: "link-button", onclick: () => this.#showSignIn() },
      "Sign in",
    );
    fill(
      this.#card,
      h("h1", {}, "Create an account"),
      form,
      h("p", { class: "welcome-other" }, "Already have one? ", change),
    );
    this.focus();
  }

  /** Put the focus where typing starts. */
  focus() {
    const empty = [...this.#card.querySelectorAll("input")].find((input) => !input.value);
    empty?.focus();
  }

  async #submit(event, form, button, problem, act) {
    event.preventDefault();
    problem.show("");
    button.disabled = true;
    form.setAttribute("aria-busy", "true");
    try {
      await act(Object.fromEntries(new FormData(form)));
    } catch (error) {
      problem.show(error.status === 401 ? "That username and password do not fit together." : explain(error));
    } finally {
      button.disabled = false;
      form.removeAttribute("aria-busy");
    }
  }

  #signIn({ username: name, password, remember }) {
    return this.#session.signIn({ username: name.trim(), password, remember: remember === "on" });
  }

  async #register({ username: name, password, displayName }) {
    try {
      await this.#session.register({ username: name.trim(), password, displayName: displayName.trim() });
    } catch (problem) {
      if (problem.status !== 403) throw problem;
      this.#closed = true;
      this.#showSignIn(
        "This server does not take new accounts by itself. Ask the people who run it for one.",
        name.trim(),
      );
      return;
    }
    await this.#signIn({ username: name, password });
  }
}
