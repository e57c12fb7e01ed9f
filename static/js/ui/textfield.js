// A field for a text of several lines: as high as its text, and with a text that is too long not cut, but said to be so.

export const MAX_TEXT = 4_000;

/**
 * Makes the field as high as its text, up to the height that the style sheet allows. Returns how many characters there are
 * too many.
 * @param {HTMLTextAreaElement} field
 */
export function fitField(field) {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 3}px`;
  return Math.max(0, [...field.value.trim()].length - MAX_TEXT);
}
