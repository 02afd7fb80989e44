/** A small menu beside the button that opens it: arrow keys, Escape, and the focus goes back. */
import { h } from "../dom.js";
import { icon } from "../icons.js";

const GAP_PX = 6;

function place(menu, anchor) {
  const at = anchor.getBoundingClientRect();
  const { width, height } = menu.getBoundingClientRect();
  const below = at.bottom + GAP_PX + height <= innerHeight;
  const top = below ? at.bottom + GAP_PX : at.top - GAP_PX - height;
  const left = Math.min(Math.max(GAP_PX, at.right - width), innerWidth - width - GAP_PX);
  menu.style.top = `${Math.max(GAP_PX, top)}px`;
  menu.style.left = `${left}px`;
}

function move(menu, event) {
  const items = [...menu.children];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (event.key === "Tab") menu.hidePopover();
  if (to === undefined) return;
  event.preventDefault();
  items[(to + items.length) % items.length].focus();
}

/**
 * @param {Element} anchor the button
 * @param {{label: string, icon?: string, symbol?: string, act: () => void, danger?: boolean, checked?: boolean}[]} items
 *   a `symbol` (an emoji) stands in the place of an icon; `checked` is given for what can be on or off
 * @param {string} label the menu's name
 */
export function openMenu(anchor, items, label) {
  const choose = (act) => () => {
    menu.hidePopover();
    act();
  };
  const entries = items.map(({ label: text, icon: drawing, symbol, act, danger, checked }) => {
    const state =
      checked === undefined ? { role: "menuitem" } : { role: "menuitemcheckbox", "aria-checked": String(checked) };
    const look = symbol ? h("span", { class: "menu-symbol", "aria-hidden": "true" }, symbol) : icon(drawing);
    const attributes = { type: "button", class: danger ? "danger" : "", tabIndex: -1, onclick: choose(act) };
    return h("button", { ...attributes, ...state }, look, text);
  });
  const menu = h("div", { class: "menu", role: "menu", "aria-label": label, popover: "auto" }, entries);
  menu.addEventListener("keydown", (event) => move(menu, event));
  menu.addEventListener("toggle", ({ newState }) => {
    anchor.setAttribute("aria-expanded", String(newState === "open"));
    if (newState === "open") return;
    if (menu.contains(document.activeElement) || document.activeElement === document.body) anchor.focus();
    menu.remove();
  });
  document.body.append(menu);
  menu.showPopover();
  place(menu, anchor);
  entries[0].focus();
}
