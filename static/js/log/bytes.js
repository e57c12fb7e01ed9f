// Sizes as people read them.

/** @import { FormatNumber } from "../ui/texts.js" */

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/**
 * Returns a size such as "318 B" or "1.4 MB".
 * @param {number} bytes
 * @param {FormatNumber} number
 */
export function formatBytes(bytes, number) {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${number(unit && value < 99.5 ? Math.round(value * 10) / 10 : Math.round(value))} ${UNITS[unit]}`;
}
