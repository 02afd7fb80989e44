/** What people wrote, as text with links that open elsewhere. Nothing in it is ever markup. */
import { h, safeUrl } from "../dom.js";

const LINK = /\bhttps?:\/\/[^\s<>"'`\u0000-\u001f]+/giu;
// Marks piled on one letter would run over the messages above and below.
const PILED_UP = /(\p{M}{5})\p{M}+/gu;
const TRAILING = /[.,;:!?)\]}»”’]+$/u;

/** An address may end in a bracket only if it opened one: `(see https://host/a_(b))`. */
function trimmed(address) {
  let end = address.match(TRAILING)?.[0] ?? "";
  if (end.startsWith(")") && address.includes("(")) end = end.slice(1);
  return end ? address.slice(0, -end.length) : address;
}

/** @param {string} raw @returns {(Node | string)[]} */
export function linked(raw) {
  const text = raw.replace(PILED_UP, "$1");
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(LINK)) {
    const shown = trimmed(match[0]);
    const href = safeUrl(shown);
    if (!href) continue;
    parts.push(text.slice(from, match.index));
    parts.push(h("a", { href, target: "_blank", rel: "noopener noreferrer nofollow ugc" }, shown));
    from = match.index + shown.length;
  }
  parts.push(text.slice(from));
  return parts;
}
