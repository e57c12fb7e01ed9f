// How much room a text takes, before it is drawn.

/**
 * Returns the width of a text in letters; those of East Asian scripts count twice.
 * @param {string} text
 */
export function textWidth(text) {
  return [...text].reduce((sum, letter) => sum + (letter > "\u2e80" ? 2 : 1), 0);
}

/** @typedef {"short" | "medium" | "long" | "endless"} LengthClass */

/**
 * Returns the class of a title: the longer it is, the smaller its letters.
 * @param {string} title
 * @returns {LengthClass}
 */
export function lengthClass(title) {
  const width = textWidth(title);
  if (width <= 60) return "short";
  if (width <= 120) return "medium";
  return width <= 210 ? "long" : "endless";
}

/**
 * Returns as much of a text as fits into so many letters.
 * @param {string} text
 * @param {number} room
 */
export function shorten(text, room) {
  let width = 0;
  let fitting = "";
  for (const letter of text) {
    width += letter > "\u2e80" ? 2 : 1;
    if (width > room) return `${fitting.slice(0, -1)}…`;
    fitting += letter;
  }
  return text;
}
