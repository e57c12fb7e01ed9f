// Texts that people write may be longer than any screen: styles cut them after some lines, and what no screen could show
// is not drawn at all. handlers/view_models/screen_talk.py cuts them alike. Pure.

const LONGEST = 600;

/** @param {string} text */
export function beginning(text) {
  const letters = [...text];
  return letters.length <= LONGEST ? text : `${letters.slice(0, LONGEST).join("")}…`;
}
