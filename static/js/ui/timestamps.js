// Points in time as people read them: in one form, in the reader's time zone and with its name, and in UTC in a title.
// Pages that the server makes have the same form in UTC, so that a script changes only the zone.

const pad = (/** @type {number} */ number) => String(number).padStart(2, "0");

/** @typedef {{seconds?: boolean, milliseconds?: boolean}} Precision */
/** @typedef {string | null | undefined} Timestamp an ISO 8601 time as the server sends it */

/**
 * Returns the name of the reader's time zone at a point in time, such as "GMT+1" or "UTC".
 * @param {Date} date
 */
export function timeZoneName(date) {
  const parts = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" }).formatToParts(date);
  return (parts.find(({ type }) => type === "timeZoneName") || { value: "" }).value;
}

/**
 * Returns "11:05:09" or, with `milliseconds`, "11:05:09.204".
 * @param {Date} date
 * @param {Precision} precision
 */
function timeOfDay(date, { seconds = true, milliseconds = false } = {}) {
  const parts = [date.getHours(), date.getMinutes(), ...(seconds || milliseconds ? [date.getSeconds()] : [])];
  const time = parts.map(pad).join(":");
  return milliseconds ? `${time}.${String(date.getMilliseconds()).padStart(3, "0")}` : time;
}

/**
 * Returns "2026-11-29 11:05:09 GMT+1", or an empty text for anything that is not a time.
 * @param {Timestamp | number} at
 * @param {Precision} [precision]
 */
export function formatTimestamp(at, precision) {
  const date = new Date(at || "");
  if (Number.isNaN(date.getTime())) return "";
  const day = [date.getFullYear(), pad(date.getMonth() + 1), pad(date.getDate())].join("-");
  return `${day} ${timeOfDay(date, precision)} ${timeZoneName(date)}`;
}

/**
 * Returns "11:05 GMT+1" for a time of today, and the date with it for any other day.
 * @param {Timestamp} at
 * @param {number} now milliseconds since 1970
 */
export function formatShortTimestamp(at, now) {
  const date = new Date(at || "");
  if (Number.isNaN(date.getTime())) return "";
  const isToday = date.toDateString() === new Date(now).toDateString();
  return isToday ? `${timeOfDay(date, { seconds: false })} ${timeZoneName(date)}` : formatTimestamp(at, { seconds: false });
}

/**
 * Returns "11:05:09.204" for a line of a log; the page names the zone once, beside the lines.
 * @param {Timestamp} at
 */
export function formatLogTime(at) {
  const date = new Date(at || "");
  return Number.isNaN(date.getTime()) ? "" : timeOfDay(date, { milliseconds: true });
}

/**
 * Returns "2026-11-29 10:05:09 UTC".
 * @param {Timestamp} at
 */
export function formatUtc(at) {
  const date = new Date(at || "");
  return Number.isNaN(date.getTime()) ? "" : `${date.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** Rewrites the times that the server wrote in UTC in the reader's time zone. */
export function localizeTimestamps(root = document) {
  for (const element of root.querySelectorAll("time")) {
    const at = element.getAttribute("datetime");
    if (at === null) continue;
    const text = formatTimestamp(at, { seconds: element.dataset.exact !== undefined });
    if (text) element.textContent = text;
    element.title = formatUtc(at);
  }
}
