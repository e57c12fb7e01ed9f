// Keys of the list of messages. It is one stop of the Tab key; the arrow keys move between messages, Enter opens what can
// be done with one, and End leads to the newest.

/**
 * @param {Element | null} element
 * @param {"previousElementSibling" | "nextElementSibling"} direction
 */
function neighbour(element, direction) {
  let next = element;
  while (next && !(next.id && next.classList.contains("message"))) next = next[direction];
  return next instanceof HTMLElement ? next : null;
}

/**
 * @param {HTMLElement} scroller
 * @param {HTMLElement} lines
 * @param {{open: (number: number) => void, end: () => void}} on
 */
export function listenToKeys(scroller, lines, { open, end }) {
  scroller.addEventListener("keydown", (event) => {
    const { target } = event;
    if (!(target instanceof HTMLElement) || event.altKey || event.ctrlKey || event.metaKey) return;
    const message = target.classList.contains("message") ? target : null;
    if (!message && target !== scroller) return;
    if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      const direction = event.key === "ArrowUp" ? "previousElementSibling" : "nextElementSibling";
      const next = neighbour(message ? message[direction] : lines.lastElementChild, message ? direction : "previousElementSibling");
      if (next) {
        next.focus({ preventScroll: true });
        next.scrollIntoView({ block: "nearest" });
      } else scroller.scrollTop = event.key === "ArrowUp" ? 0 : scroller.scrollHeight;
    } else if (event.key === "Enter" && message && !message.classList.contains("gone")) {
      open(Number(message.id.slice(1)));
    } else if (event.key === "End") end();
    else return;
    event.preventDefault();
  });
}
