/** Business cases: the bar above a case with its state and who has it, and the cases of one business. */
import { STATUSES, nameOf, titleOf, previewOf, worksOn } from "../conversations.js";
import { fill, h, isolated } from "../dom.js";
import { icon } from "../icons.js";
import { choices, sleeps } from "../snooze.js";
import { briefTime, comingTime, fullTime } from "../time.js";
import { conversationAvatar } from "./avatar.js";
import { explain, openDialog, problemLine } from "./dialog.js";
import { openMenu } from "./menu.js";

export function statusBadge(status) {
  return h(
    "span",
    { class: `status status-${status}`, "data-testid": "case-status" },
    STATUSES[status] ?? status,
  );
}

/** That a case sleeps, and until when. */
export function snoozedMark(until) {
  const attributes = { class: "snoozed", title: `Snoozed until ${fullTime(until)}`, "data-testid": "snoozed" };
  return h("span", attributes, icon("clock"), `Snoozed until ${comingTime(until)}`);
}

export class CaseBar {
  element = h("div", {
    class: "case-bar",
    role: "group",
    "aria-label": "Business case",
    hidden: true,
    "data-testid": "case-bar",
  });
  #me;
  #acts;

  /** @param {{me: object, acts: {assign: (userId: string | null) => void, status: (status: string) => void,
   *         snooze: (until: Date | null) => void}}} parts */
  constructor({ me, acts }) {
    this.#me = me;
    this.#acts = acts;
  }

  /** @param {object} conversation of any type; the bar shows for business cases */
  render(conversation) {
    const { type, business } = conversation;
    this.element.hidden = type !== "business" || !business;
    if (this.element.hidden) return;
    const signature = JSON.stringify([conversation.id, business, conversation.membership?.role]);
    if (this.element.dataset.signature === signature) return;
    this.element.dataset.signature = signature;
    const focused = this.element.contains(document.activeElement) && document.activeElement.dataset.focus;
    fill(this.element, worksOn(conversation) ? this.#forAgents(business) : this.#forCustomers(business));
    if (focused) this.element.querySelector(`[data-focus=${focused}]`)?.focus();
  }

  #forCustomers({ status, assignee }) {
    const who = assignee
      ? [isolated(nameOf(assignee)), " looks after this."]
      : "Somebody will look after this soon.";
    return [statusBadge(status), h("span", { class: "muted case-assignee" }, who)];
  }

  #forAgents({ status, assignee, snoozed_until: until }) {
    const mine = assignee?.id === this.#me.id;
    const who = assignee ? ["Assigned to ", mine ? "you" : isolated(nameOf(assignee))] : "Not assigned";
    const assign = h(
      "button",
      {
        type: "button",
        class: "button small",
        "data-focus": "assign",
        onclick: () => this.#acts.assign(mine ? null : this.#me.id),
      },
      mine ? "Unassign" : "Assign to me",
    );
    return [
      statusBadge(status),
      h("span", { class: "muted case-assignee", "data-testid": "case-assignee" }, who),
      until && snoozedMark(until),
      h("span", { class: "case-tools" }, assign, status !== "resolved" && this.#sleep(until), this.#statusSelect(status)),
    ];
  }

  #sleep(until) {
    const label = until ? "Wake now" : "Snooze";
    const attributes = { type: "button", class: "button small", "data-focus": "snooze" };
    const button = h("button", { ...attributes, "aria-haspopup": until ? null : "menu" }, label);
    button.addEventListener("click", () => (until ? this.#acts.snooze(null) : this.#offerTimes(button)));
    return button;
  }

  #offerTimes(button) {
    const items = choices().map(({ label, until }) => ({ label, icon: "clock", act: () => this.#acts.snooze(until) }));
    openMenu(button, items, "Snooze");
  }

  #statusSelect(status) {
    const options = Object.entries(STATUSES).map(([value, label]) =>
      h("option", { value, selected: value === status }, label),
    );
    const change = (event) => this.#acts.status(event.target.value);
    return h(
      "select",
      { class: "select small", "aria-label": "Case status", "data-focus": "status", onchange: change },
      options,
    );
  }
}

/**
 * The cases of a business, for its agents, who may answer them without being members.
 *
 * @param {{load: (businessId: string, filters: {status?: string}) => Promise<object[]>, businesses: string[],
 *          me: object, open: (conversation: object) => void}} parts `businesses`: ids that the page came across
 */
export function openCases({ load, businesses, me, open }) {
  const problem = problemLine();
  const list = h("ul", { class: "people", "aria-label": "Cases" });
  const choose = (conversation) => {
    dialog.close();
    open(conversation);
  };
  const show = async (businessId, status) => {
    problem.show("");
    try {
      const cases = await load(businessId, { status });
      fill(
        list,
        cases.map((each) =>
          h(
            "li",
            {},
            caseRow(each, me, () => choose(each)),
          ),
        ),
      );
      if (!cases.length) problem.show("No case fits.");
    } catch (error) {
      fill(list);
      const refused = error.status === 403 || error.status === 404;
      problem.show(refused ? "You are not an agent of a business with this id." : explain(error));
    }
  };
  const { form, first } = casesForm(businesses, show);
  const dialog = openDialog({
    title: "Cases of a business",
    body: [form, problem.element, list],
    testId: "cases-dialog",
  });
  first.focus();
  if (first.value) show(first.value, "");
}

function casesForm(businesses, show) {
  const known = h(
    "datalist",
    { id: "known-businesses" },
    businesses.map((id) => h("option", { value: id })),
  );
  const business = h("input", {
    id: "cases-business",
    name: "business",
    required: true,
    autocomplete: "off",
    list: "known-businesses",
    value: businesses[0] ?? "",
  });
  const choices = [["", "Any status"], ...Object.entries(STATUSES)];
  const options = choices.map(([value, label]) => h("option", { value }, label));
  const find = (event) => {
    event.preventDefault();
    show(business.value.trim(), status.value);
  };
  const status = h(
    "select",
    { class: "select", "aria-label": "Status", onchange: () => form.requestSubmit() },
    options,
  );
  const field = h(
    "div",
    { class: "field" },
    h("label", { for: "cases-business" }, "Business id"),
    business,
    known,
  );
  const submit = h("button", { type: "submit", class: "button primary" }, "Show cases");
  const attributes = { class: "cases-form", "aria-label": "Find cases", onsubmit: find };
  const form = h("form", attributes, field, status, submit);
  return { form, first: business };
}

function caseRow(conversation, me, choose) {
  const { text } = previewOf(conversation, me);
  return h(
    "button",
    { type: "button", class: "person", onclick: choose },
    conversationAvatar(conversation),
    h(
      "span",
      { class: "person-names" },
      isolated(titleOf(conversation), { class: "person-name" }),
      isolated(text.slice(0, 120), { class: "muted" }),
    ),
    h(
      "span",
      { class: "case-side" },
      sleeps(conversation) && snoozedMark(conversation.business.snoozed_until),
      conversation.business && statusBadge(conversation.business.status),
      h(
        "time",
        { class: "muted", datetime: conversation.last_activity_at },
        briefTime(conversation.last_activity_at),
      ),
    ),
  );
}
