// Which parts of a text become links, in time linear in its length. Only addresses with the scheme http, https or mailto
// do. livewall/rooms/links.py has the same rules; tests/vectors/links.json holds both to them.

/** @typedef {{text: string, linked: boolean}} Piece */

const MAX_ADDRESS = 2000;
// Not the flag `i`: together with `u` it takes other letters, such as U+017F, for the "s" of "https".
/* eslint-disable no-misleading-character-class -- marks stand for themselves here */
const ADDRESS = new RegExp(
  "(?:[Hh][Tt][Tt][Pp][Ss]?://|[Mm][Aa][Ii][Ll][Tt][Oo]:)(?:[!#-;=?-Z\\[\\]_a-z~]|[^\\x00-\\x7f\\u00ab\\u00ad\\u00bb\\u061c\\u1680\\u3164\\ufeff"
  + "\\uffa0\\u0080-\\u00a0\\u034f-\\u034f\\u115f-\\u1160\\u17b4-\\u17b5\\u180b-\\u180f\\u2000-\\u206f\\u2e00-\\u2e7f\\u3000-\\u303f"
  + "\\ufe00-\\ufe4f\\uff01-\\uff0f\\uff1a-\\uff20\\uff3b-\\uff40\\uff5b-\\uff65\\ufff0-\\uffff\\u{e0000}-\\u{e0fff}])+", "gu");
/* eslint-enable no-misleading-character-class */
const HOST = /^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/i;
const PORT = /^[0-9]{1,5}$/;
const MAILBOX = /^[a-z0-9.!#$%&'*+/=_~-]{1,64}$/i;
const WORD = /^[a-z0-9_]$/i;
const ENDS = ".,;:!?'*_~";
/** @type {Record<string, string>} */
const BRACKETS = { ")": "(", "]": "[" };

/**
 * Returns the parts of a text in their order.
 * @param {string} text
 */
export function pieces(text) {
  /** @type {Piece[]} */
  const found = [];
  let done = 0;
  for (const match of allMatches(text)) {
    const begin = match.index;
    if (begin && WORD.test(text[begin - 1])) continue;
    const address = withoutEnd(match[0]);
    if (!isSafe(address)) continue;
    if (begin > done) found.push({ text: text.slice(done, begin), linked: false });
    found.push({ text: address, linked: true });
    done = begin + address.length;
  }
  if (done < text.length) found.push({ text: text.slice(done), linked: false });
  return found;
}

/**
 * Returns all addresses in a text, the unsafe ones too.
 * @param {string} text
 */
function allMatches(text) {
  /** @type {RegExpExecArray[]} */
  const matches = [];
  ADDRESS.lastIndex = 0;
  for (let match = ADDRESS.exec(text); match; match = ADDRESS.exec(text)) matches.push(match);
  return matches;
}

/** @param {string} address */
function withoutEnd(address) {
  /** @type {Record<string, number>} */
  const openMore = {};
  for (const [closing, opening] of Object.entries(BRACKETS)) {
    openMore[closing] = address.split(opening).length - address.split(closing).length;
  }
  let end = address.length;
  while (end) {
    const last = address[end - 1];
    if (openMore[last] < 0) openMore[last] += 1;
    else if (!ENDS.includes(last)) break;
    end -= 1;
  }
  return address.slice(0, end);
}

/** @param {string} address */
function isSafe(address) {
  if ([...address].length > MAX_ADDRESS) return false;
  const colon = address.indexOf(":");
  const rest = address.slice(colon + 1);
  if (address.slice(0, colon).toLowerCase() === "mailto") {
    const at = rest.indexOf("@");
    return at > 0 && MAILBOX.test(rest.slice(0, at)) && isPlainHost(rest.slice(at + 1));
  }
  const [authority] = rest.slice(2).split(/[/?#]/, 1);
  const [host, port, more] = authority.split(":");
  if (more !== undefined || (port !== undefined && !(PORT.test(port) && Number(port) < 65536))) return false;
  return isPlainHost(host);
}

/** @param {string} host */
function isPlainHost(host) {
  if (host.length > 253 || !HOST.test(host)) return false;
  return !host.split(".").some((label) => label.toLowerCase().startsWith("xn--"));
}
