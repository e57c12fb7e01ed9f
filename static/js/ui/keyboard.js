// Keeps a page that is as high as the window above the keyboard of a phone, which covers a part of the page in some browsers.

/** @param {() => boolean} isWanted whether the page is as high as the window now */
export function fitAboveKeyboard(isWanted = () => true) {
  const visible = window.visualViewport;
  if (!visible) return;
  visible.addEventListener("resize", () => {
    const isCovered = isWanted() && window.innerHeight - visible.height > 1 && visible.scale === 1;
    document.body.style.height = isCovered ? `${visible.height}px` : "";
    if (isCovered) window.scrollTo(0, 0);
  });
}
