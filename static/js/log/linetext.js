// The visible text of a line, as the server worked it out, its styled parts, and the places that match a search. Pure.

/** @import { Line, Span } from "./linecache.js" */

/** @typedef {[from: number, to: number]} Match */

/**
 * Returns the text of a line that is visible.
 * @param {Line} line
 */
export function visibleText(line) {
  return line.shown === undefined ? line.text || "" : line.shown;
}

/**
 * Returns the parts of a line's visible text.
 * @param {Line} line
 * @returns {Span[]}
 */
export function spansOf(line) {
  return line.spans || [[visibleText(line), ""]];
}

/**
 * Returns the CSS classes of a style such as "ink1 bold".
 * @param {string} style
 */
export function classesOf(style) {
  return style ? style.split(" ").map((name) => `a-${name}`).join(" ") : "";
}

/**
 * Returns a text in the form in which it is compared: as the server folds it, as far as scripts can. They have no case
 * folding of their own, so upper and lower case are applied in turn, and the final sigma becomes the usual one.
 * @param {string} text
 */
function fold(text) {
  return text.normalize("NFKC").toUpperCase().toLowerCase().replace(/\u03c2/g, "\u03c3").normalize("NFKC");
}

/**
 * Returns where `query` is found in `text`, at most `most` times.
 * @param {string} text
 * @param {string} query
 * @returns {Match[]}
 */
export function findMatches(text, query, most = 200) {
  const wanted = fold(query);
  if (!wanted || !fold(text).includes(wanted)) return [];
  // Folding changes lengths. Each letter is folded alone, with its marks, so that a place in the folded text leads back
  // to one in the text.
  const letters = text.match(/[^\p{M}]\p{M}*|\p{M}+/gsu) || [];
  let folded = "";
  /** @type {number[]} for each place in the folded text, the one in the text */
  const origin = [];
  let at = 0;
  for (const letter of letters) {
    const part = fold(letter);
    for (let index = 0; index < part.length; index += 1) origin.push(at);
    folded += part;
    at += letter.length;
  }
  origin.push(at);
  /** @type {Match[]} */
  const matches = [];
  for (let position = folded.indexOf(wanted); position >= 0 && matches.length < most; position = folded.indexOf(wanted, position + wanted.length)) {
    let end = origin[position + wanted.length];
    if (end === origin[position]) end = origin.find((next) => next > end) || at;
    matches.push([origin[position], end]);
  }
  return matches;
}

/**
 * Returns the parts of a line cut at the edges of the matches, and whether each part is one.
 * @param {Span[]} spans
 * @param {Match[]} matches
 */
export function markMatches(spans, matches) {
  /** @type {[text: string, style: string, marked: boolean][]} */
  const parts = [];
  let at = 0;
  let next = 0;
  for (const [text, style] of spans) {
    const end = at + text.length;
    let begin = at;
    while (begin < end) {
      while (next < matches.length && matches[next][1] <= begin) next += 1;
      const [from, to] = matches[next] || [Infinity, Infinity];
      const inside = from <= begin;
      const stop = Math.min(end, inside ? to : from);
      parts.push([text.slice(begin - at, stop - at), style, inside]);
      begin = stop;
    }
    at = end;
  }
  return parts;
}
