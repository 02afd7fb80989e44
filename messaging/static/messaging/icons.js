/** The drawings of the client: strokes on a 24 by 24 grid, in the colour of the text around them. */

const PATHS = {
  attach:
    "M19.5 11.5l-7.6 7.6a5 5 0 0 1-7-7l7.7-7.7a3.3 3.3 0 0 1 4.7 4.7l-7.6 7.6a1.6 1.6 0 0 1-2.3-2.3l7-7",
  back: "M15 5l-7 7 7 7",
  block: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM5.7 5.7l12.6 12.6",
  business:
    "M4 10v9.5h16V10M3 10l1.8-5.5h14.4L21 10M3 10c0 1.7 1.3 3 3 3s3-1.3 3-3c0 1.7 1.3 3 3 3s3-1.3 3-3c0 1.7 1.3 3 3 3s3-1.3 3-3M10 19.5V16h4v3.5",
  check: "M5 12.5l4.5 4.5L19 7.5",
  clock: "M12 7.5V12l3 2M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  down: "M12 5v14M6 13l6 6 6-6",
  edit: "M4 20l1-4.5L16 4.5a2 2 0 0 1 3 0l.5.5a2 2 0 0 1 0 3L8.5 19zM14 6.5l3.5 3.5",
  group:
    "M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 19.5c.4-3.3 3-5.5 6.5-5.5s6.1 2.2 6.5 5.5M16 4.9a3.3 3.3 0 0 1 0 6.3M18 14.5c2 .7 3.3 2.5 3.6 5",
  info: "M12 11v5.5M12 7.6v.1M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z",
  leave: "M14 4H5v16h9M10 12h11M17 8l4 4-4 4",
  lock: "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
  mute: "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM16 9.5l5 5M21 9.5l-5 5",
  more: "M5.5 12h.1M12 12h.1M18.5 12h.1",
  offline:
    "M3 4l18 16M5 12.5a10 10 0 0 1 4-2.4M2 9a15 15 0 0 1 4-2.6M19 12.5a10 10 0 0 0-3.5-2.2M22 9a15 15 0 0 0-11-3.9M8.5 16a5 5 0 0 1 5.5-1M12 19.5v.1",
  people: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20c.6-3.6 3.6-6 7.5-6s6.9 2.4 7.5 6",
  pin: "M9 4h6l-.7 6 3.2 3.5h-11L9.7 10zM12 13.5V20",
  plus: "M12 5v14M5 12h14",
  retry: "M19.5 12a7.5 7.5 0 1 1-2.3-5.4M19.5 3.5v4h-4",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l4.5 4.5",
  smile: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8.5 14c.8 1.3 2 2 3.5 2s2.7-.7 3.5-2M9 9.6v.1M15 9.6v.1",
  send: "M4.5 12L3.5 4.5 21 12 3.5 19.5zM4.5 12H12",
  trash: "M4 6.5h16M9 6.5V4h6v2.5M6 6.5L7 20h10l1-13.5M10 10.5v6M14 10.5v6",
  warning: "M12 9v5M12 17v.1M12 3.5L2.5 20h19z",
  write: "M12 4.5H4.5v15h15V12M9.5 14.5l.7-3.2L17.5 4l2.5 2.5-7.3 7.3z",
};

const SVG = "http://www.w3.org/2000/svg";

function drawn(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** @param {keyof typeof PATHS} name */
export function icon(name) {
  const attributes = {
    class: `icon icon-${name}`,
    viewBox: "0 0 24 24",
    "aria-hidden": "true",
    focusable: "false",
  };
  return drawn("svg", attributes, drawn("path", { d: PATHS[name] }));
}
