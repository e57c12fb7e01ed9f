// Saves a picture as PNG. The server makes only SVG, so the browser draws it into a canvas.

/** @import { Texts } from "./texts.js" */

const SCALE = 2; // pixels of the PNG per pixel of the SVG, so that letters stay sharp on a slide

/**
 * Adds a button after every link with `data-png`, which names the file.
 * @param {Texts} texts
 */
export function addPngButtons(texts, root = document) {
  for (const element of root.querySelectorAll("a[data-png]")) {
    const link = /** @type {HTMLAnchorElement} */ (element);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "second";
    button.textContent = texts.say("result.save_png");
    button.addEventListener("click", () => save(link, button, texts));
    link.after(" ", button);
  }
}

/**
 * @param {HTMLAnchorElement} link
 * @param {HTMLButtonElement} button
 * @param {Texts} texts
 */
async function save(link, button, texts) {
  button.disabled = true;
  try {
    const blob = await rasterize(link.href);
    const download = document.createElement("a");
    download.href = URL.createObjectURL(blob);
    download.download = link.dataset.png || "";
    download.click();
    // The download begins after click() has returned, and reads the blob then.
    setTimeout(() => URL.revokeObjectURL(download.href), 60_000);
    button.textContent = texts.say("result.save_png");
  } catch {
    button.textContent = texts.say("result.png_failed");
  }
  button.disabled = false;
  button.focus();
}

/**
 * @param {string} address
 * @returns {Promise<Blob>}
 */
async function rasterize(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth * SCALE;
  canvas.height = image.naturalHeight * SCALE;
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png");
  });
}
