/** Start a conversation: with one person, as a group, or with a business. */
import { fill, h } from "../dom.js";
import { icon } from "../icons.js";
import { explain, openDialog, problemLine } from "./dialog.js";
import { PeoplePicker } from "./people-picker.js";

const KINDS = { direct: ["Person", "people"], group: ["Group", "group"], business: ["Business", "business"] };

/**
 * @param {{find: (search: string) => Promise<object[]>, me: object,
 *          create: (facts: object) => Promise<void>}} parts `create` also shows what it made
 */
export function openNewConversation({ find, me, create }) {
  const problem = problemLine();
  const panel = h("div", { class: "new-panel" });
  const forms = { direct: directForm, group: groupForm, business: businessForm };
  let busy = false;
  const make = async (facts) => {
    if (busy) return;
    busy = true;
    problem.show("");
    try {
      await create(facts);
      dialog.close();
    } catch (error) {
      problem.show(explain(error));
    } finally {
      busy = false;
    }
  };
  const choose = (kind) => {
    problem.show("");
    const { element, first } = forms[kind]({ find, me, make });
    fill(panel, element);
    first.focus();
  };
  const dialog = openDialog({
    title: "New conversation",
    body: [kindChoice(choose), problem.element, panel],
    testId: "new-conversation-dialog",
  });
  choose("direct");
}

function kindChoice(choose) {
  const options = Object.entries(KINDS).map(([kind, [label, drawing]], i) =>
    h(
      "label",
      { class: "segment" },
      h("input", {
        type: "radio",
        name: "kind",
        value: kind,
        checked: i === 0,
        onchange: () => choose(kind),
      }),
      h("span", {}, icon(drawing), label),
    ),
  );
  return h("fieldset", { class: "segments" }, h("legend", { class: "hidden" }, "With whom"), options);
}

function directForm({ find, me, make }) {
  const picker = new PeoplePicker({
    find,
    without: new Set([me.id]),
    picked: (user) => make({ type: "direct", participant_ids: [user.id] }),
  });
  return { element: picker.element, first: picker.input };
}

function groupForm({ find, me, make }) {
  const name = h("input", {
    id: "group-name",
    name: "name",
    required: true,
    maxlength: 120,
    autocomplete: "off",
  });
  const submit = h("button", { type: "submit", class: "button primary wide" }, "Create group");
  const picker = new PeoplePicker({ find, several: true, without: new Set([me.id]) });
  const act = (event) => {
    event.preventDefault();
    make({ type: "group", name: name.value.trim(), participant_ids: [...picker.chosen.keys()] });
  };
  const element = h(
    "form",
    { class: "stack", "aria-label": "New group", onsubmit: act },
    h("div", { class: "field" }, h("label", { for: "group-name" }, "Group name"), name),
    picker.element,
    submit,
  );
  return { element, first: name };
}

function businessForm({ make }) {
  const business = h("input", {
    id: "business-id",
    name: "business",
    required: true,
    autocomplete: "off",
    spellcheck: "false",
  });
  const subject = h("input", {
    id: "business-subject",
    name: "subject",
    maxlength: 120,
    autocomplete: "off",
  });
  const text = h("textarea", { id: "business-text", name: "content", rows: 4, required: true, dir: "auto" });
  const act = (event) => {
    event.preventDefault();
    const facts = { type: "business", business_id: business.value.trim(), content: text.value.trim() };
    if (subject.value.trim()) facts.name = subject.value.trim();
    make(facts);
  };
  const element = h(
    "form",
    { class: "stack", "aria-label": "New business case", onsubmit: act },
    h("div", { class: "field" }, h("label", { for: "business-id" }, "Business id"), business),
    h("div", { class: "field" }, h("label", { for: "business-subject" }, "Subject"), subject),
    h("div", { class: "field" }, h("label", { for: "business-text" }, "How can they help?"), text),
    h("button", { type: "submit", class: "button primary wide" }, "Open case"),
  );
  return { element, first: business };
}
