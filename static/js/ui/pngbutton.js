// A picture as PNG, made here from the SVG of the same address: the server draws nothing in pixels.

const SCALE = 2; // for sharp letters on a slide

/** A button for every link with `data-png`; what it says while it works and when it failed comes from `texts`. */
export function offerPng(texts, root = document) {
  for (const link of root.querySelectorAll("a[data-png]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "second";
    button.textContent = texts.say("result.save_png");
    button.addEventListener("click", () => save(link, button, texts));
    link.after(" ", button);
  }
}

async function save(link, button, texts) {
  button.disabled = true;
  try {
    const blob = await drawn(link.href);
    const saved = document.createElement("a");
    saved.href = URL.createObjectURL(blob);
    saved.download = link.dataset.png;
    saved.click();
    setTimeout(() => URL.revokeObjectURL(saved.href), 60_000);
    button.textContent = texts.say("result.save_png");
  } catch {
    button.textContent = texts.say("result.png_failed");
  }
  button.disabled = false;
  button.focus();
}

async function drawn(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth * SCALE;
  canvas.height = image.naturalHeight * SCALE;
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("no picture"))), "image/png");
  });
}
