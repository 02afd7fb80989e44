/**
 * Elements without markup: data only ever becomes text, an attribute from a short list, or a listener.
 */

const PROPERTIES = new Set([
  "value",
  "checked",
  "disabled",
  "hidden",
  "required",
  "selected",
  "open",
  "tabIndex",
]);
const ATTRIBUTES = new Set(
  [
    "alt autocapitalize autocomplete class datetime dir enterkeyhint for height href id lang list loading",
    "maxlength method minlength name placeholder popover referrerpolicy rel role rows spellcheck target",
    "title type width",
  ]
    .join(" ")
    .split(" "),
);
const NAMED_ATTRIBUTE = /^(aria|data)-[a-z-]+$/;

/**
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes] `on…` are listeners; null, undefined and false are left out
 * @param {...(Node | string | number | null | false | undefined | Array)} children strings become text
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) set(element, name, value);
  element.append(...nodesOf(children));
  return element;
}

function set(element, name, value) {
  if (value === null || value === undefined) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (PROPERTIES.has(name)) element[name] = value;
  else if (!ATTRIBUTES.has(name) && !NAMED_ATTRIBUTE.test(name))
    throw new TypeError(`h() does not set ${name}`);
  else if (name.startsWith("aria-")) element.setAttribute(name, String(value));
  else if (value !== false) element.setAttribute(name, value === true ? "" : String(value));
}

function nodesOf(children) {
  const shown = children
    .flat(Infinity)
    .filter((child) => child !== null && child !== undefined && child !== false);
  return shown.map((child) => (child instanceof Node ? child : document.createTextNode(String(child))));
}

/** Put these children, and only these, into an element. */
export function fill(element, ...children) {
  element.replaceChildren(...nodesOf(children));
  return element;
}

/** A name from outside, kept from turning the line's direction around. */
export function isolated(text, attributes = {}) {
  return h("bdi", attributes, text);
}

/** @returns {string | null} the address if it is one that may be shown or opened, else null */
export function safeUrl(value, protocols = ["https:", "http:"]) {
  try {
    const url = new URL(value);
    return protocols.includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

const held = new WeakMap();

/**
 * Make the children of an element match a list, keeping those that stay: by `key`, drawn anew only where the
 * `signature` differs, moved only where the order does.
 *
 * @template T
 * @param {Element} parent
 * @param {T[]} items
 * @param {{key: (item: T) => string, signature: (item: T) => string, render: (item: T, isNew: boolean) => Element}} how
 */
export function reconcile(parent, items, { key, signature, render }) {
  const before = held.get(parent) ?? new Map();
  const after = new Map();
  for (const item of items) {
    const id = key(item);
    const sign = signature(item);
    const old = before.get(id);
    before.delete(id);
    if (old?.sign === sign) after.set(id, old);
    else after.set(id, { sign, element: replaced(old?.element, render(item, !old)) });
  }
  for (const { element } of before.values()) element.remove();
  let next = parent.firstElementChild;
  for (const { element } of after.values()) {
    if (element === next) next = next.nextElementSibling;
    else parent.insertBefore(element, next);
  }
  held.set(parent, after);
}

/** Put `element` in the place of `old`, the focus included. */
function replaced(old, element) {
  if (!old?.isConnected) return element;
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  old.replaceWith(element);
  if (focused) focusLike(element, focused);
  return element;
}

function focusLike(element, focused) {
  const wanted = focused.dataset?.focus;
  const same = wanted ? element.querySelector(`[data-focus="${CSS.escape(wanted)}"]`) : element;
  same?.focus({ preventScroll: true });
}

/** Call `act` once, `wait` ms after the last call. */
export function debounced(act, wait) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...values), wait);
  };
}
