/** The files of a message: what each is called and how large it is; of a picture a small copy. A click saves one. */
import { h, isolated } from "../dom.js";

const UNITS = ["bytes", "KB", "MB", "GB"];
const LONGEST_PX = 240;

/** "812 bytes", "1.4 MB" @param {number} bytes */
export function sizeOf(bytes) {
  const step = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  const shown = bytes / 1000 ** step;
  return `${step && shown < 10 ? shown.toFixed(1) : Math.round(shown)} ${UNITS[step]}`;
}

/**
 * @param {object[]} attachments of a message
 * @param {{save: (file: object) => void, thumbnail: (file: object) => Promise<string>}} view
 */
export function fileList(attachments, view) {
  if (!attachments?.length) return null;
  const rows = attachments.map((file) => h("li", {}, fileButton(file, view)));
  return h("ul", { class: "files", "aria-label": "Files" }, rows);
}

function fileButton(file, view) {
  const { id, name, size, thumbnail_url: small } = file;
  const attributes = {
    type: "button",
    class: "file",
    title: "Save",
    "data-testid": "file",
    "data-focus": `file ${id}`,
    onclick: () => view.save(file),
  };
  const label = [isolated(name, { class: "file-name" }), h("span", { class: "file-size" }, sizeOf(size))];
  return h("button", attributes, small && picture(file, view), label);
}

/** As large from the start as it will be, so that nothing jumps when it comes. */
function picture(file, view) {
  const scale = Math.min(1, LONGEST_PX / Math.max(file.width, file.height));
  const image = h("img", {
    class: "file-picture",
    alt: "",
    width: Math.max(1, Math.round(file.width * scale)),
    height: Math.max(1, Math.round(file.height * scale)),
  });
  view.thumbnail(file).then(
    (url) => {
      image.addEventListener("load", () => URL.revokeObjectURL(url));
      image.src = url;
    },
    () => image.remove(),
  );
  return image;
}

/** Have the browser save it; never shown in a page, whatever it is. */
export function save(blob, name) {
  const url = URL.createObjectURL(new Blob([blob], { type: "application/octet-stream" }));
  const link = h("a", { href: url });
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
