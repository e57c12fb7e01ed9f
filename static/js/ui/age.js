// How long ago something was, in words of the reader's language.

/** @type {[Intl.RelativeTimeFormatUnit, number][]} each unit, and its length in seconds */
const UNITS = [["year", 31_557_600], ["month", 2_629_800], ["day", 86_400], ["hour", 3_600], ["minute", 60]];

/**
 * Returns "3 days ago", or an empty text for anything that is not a time.
 * @param {string} at an ISO 8601 time
 * @param {number} now milliseconds since 1970
 * @param {string} lang
 */
export function ageText(at, now, lang) {
  const seconds = (now - new Date(at).getTime()) / 1000;
  if (Number.isNaN(seconds)) return "";
  const words = new Intl.RelativeTimeFormat(lang || undefined, { numeric: "auto" });
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) >= length) return words.format(-Math.trunc(seconds / length), unit);
  }
  return words.format(0, "minute");
}
