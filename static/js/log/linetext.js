// What is seen of a line of a log, as the server made it out: text, its parts with their looks, and where in it is what
// was searched for. Pure.

/** The text that is seen of a line. */
export function seen(item) {
  return item.shown === undefined ? item.text || "" : item.shown;
}

/** Parts [text, look] of what is seen of a line. */
export function parts(item) {
  return item.spans || [[seen(item), ""]];
}

/** The classes of a look such as "ink1 bold". */
export function classes(look) {
  return look ? look.split(" ").map((name) => `a-${name}`).join(" ") : "";
}

/** Text in the form in which it is compared: as the server folds it, as far as scripts can. */
function folded(text) {
  return text.normalize("NFKC").toUpperCase().toLowerCase().replace(/\u03c2/g, "\u03c3").normalize("NFKC");
}

/** Where `query` is in `text`, as [from, to] in its letters; at most `most` places. */
export function places(text, query, most = 200) {
  const wanted = folded(query);
  if (!wanted) return [];
  const whole = folded(text);
  if (!whole.includes(wanted)) return [];
  // Each letter is folded alone, with its marks, so that a place in the folded text leads back to one in the text.
  const letters = text.match(/[^\p{M}]\p{M}*|\p{M}+/gsu) || [];
  let inside = "";
  const from = [];
  let at = 0;
  for (const letter of letters) {
    const part = folded(letter);
    for (let place = 0; place < part.length; place += 1) from.push(at);
    inside += part;
    at += letter.length;
  }
  from.push(at);
  const found = [];
  for (let place = inside.indexOf(wanted); place >= 0 && found.length < most; place = inside.indexOf(wanted, place + wanted.length)) {
    let end = from[place + wanted.length];
    if (end === from[place]) end = from.find((next) => next > end) ?? at;
    found.push([from[place], end]);
  }
  return found;
}

/** The parts of a line cut at the places that are marked: [text, look, marked]. */
export function cut(pieces, marks) {
  const made = [];
  let at = 0;
  let next = 0;
  for (const [text, look] of pieces) {
    const end = at + text.length;
    let begin = at;
    while (begin < end) {
      while (next < marks.length && marks[next][1] <= begin) next += 1;
      const [from, to] = marks[next] || [Infinity, Infinity];
      const inside = from <= begin;
      const stop = Math.min(end, inside ? to : from);
      made.push([text.slice(begin - at, stop - at), look, inside]);
      begin = stop;
    }
    at = end;
  }
  return made;
}
