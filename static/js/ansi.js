// One line of a log as pieces of text with their looks. Colours become one of sixteen, redraws (\r) leave the last,
// every other escape is dropped, and what could do harm or cannot be seen is shown as a sign. Pure.

/** The sixteen colours as terminals know them; the stylesheet has its own shade for each, in both themes. */
const PALETTE = [
  [0, 0, 0], [205, 49, 49], [13, 188, 121], [200, 160, 16], [36, 114, 200], [188, 63, 188], [17, 168, 205], [204, 204, 204],
  [102, 102, 102], [241, 76, 76], [35, 209, 139], [245, 245, 67], [59, 142, 234], [214, 112, 214], [41, 184, 219], [255, 255, 255],
];
const STEPS = [0, 95, 135, 175, 215, 255];
const FLAGS = { 1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike" };
const NOT_FLAGS = { 22: ["bold", "dim"], 23: ["italic"], 24: ["underline"], 27: ["inverse"], 29: ["strike"] };
const PLAIN = Object.freeze({});
// Beginnings of escapes: CSI; strings that end with BEL or ST (OSC, DCS, SOS, PM, APC); all others.
const CSI = /(?:\x1b\[|\x9b)([0-?]*)[ -/]*([@-~])/y;
const STRING = /(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x9c|\x1b\\)?/y;
const OTHER = /\x1b(?:\[[ -?]*|[ -/]*[0-~]?)|\x9b[ -?]*/y;
// Signs that turn the order of letters around, and those without width.
const HIDDEN = /[\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;

/** The one of the sixteen that is nearest. */
export function nearest(red, green, blue) {
  let best = 0;
  let least = Infinity;
  PALETTE.forEach(([r, g, b], index) => {
    const distance = 2 * (r - red) ** 2 + 4 * (g - green) ** 2 + 3 * (b - blue) ** 2;
    if (distance < least) [best, least] = [index, distance];
  });
  return best;
}

/** One of 256 colours as one of sixteen; null for a number that is none. */
export function fromIndexed(number) {
  if (!(number >= 0 && number <= 255)) return null;
  if (number < 16) return number;
  if (number >= 232) {
    const grey = 8 + 10 * (number - 232);
    return nearest(grey, grey, grey);
  }
  const place = number - 16;
  return nearest(STEPS[Math.floor(place / 36)], STEPS[Math.floor(place / 6) % 6], STEPS[place % 6]);
}

/** The look after `ESC [ … m`. */
function styled(look, text) {
  const codes = text.split(/[;:]/).map((part) => (part === "" ? 0 : Number(part)));
  let next = { ...look };
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at];
    if (code === 0) next = {};
    else if (FLAGS[code]) next[FLAGS[code]] = true;
    else if (NOT_FLAGS[code]) for (const flag of NOT_FLAGS[code]) delete next[flag];
    else if (code >= 30 && code <= 37) next.ink = code - 30;
    else if (code >= 90 && code <= 97) next.ink = code - 82;
    else if (code >= 40 && code <= 47) next.ground = code - 40;
    else if (code >= 100 && code <= 107) next.ground = code - 92;
    else if (code === 39) delete next.ink;
    else if (code === 49) delete next.ground;
    else if (code === 38 || code === 48) {
      const [colour, used] = extended(codes, at, text.includes(":"));
      if (colour !== null) next[code === 38 ? "ink" : "ground"] = colour;
      at += used;
    }
  }
  return Object.keys(next).length ? next : PLAIN;
}

/** 38;5;N and 38;2;R;G;B, also with colons, where an empty colour space may stand before R. */
function extended(codes, at, colons) {
  if (codes[at + 1] === 5) return [fromIndexed(codes[at + 2]), 2];
  if (codes[at + 1] !== 2) return [null, 1];
  const space = colons && codes.length - at >= 6 ? 1 : 0;
  const [red, green, blue] = codes.slice(at + 2 + space, at + 5 + space);
  return [blue === undefined ? null : nearest(red, green, blue), 4 + space];
}

/** How a sign that cannot be seen is shown. */
function sign(letter) {
  const code = letter.codePointAt(0);
  if (code < 32) return String.fromCodePoint(0x2400 + code);
  if (code === 127) return "\u2421";
  return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}

function isSign(letter) {
  const code = letter.charCodeAt(0);
  return (code < 32 && letter !== "\t") || (code >= 127 && code < 160) || HIDDEN.test(letter);
}

function sameLook(a, b) {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

/** Pieces [{text, look}] of one line without its newline; `look` has ink, ground, bold, dim, italic, underline, inverse, strike. */
export function pieces(line) {
  let made = [];
  let look = PLAIN;
  let again = false; // a \r came: the next letter begins the line anew
  const put = (text, own = look) => {
    if (again) made = [];
    again = false;
    const last = made[made.length - 1];
    if (last && sameLook(last.look, own)) last.text += text;
    else made.push({ text, look: own });
  };
  let at = 0;
  while (at < line.length) {
    const letter = line[at];
    if (letter === "\x1b" || (letter >= "\x90" && letter <= "\x9f")) {
      const [length, next] = escape(line, at, look);
      look = next;
      if (length) {
        at += length;
        continue;
      }
    }
    if (letter === "\r") again = true;
    else if (letter === "\b") takeBack(made);
    else if (isSign(letter)) put(sign(letter), { ...look, sign: true });
    else {
      let end = at + 1;
      while (end < line.length && !isSign(line[end])) end += 1;
      put(line.slice(at, end));
      at = end;
      continue;
    }
    at += 1;
  }
  return made;
}

/** How long the escape at `at` is, and the look after it; length 0 for a sign that is no escape. */
function escape(line, at, look) {
  CSI.lastIndex = at;
  const control = CSI.exec(line);
  if (control) return [control[0].length, control[2] === "m" && /^[\d;:]*$/.test(control[1]) ? styled(look, control[1]) : look];
  for (const kind of [STRING, OTHER]) {
    kind.lastIndex = at;
    const found = kind.exec(line);
    if (found) return [found[0].length, look];
  }
  return [0, look];
}

/** A backspace: spinners draw over their last letter. */
function takeBack(made) {
  const last = made[made.length - 1];
  if (!last) return;
  last.text = last.text.replace(/.$/su, "");
  if (!last.text) made.pop();
}

/** The classes of a look. */
export function classes(look) {
  return Object.entries(look).map(([key, value]) => (value === true ? `a-${key}` : `a-${key}${value}`)).join(" ");
}

/** The text that is left. */
export function plain(line) {
  return pieces(line).map((piece) => piece.text).join("");
}
